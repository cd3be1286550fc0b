//! From bytes to rows: JSON lines, a JSON array, CSV or Parquet, told apart by their first bytes.

use std::fmt;
use std::path::Path;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use super::error::shown;
use super::row::Row;
use super::{DataFormat, Place, Problem, parquet_rows};

/// Takes one row at a time, so that a file of gigabytes is not held twice.
pub(super) type Take<'a> = &'a mut dyn FnMut(Row) -> Result<(), Problem>;

pub(in crate::workload) type Misplaced = (Place, Problem);

/// Hands every row to `take`, and says where it stopped.
pub(super) fn each_row(
    bytes: Vec<u8>,
    path: &Path,
    format: DataFormat,
    take: Take<'_>,
) -> Result<(), Misplaced> {
    if format == DataFormat::Parquet || bytes.starts_with(b"PAR1") {
        return parquet_rows::each(bytes, take);
    }
    let text = text(&bytes)?;
    let ending = |wanted: &str| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(wanted));
    let start = text.trim_start();
    if start.is_empty() {
        return Ok(());
    }
    if format == DataFormat::Csv || ending("csv") || ending("tsv") {
        return table(text, if ending("tsv") { b'\t' } else { b',' }, take);
    }
    match start.as_bytes().first() {
        Some(b'[') => array(start, take),
        Some(b'{') if ending("json") && serde_json::from_str::<Row>(start).is_ok() => {
            let row = serde_json::from_str(start).map_err(|error| (Place::Row(1), not_json(&error)))?;
            take(row).map_err(|problem| (Place::Row(1), problem))
        }
        Some(b'{') => lines(text, take),
        _ if format == DataFormat::Auto && !ending("jsonl") && !ending("json") && !ending("ndjson") => {
            Err((Place::File, Problem::Unrecognised))
        }
        _ => lines(text, take),
    }
}

/// The bytes as text, without the mark that some editors put before it.
pub(in crate::workload) fn text(bytes: &[u8]) -> Result<&str, Misplaced> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
            Err((Place::Line(before as u64 + 1), Problem::NotText))
        }
    }
}

fn lines(text: &str, take: Take<'_>) -> Result<(), Misplaced> {
    for (line, content) in (1..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        let row = serde_json::from_str(content).map_err(|error| not_json_in_line(&error));
        row.and_then(&mut *take).map_err(|problem| (Place::Line(line), problem))?;
    }
    Ok(())
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::NotJson { reason: shown(&error.to_string()) }
}

/// The line is known already; what counts is the place in it.
fn not_json_in_line(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    Problem::NotJson { reason: format!("{} (column {})", shown(what), error.column()) }
}

/// Element by element, so that each is gone before the next one comes.
fn array(text: &str, take: Take<'_>) -> Result<(), Misplaced> {
    let mut elements = Elements { take, row: 0, problem: None };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader.deserialize_seq(&mut elements).and_then(|()| reader.end());
    let place = Place::Row(elements.row);
    match (read, elements.problem) {
        (_, Some(problem)) => Err((place, problem)),
        (Err(error), None) => Err((place, not_json(&error))),
        (Ok(()), None) => Ok(()),
    }
}

struct Elements<'a> {
    take: Take<'a>,
    /// The one that is being read, from 1.
    row: u64,
    /// What `take` said; serde's own errors carry only text.
    problem: Option<Problem>,
}

impl<'de> Visitor<'de> for &mut Elements<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        loop {
            self.row += 1;
            let Some(row) = elements.next_element_seed(Object)? else { return Ok(()) };
            if let Err(problem) = (self.take)(row) {
                self.problem = Some(problem);
                return Err(A::Error::custom("stopped"));
            }
        }
    }
}

/// One element, which must be an object.
struct Object;

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Row;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Row, D::Error> {
        serde::Deserialize::deserialize(reader)
    }
}

fn table(text: &str, delimiter: u8, take: Take<'_>) -> Result<(), Misplaced> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let wrong = |row: u64| {
        move |error: csv::Error| {
            let place = error.position().map_or(Place::Row(row), |at| Place::Line(at.line()));
            (place, Problem::Csv { reason: shown(&reason(&error)) })
        }
    };
    let names = reader.headers().map_err(wrong(0))?.clone();
    for (row, record) in (1..).zip(reader.records()) {
        let record = record.map_err(wrong(row))?;
        let cells = names.iter().zip(&record);
        let fields = cells.map(|(name, cell)| (name.trim().to_owned(), Value::String(cell.to_owned())));
        take(fields.collect()).map_err(|problem| (Place::Row(row), problem))?;
    }
    Ok(())
}

/// Without the position, which the place says already.
fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("this row has {len} fields and the line of names has {expected_len}")
        }
        _ => error.to_string(),
    }
}
