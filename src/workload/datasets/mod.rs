//! Files as what users ask: rows become visits, whatever their container and shape.

mod container;
mod error;
mod numbers;
mod parquet_rows;
mod row;
mod talk;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) use container::text;
pub use error::{DatasetError, Place, Problem};
pub(super) use numbers::numbers;

use self::row::{Reading, Row};
use super::TokenCounter;
use crate::base::Nanos;
use crate::record::{Cancel, Prompt, Slo};

/// A file of prompts, and what is known of it beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    pub path: PathBuf,
    pub format: DataFormat,
    /// Column, or key, that holds the prompt; none looks for the usual ones.
    pub prompt_column: Option<String>,
    /// Column, or key, that holds the number of output tokens.
    pub output_column: Option<String>,
}

/// What the rows of a file look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    /// Found out by looking.
    Auto,
    /// Objects with `conversations` of `from` and `value`.
    ShareGpt,
    /// Objects with `messages` of `role` and `content`.
    Messages,
    /// Objects with a prompt and what the row asks for besides.
    Custom,
    /// A table with a line of column names.
    Csv,
    Parquet,
}

impl DataFormat {
    pub fn id(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::ShareGpt => "sharegpt",
            Self::Messages => "messages",
            Self::Custom => "custom",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// One visit of a file: a request, or the turns of a conversation. Invariant: at least one turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub turns: Vec<Said>,
}

/// One request of a file, with what its row says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub prompt: Prompt,
    /// By the tokenizer; none under the word rule, which is no measure of real text, and for later turns.
    pub tokens: Option<u32>,
    /// Output length that the row asks for.
    pub output: Option<u32>,
    /// Length of the answer that the row holds, by the tokenizer or, without one, in words.
    pub answer: Option<u32>,
    /// Pause before this turn.
    pub think: Option<Nanos>,
    pub model: Option<Arc<str>>,
    /// A JSON object as text.
    pub body: Option<Arc<str>>,
    pub slos: Option<Arc<[Slo]>>,
    pub cancel: Option<Cancel>,
}

/// The visits of a file, in its order; cheap to clone. Invariant: not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    visits: Arc<[Record]>,
    /// Shape of the rows, for example `sharegpt`.
    pub shape: &'static str,
    /// Rows that hold nothing to ask, or that vLLM's bounds for `ShareGPT` leave out.
    pub left_out: u64,
}

impl Records {
    /// Reads a file's bytes. `conversations` makes visits of several turns from rows that hold them; without it such a
    /// row is one request.
    pub fn read(
        bytes: Vec<u8>,
        file: &DataFile,
        conversations: bool,
        counter: &TokenCounter,
    ) -> Result<Self, DatasetError> {
        let mut gathered = Gathered::new(Reading::new(file, conversations, counter));
        let container = container::each_row(bytes, &file.path, file.format, &mut |row| gathered.add(&row));
        container.map_err(|(place, problem)| DatasetError { path: file.path.clone(), place, problem })?;
        gathered.finish(&file.path)
    }

    pub fn records(&self) -> &[Record] {
        &self.visits
    }

    /// Most turns of any visit.
    pub fn longest(&self) -> u32 {
        self.visits.iter().map(|record| record.turns.len()).max().map_or(1, |turns| turns as u32)
    }
}

/// Rows on their way to visits: rows of one session are joined.
struct Gathered<'a> {
    reading: Reading<'a>,
    records: Vec<Record>,
    sessions: BTreeMap<String, usize>,
    shape: Option<&'static str>,
    left_out: u64,
}

impl<'a> Gathered<'a> {
    fn new(reading: Reading<'a>) -> Self {
        Self { reading, records: Vec::new(), sessions: BTreeMap::new(), shape: None, left_out: 0 }
    }

    fn add(&mut self, row: &Row) -> Result<(), Problem> {
        let read = self.reading.read(row)?;
        if read.turns.is_empty() {
            self.left_out += 1;
            return Ok(());
        }
        self.shape = Some(match self.shape {
            Some(shape) if shape != read.shape => "several shapes",
            _ => read.shape,
        });
        match read.session {
            Some(session) => {
                let at = *self.sessions.entry(session).or_insert(self.records.len());
                match self.records.get_mut(at) {
                    Some(record) => record.turns.extend(read.turns.into_iter().map(Said::later)),
                    None => self.records.push(Record { turns: read.turns }),
                }
            }
            None => self.records.push(Record { turns: read.turns }),
        }
        Ok(())
    }

    fn finish(self, path: &Path) -> Result<Records, DatasetError> {
        let Self { reading: _, records, sessions: _, shape, left_out } = self;
        let Some(shape) = shape else {
            let problem =
                if left_out == 0 { Problem::Empty } else { Problem::NothingLeft { rows: left_out } };
            return Err(DatasetError { path: path.to_owned(), place: Place::File, problem });
        };
        Ok(Records { visits: records.into(), shape, left_out })
    }
}

impl Said {
    /// As a later turn: the history adds tokens that nobody counted.
    fn later(self) -> Self {
        Self { tokens: None, ..self }
    }
}

#[cfg(test)]
mod tests;
