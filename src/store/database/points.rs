//! Single requests for a chart: few columns of the table, and no more of its rows than a picture can show.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::ops::Range;

use bytes::Bytes;
use parquet::data_type::{ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::reader::{ChunkReader, FileReader as _, Length, RowGroupReader, SerializedFileReader};

use super::results::Windows;
use super::rows::RowsForm;
use super::{Database, DatabaseError};
use crate::document::v1::service::PointsDocument;

/// Which requests of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct PointsAsk {
    /// The level's label.
    pub level: String,
    /// Seconds since the window's start; none for no bound.
    pub from_s: Option<f64>,
    pub to_s: Option<f64>,
    /// At most so many, 1 to 20,000; what is beyond is taken for the nearest.
    pub max: u32,
}

/// More dots than any picture has pixels for.
const POINTS_MAX: usize = 20_000;

/// Enough for the end of most tables, which says where everything is.
const TAIL: u64 = 64 << 10;

const COLUMNS: [&str; 12] = [
    "round",
    "level",
    "arm",
    "phase",
    "due_ms",
    "sent_ms",
    "ttft_ms",
    "e2e_ms",
    "done_ms",
    "max_stall_ms",
    "prompt_tokens",
    "output_tokens",
];
const OUTCOME: &str = "outcome";

/// One request.
#[derive(Debug, Clone, PartialEq)]
struct Dot {
    row: u64,
    round: u32,
    at_s: f64,
    ttft_ms: Option<f64>,
    e2e_ms: Option<f64>,
    max_stall_ms: Option<f64>,
    prompt_tokens: Option<u32>,
    output_tokens: u32,
    outcome: String,
}

impl Database {
    /// Measured requests of a level, those of a baseline's server left out; none where no rows are kept.
    pub async fn points(&self, id: &str, asked: &PointsAsk) -> Result<Option<PointsDocument>, DatabaseError> {
        let Some(stored) = self.stored(id).await? else { return Ok(None) };
        let name = RowsForm::Parquet.object(&stored.folder);
        let damaged = |reason: String| self.objects.damaged(&name, reason);
        let (tail, ranges) = self.outline(&name, stored.size).await?;
        let parts = self.objects.parts(&name, &ranges).await?;
        let starts = ranges.iter().map(|range| range.start);
        let mut parts: BTreeMap<u64, Bytes> = starts.zip(parts).collect();
        parts.insert(stored.size - tail.len() as u64, tail);
        let (windows, asked, size) = (self.windows(id).await?, asked.clone(), stored.size);
        // The decoder is busy for a while, and may panic on a broken table, which ends only this thread's task.
        let read = tokio::task::spawn_blocking(move || {
            dots(Sparse { size, parts }, &windows, &asked).map(|dots| thinned(dots, &asked))
        });
        let read = read.await.map_err(|error| damaged(error.to_string()))?;
        read.map(Some).map_err(|error| damaged(error.to_string()))
    }

    /// The end of a table, and where in it the wanted columns lie.
    async fn outline(&self, name: &str, size: u64) -> Result<(Bytes, Vec<Range<u64>>), DatabaseError> {
        let damaged = |reason: String| self.objects.damaged(name, reason);
        let mut tail = self.objects.part(name, size.saturating_sub(TAIL)..size).await?;
        let length =
            tail.len().checked_sub(8).and_then(|at| tail[at..at + 4].try_into().ok()).map(u32::from_le_bytes);
        let length = u64::from(length.ok_or_else(|| damaged("it is too short".to_owned()))?) + 8;
        if length > size {
            return Err(damaged("its end points before its beginning".to_owned()));
        }
        if length > tail.len() as u64 {
            tail = self.objects.part(name, size - length..size).await?;
        }
        let within = tail.len() - length as usize..tail.len() - 8;
        let metadata = ParquetMetaDataReader::decode_metadata(&tail[within])
            .map_err(|error| damaged(error.to_string()))?;
        let mut ranges = Vec::new();
        for group in metadata.row_groups() {
            for column in group.columns() {
                let (start, length) = column.byte_range();
                if COLUMNS.contains(&column.column_path().string().as_str())
                    || column.column_path().string() == OUTCOME
                {
                    if start + length > size {
                        return Err(damaged("a column lies beyond its end".to_owned()));
                    }
                    ranges.push(start..start + length);
                }
            }
        }
        Ok((tail, ranges))
    }
}

/// The parts of a table that were fetched, by where they begin.
struct Sparse {
    size: u64,
    parts: BTreeMap<u64, Bytes>,
}

impl Sparse {
    /// What was fetched from `start` on, at least so many bytes. The end of a table may cover some of its columns, too.
    fn from(&self, start: u64, least: u64) -> Result<Bytes> {
        let covers = |at: u64, bytes: &Bytes| start + least <= at + bytes.len() as u64;
        let part = self.parts.range(..=start).rev().find(|(at, bytes)| covers(**at, bytes));
        part.map(|(at, bytes)| bytes.slice((start - at) as usize..))
            .ok_or_else(|| ParquetError::EOF(format!("{least} bytes from {start} were not fetched")))
    }
}

impl Length for Sparse {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Sparse {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(Cursor::new(self.from(start, 1)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        Ok(self.from(start, length as u64)?.slice(..length))
    }
}

/// What lies in the asked span, in the order of sending.
fn dots(table: Sparse, windows: &Windows, asked: &PointsAsk) -> Result<Vec<Dot>> {
    let reader = SerializedFileReader::new(table)?;
    let (mut dots, mut first) = (Vec::new(), 0);
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let group = Group { group: &*group, count };
        group.measured(&asked.level, first, &mut dots)?;
        first += count as u64;
    }
    // Without a result nobody has said when a window began: then its first request began it.
    let mut starts = windows.get(&asked.level).cloned().unwrap_or_default();
    for dot in &dots {
        if !windows.get(&asked.level).is_some_and(|rounds| rounds.contains_key(&dot.round)) {
            let start = starts.entry(dot.round).or_insert(dot.at_s);
            *start = start.min(dot.at_s);
        }
    }
    for dot in &mut dots {
        let start = starts.get(&dot.round).copied().unwrap_or_default();
        dot.at_s = ((dot.at_s - start) * 1e6).round() / 1e6;
    }
    dots.retain(|dot| {
        asked.from_s.is_none_or(|from| dot.at_s >= from) && asked.to_s.is_none_or(|to| dot.at_s <= to)
    });
    dots.sort_by(|one, two| one.at_s.total_cmp(&two.at_s).then(one.row.cmp(&two.row)));
    Ok(dots)
}

/// A group of rows of the table.
struct Group<'a> {
    group: &'a dyn RowGroupReader,
    count: usize,
}

impl Group<'_> {
    fn measured(&self, level: &str, first: u64, dots: &mut Vec<Dot>) -> Result<()> {
        let text = |name| self.column::<ByteArrayType>(name);
        let number = |name| self.column::<DoubleType>(name);
        let count = |name| self.column::<Int32Type>(name);
        let (levels, arms, phases) = (text("level")?, text("arm")?, text("phase")?);
        let (due, sent, done) = (number("due_ms")?, number("sent_ms")?, number("done_ms")?);
        let (ttft, e2e, stall) = (number("ttft_ms")?, number("e2e_ms")?, number("max_stall_ms")?);
        let (rounds, prompts, outputs) = (count("round")?, count("prompt_tokens")?, count("output_tokens")?);
        let outcomes = text(OUTCOME)?;
        let is = |column: &[Option<_>], at: usize, word: &str| {
            column[at]
                .as_ref()
                .is_some_and(|text: &parquet::data_type::ByteArray| text.data() == word.as_bytes())
        };
        for at in 0..self.count {
            if !is(&levels, at, level) || !is(&phases, at, "measure") || is(&arms, at, "baseline") {
                continue;
            }
            let outcome = outcomes[at].as_ref().map(|text| String::from_utf8_lossy(text.data()).into_owned());
            let outcome = outcome.unwrap_or_default();
            let ended = done[at].unwrap_or_default();
            // As the samples of a result have it: a failure lasts to its end, whatever came before.
            let lasted = if outcome == "success" { e2e[at] } else { sent[at].map(|sent| ended - sent) };
            dots.push(Dot {
                row: first + at as u64,
                round: rounds[at].unwrap_or_default().cast_unsigned(),
                at_s: sent[at].or(due[at]).unwrap_or(ended) / 1e3,
                ttft_ms: ttft[at],
                e2e_ms: lasted.map(|ms| (ms * 1e3).round() / 1e3),
                max_stall_ms: stall[at],
                prompt_tokens: prompts[at].map(i32::cast_unsigned),
                output_tokens: outputs[at].unwrap_or_default().cast_unsigned(),
                outcome,
            });
        }
        Ok(())
    }

    /// A whole column, a value or none for each row.
    fn column<T: DataType>(&self, name: &str) -> Result<Vec<Option<T::T>>> {
        let schema = self.group.metadata().schema_descr();
        let index = schema.columns().iter().position(|column| column.path().string() == name);
        let index = index.ok_or_else(|| ParquetError::General(format!("there is no column {name}")))?;
        let most = schema.column(index).max_def_level();
        let reader = self.group.get_column_reader(index)?;
        let mut reader = T::get_column_reader(reader)
            .ok_or_else(|| ParquetError::General(format!("column {name} is of another type")))?;
        let (mut values, mut depths) = (Vec::new(), Vec::new());
        let mut read = 0;
        while read < self.count {
            let (records, ..) =
                reader.read_records(self.count - read, Some(&mut depths), None, &mut values)?;
            if records == 0 {
                return Err(ParquetError::EOF(format!("column {name} ends too early")));
            }
            read += records;
        }
        if most == 0 {
            return Ok(values.into_iter().map(Some).collect());
        }
        let mut values = values.into_iter();
        Ok(depths.iter().map(|depth| if *depth == most { values.next() } else { None }).collect())
    }
}

/// At most as many as are asked for.
fn thinned(dots: Vec<Dot>, asked: &PointsAsk) -> PointsDocument {
    let total = dots.len() as u64;
    let most = (asked.max as usize).clamp(1, POINTS_MAX);
    let kept = if dots.len() <= most { (0..dots.len()).collect() } else { chosen(&dots, most) };
    let mut points = PointsDocument {
        level: asked.level.clone(),
        total,
        thinned: kept.len() as u64 != total,
        ..PointsDocument::default()
    };
    for (at, dot) in dots.into_iter().enumerate() {
        if !kept.contains(&at) {
            continue;
        }
        let Dot { row, round, at_s, ttft_ms, e2e_ms, max_stall_ms, prompt_tokens, output_tokens, outcome } =
            dot;
        points.row.push(row);
        points.round.push(round);
        points.at_s.push(at_s);
        points.ttft_ms.push(ttft_ms);
        points.e2e_ms.push(e2e_ms);
        points.max_stall_ms.push(max_stall_ms);
        points.prompt_tokens.push(prompt_tokens);
        points.output_tokens.push(output_tokens);
        points.outcome.push(outcome);
    }
    points
}

/// Failures first, then the extremes of each stretch of time, then every so-manieth of the rest.
fn chosen(dots: &[Dot], most: usize) -> BTreeSet<usize> {
    let failures: Vec<usize> = (0..dots.len()).filter(|at| dots[*at].outcome != "success").collect();
    let mut kept: BTreeSet<usize> = spread(&failures, most).collect();
    let stretches = (most - kept.len()) / 4;
    if stretches > 0 {
        let size = dots.len().div_ceil(stretches);
        for start in (0..dots.len()).step_by(size) {
            let stretch = start..(start + size).min(dots.len());
            for value in [|dot: &Dot| dot.ttft_ms, |dot: &Dot| dot.e2e_ms] {
                let known = stretch.clone().filter(|at| value(&dots[*at]).is_some());
                let order = |one: &usize, two: &usize| {
                    value(&dots[*one]).unwrap_or(0.0).total_cmp(&value(&dots[*two]).unwrap_or(0.0))
                };
                kept.extend(known.clone().min_by(order));
                kept.extend(known.max_by(order));
            }
        }
    }
    let rest: Vec<usize> = (0..dots.len()).filter(|at| !kept.contains(at)).collect();
    let room = most - kept.len();
    kept.extend(spread(&rest, room));
    kept
}

/// So many of them, evenly.
fn spread(from: &[usize], most: usize) -> impl Iterator<Item = usize> {
    let count = from.len().min(most);
    (0..count).map(move |at| from[at * from.len() / count])
}
