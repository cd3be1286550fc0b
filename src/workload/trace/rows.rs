//! The rows of a trace file, JSONL or CSV, each with the line it stands on.

use csv::StringRecord;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::time::{Instant, instant};
use super::{TimeUnit, TokenCounter, TraceError, TraceFormat, Words};
use crate::base::Seed;

/// A row before its time is counted from the first one's.
pub(super) struct Found {
    /// Nanoseconds since a zero that all rows share.
    pub(super) at: i128,
    pub(super) input: Option<u32>,
    pub(super) output: Option<u32>,
    pub(super) words: Words,
}

impl Found {
    /// Nothing was asked or nothing answered: a failure, or a row that cannot be sent.
    pub(super) fn is_void(&self) -> bool {
        self.input == Some(0) || self.output == Some(0)
    }
}

/// Beyond every context window of today, and small enough to be built in memory.
const TOKENS_MAX: u32 = 2_000_000;
const TOKENS: &str = "a number of tokens from 0 to 2000000";

/// A file whose first line is an object is JSONL, any other one CSV with a header.
pub(super) fn read(
    text: &str,
    unit: Option<TimeUnit>,
    counter: &TokenCounter,
) -> Result<(TraceFormat, Vec<Found>), TraceError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(TraceError::Empty);
    }
    if text.trim_start().starts_with('{') { jsonl(text, unit, counter) } else { csv(text, unit, counter) }
}

fn jsonl(
    text: &str,
    unit: Option<TimeUnit>,
    counter: &TokenCounter,
) -> Result<(TraceFormat, Vec<Found>), TraceError> {
    let mut objects: Vec<(u64, Map<String, Value>)> = Vec::new();
    // Rows need not all have the same keys, so all of them are known before any is understood.
    let mut names: Vec<String> = Vec::new();
    for (line, content) in (1..).zip(text.lines()).filter(|(_, content)| !content.trim().is_empty()) {
        let object: Map<String, Value> = serde_json::from_str(content)
            .map_err(|cause| TraceError::NotJson { line, reason: cause.to_string() })?;
        let new: Vec<String> = object.keys().filter(|key| !names.contains(key)).cloned().collect();
        names.extend(new);
        objects.push((line, object));
    }
    let columns = Columns::find(&names.iter().map(String::as_str).collect::<Vec<_>>(), true)?;
    let found = objects.iter().map(|(line, object)| {
        let cell = |name: &str| object.get(name).and_then(shown);
        let row = Row { line: *line, columns: &columns, unit, counter };
        row.read(&cell, columns.blocks.as_ref().and_then(|name| object.get(name)))
    });
    Ok((columns.format, found.collect::<Result<_, _>>()?))
}

/// A value as a cell of a table would hold it; null is no value.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn csv(
    text: &str,
    unit: Option<TimeUnit>,
    counter: &TokenCounter,
) -> Result<(TraceFormat, Vec<Found>), TraceError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let refuse = |error: csv::Error| TraceError::NotCsv {
        line: error.position().map_or(1, csv::Position::line),
        reason: match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("it has {len} cells and the header {expected_len}")
            }
            _ => error.to_string(),
        },
    };
    let header = reader.headers().map_err(refuse)?.clone();
    let names: Vec<&str> = header.iter().collect();
    let columns = Columns::find(&names, false)?;
    let place = |name: &str| names.iter().position(|other| *other == name);
    let mut record = StringRecord::new();
    let mut found = Vec::new();
    while reader.read_record(&mut record).map_err(refuse)? {
        let line = record.position().map_or(0, csv::Position::line);
        let cell = |name: &str| {
            let text = record.get(place(name)?)?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        found.push(Row { line, columns: &columns, unit, counter }.read(&cell, None)?);
    }
    Ok((columns.format, found))
}

/// One row, before its cells are understood.
struct Row<'a> {
    line: u64,
    columns: &'a Columns,
    /// What the user says about bare numbers; it wins over names and formats.
    unit: Option<TimeUnit>,
    counter: &'a TokenCounter,
}

impl Row<'_> {
    fn read(
        &self,
        cell: &impl Fn(&str) -> Option<String>,
        blocks: Option<&Value>,
    ) -> Result<Found, TraceError> {
        let columns = self.columns;
        let text = columns.text.as_deref().and_then(cell).filter(|text| !text.trim().is_empty());
        let input = self.tokens(columns.input.as_ref(), cell)?;
        if text.is_none() && input.is_none() {
            let column = columns.input.as_ref().or(columns.text.as_ref()).cloned().unwrap_or_default();
            return Err(TraceError::Missing { line: self.line, column });
        }
        let session = columns.session.as_deref().and_then(cell);
        let (input, words) = match (text, blocks.filter(|ids| !ids.is_null()), session) {
            (Some(text), _, _) => {
                let counted = match self.counter {
                    TokenCounter::Words => None,
                    TokenCounter::Tiktoken { .. } | TokenCounter::HuggingFace { .. } => {
                        Some(self.counter.count(&text))
                    }
                };
                (counted, Words::Text(text.into()))
            }
            (None, Some(ids), _) => (input, self.blocks(ids)?),
            (None, None, Some(session)) => (input, Words::Session(Seed(0).child(&session).0)),
            (None, None, None) => (input, Words::Own),
        };
        Ok(Found { at: self.at(cell)?, input, output: self.tokens(columns.output.as_ref(), cell)?, words })
    }

    fn at(&self, cell: &impl Fn(&str) -> Option<String>) -> Result<i128, TraceError> {
        let (line, column) = (self.line, self.columns.time.clone());
        let Some(value) = cell(&column) else {
            return Err(TraceError::Missing { line, column });
        };
        match instant(&value, self.unit.or(self.columns.unit)) {
            Some(Instant::At(at)) => Ok(at),
            Some(Instant::Bare) => Err(TraceError::NoUnit { line, column, value }),
            None => Err(TraceError::Bad { line, column, value, wanted: "a number or a date" }),
        }
    }

    fn tokens(
        &self,
        column: Option<&String>,
        cell: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<u32>, TraceError> {
        let Some((column, value)) = column.and_then(|name| Some((name, cell(name)?))) else {
            return Ok(None);
        };
        // Tables that went through floating point write 374.0.
        let digits = value.strip_suffix(".0").unwrap_or(&value);
        match digits.parse().ok().filter(|tokens| *tokens <= TOKENS_MAX) {
            Some(tokens) => Ok(Some(tokens)),
            None => Err(TraceError::Bad { line: self.line, column: column.clone(), value, wanted: TOKENS }),
        }
    }

    fn blocks(&self, ids: &Value) -> Result<Words, TraceError> {
        let wrong = |value: &Value, wanted| TraceError::Bad {
            line: self.line,
            column: "hash_ids".to_owned(),
            value: value.to_string(),
            wanted,
        };
        let list = ids.as_array().ok_or_else(|| wrong(ids, "a list"))?;
        let ids = list.iter().map(|id| match id {
            // Hashes need not be small numbers; any text names a block as well.
            Value::String(name) => Ok(Seed(0).child(name).0),
            id => id
                .as_u64()
                .or_else(|| id.as_i64().map(i64::cast_unsigned))
                .ok_or_else(|| wrong(id, "a whole number")),
        });
        Ok(Words::Blocks(ids.collect::<Result<_, _>>()?))
    }
}
