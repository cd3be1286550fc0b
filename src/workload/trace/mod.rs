//! Recorded traces: when requests came, how long they and their answers were, and what their prompts had in common.

mod columns;
mod rows;
mod time;

use std::fmt;
use std::sync::Arc;

use super::{TimeUnit, TokenCounter, TraceFile};
use crate::base::Nanos;

/// The requests of a trace in order of time; cheap to clone. Invariant: not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    format: TraceFormat,
    rows: Arc<[TraceRow]>,
    left_out: u64,
    block: u32,
}

/// One recorded request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TraceRow {
    /// Since the trace's first request.
    pub(super) at: Nanos,
    /// Tokens of the prompt; none for a text that nobody counted.
    pub(super) input: Option<u32>,
    /// Tokens of the answer; none where the trace does not say.
    pub(super) output: Option<u32>,
    pub(super) words: Words,
}

/// What the prompt has in common with others.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Words {
    /// Nothing.
    Own,
    /// Blocks of tokens from its beginning on: equal ids, equal words.
    Blocks(Box<[u64]>),
    /// All of a session's prompts begin alike, each as far as the shorter one goes.
    Session(u64),
    /// The trace has the text itself.
    Text(Box<str>),
}

/// What kind of file a trace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// JSONL of `timestamp` in ms, `input_length`, `output_length`, `hash_ids` (Qin et al., FAST 2025).
    Mooncake,
    /// CSV of `TIMESTAMP` as a date, `ContextTokens`, `GeneratedTokens` (Patel et al., ISCA 2024).
    Azure,
    /// CSV of `Timestamp` in s, `Request tokens`, `Response tokens` (Wang et al., KDD 2025).
    BurstGpt,
    Jsonl,
    Csv,
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mooncake => "a Mooncake trace",
            Self::Azure => "an Azure LLM inference trace",
            Self::BurstGpt => "a BurstGPT trace",
            Self::Jsonl => "a JSONL trace",
            Self::Csv => "a CSV trace",
        })
    }
}

/// A file that is no trace. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    #[error("the trace has no request with tokens to ask for")]
    Empty,
    #[error("no column tells {what}: name one {wanted}; there are {found}")]
    NoColumn { what: &'static str, wanted: &'static str, found: String },
    #[error("line {line} is not a JSON object: {reason}")]
    NotJson { line: u64, reason: String },
    #[error("line {line} is not a CSV record: {reason}")]
    NotCsv { line: u64, reason: String },
    #[error("line {line} has no {column}")]
    Missing { line: u64, column: String },
    #[error("line {line}, {column}: '{value}' is not {wanted}")]
    Bad { line: u64, column: String, value: String, wanted: &'static str },
    #[error(
        "line {line}, {column}: '{value}' has no unit; say it with --trace-unit s (or ms, us, ns), or name the column {column}_s"
    )]
    NoUnit { line: u64, column: String, value: String },
}

impl Trace {
    /// Reads the file's text. Requests without a token of prompt or answer, which traces keep for failures, are left out
    /// and counted.
    pub fn parse(text: &str, file: &TraceFile, counter: &TokenCounter) -> Result<Self, TraceError> {
        let (format, found) = rows::read(text, file.unit, counter)?;
        let all = found.len();
        let mut found: Vec<rows::Found> = found.into_iter().filter(|row| !row.is_void()).collect();
        let left_out = (all - found.len()) as u64;
        found.sort_by_key(|row| row.at);
        let Some(start) = found.first().map(|row| row.at) else {
            return Err(TraceError::Empty);
        };
        let rows = found
            .into_iter()
            .map(|row| TraceRow {
                at: Nanos(u64::try_from(row.at - start).unwrap_or(u64::MAX)),
                input: row.input,
                output: row.output,
                words: row.words,
            })
            .collect();
        Ok(Self { format, rows, left_out, block: file.block })
    }

    pub fn format(&self) -> TraceFormat {
        self.format
    }

    /// Rows without a token of prompt or answer.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn rows(&self) -> &[TraceRow] {
        &self.rows
    }

    pub(super) fn block(&self) -> u32 {
        self.block
    }

    /// `a Mooncake trace of 12,031 requests over 59m59s`, and what was left out.
    pub fn describe(&self) -> String {
        let span = self.rows.last().map_or(Nanos::ZERO, |row| row.at);
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!("; {count} more without a token of prompt or answer are left out"),
        };
        format!("{} of {} requests over {span}{left_out}", self.format, self.rows.len())
    }
}

#[cfg(test)]
mod tests;
