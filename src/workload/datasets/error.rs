//! What is wrong with a file, where in it, and what to write instead.

use std::fmt;
use std::path::PathBuf;

use crate::workload::TOKENS_MAX;

/// A file that is no data set, or a place in it that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{place}: {problem}", path.display())]
pub struct DatasetError {
    pub path: PathBuf,
    pub place: Place,
    pub problem: Problem,
}

/// Lines and rows count from 1; a table's line of names is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    File,
    Line(u64),
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Line(line) => write!(f, ", line {line}"),
            Self::Row(row) => write!(f, ", row {row}"),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("{reason}")]
    Read { reason: String },
    #[error("there are no rows; write for example one JSON object per line: {{\"prompt\": \"…\"}}")]
    Empty,
    #[error(
        "none of the {rows} rows can be asked: each lacks a question with an answer, or lies outside 4 to 1024 prompt tokens and 2048 in all, the bounds that vLLM sets for ShareGPT; --turns all takes whole conversations without bounds"
    )]
    NothingLeft { rows: u64 },
    #[error("this is not UTF-8 text; save it as UTF-8")]
    NotText,
    #[error("this is not a JSON object: {reason}")]
    NotJson { reason: String },
    #[error("this is neither JSON, CSV nor Parquet; name the format with --dataset-format")]
    Unrecognised,
    #[error("this is not CSV: {reason}")]
    Csv { reason: String },
    #[error("this is not Parquet that can be read: {reason}")]
    Parquet { reason: String },
    #[error("there is no column '{name}'; the columns are {known}")]
    NoColumn { name: String, known: String },
    #[error(
        "there is no prompt: give \"prompt\", \"text_input\", \"messages\" with a user's text, or name the column with --prompt-column; here are {known}"
    )]
    NoPrompt { known: String },
    #[error("there are no \"{key}\", which --dataset-format {format} needs")]
    OtherShape { key: &'static str, format: &'static str },
    #[error("\"{key}\" is {value}, which is not {wanted}")]
    Bad { key: String, value: String, wanted: String },
}

/// Longest foreign value in a message.
const SHOWN_MAX: usize = 60;

impl Problem {
    pub(super) fn bad(key: &str, value: &impl ToString, wanted: impl Into<String>) -> Self {
        Self::Bad { key: shown(key), value: shown(&value.to_string()), wanted: wanted.into() }
    }

    pub(super) fn tokens(key: &str, value: &impl ToString) -> Self {
        Self::bad(key, value, format!("a whole number from 1 to {TOKENS_MAX}"))
    }
}

/// Foreign text on one line and not endless.
pub(super) fn shown(text: &str) -> String {
    let mut short: String =
        text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        short.push('…');
    }
    short
}
