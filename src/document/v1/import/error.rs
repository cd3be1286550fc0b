//! A file of another tool that cannot be read as a result, and why.

use std::path::PathBuf;

use super::Source;
use crate::base::Hint;
use crate::document::v1::SIZE_MAX;

/// A file that cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {problem}", path.display(), entry.map(|n| format!(", entry {n}")).unwrap_or_default())]
pub struct ImportError {
    pub path: PathBuf,
    /// From 1, where a file holds several results.
    pub entry: Option<usize>,
    pub problem: Problem,
}

/// What is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes, more than the {SIZE_MAX} that are read")]
    TooLarge { bytes: u64 },
    #[error("the JSON ends too early at line {line}: the file was cut")]
    Truncated { line: usize },
    #[error("the file is not JSON: {cause}")]
    NotJson { cause: String },
    #[error("this is a result of our own")]
    Ours,
    #[error("this is no result of a tool that is known here")]
    Unknown,
    #[error("this is a result of {found}, not of {wanted}")]
    Other { wanted: Source, found: Source },
    #[error("{key} is not {wanted}: {found}")]
    Field { key: String, wanted: &'static str, found: String },
    #[error("{key} is missing")]
    Missing { key: String },
    #[error("{what}: nothing here is measured for it")]
    Kind { what: &'static str },
    #[error("no request ended well")]
    NoSuccess,
    #[error("the file has {has} results, not {asked}")]
    NoEntry { asked: usize, has: usize },
    #[error("{what} is '{now}', and '{first}' in what was read before")]
    Mixed { what: String, first: String, now: String },
}

impl ImportError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        Hint::new(match &self.problem {
            Problem::Empty | Problem::Truncated { .. } => "let the other tool write the file again",
            Problem::TooLarge { .. } => "import the tool's summary, without its detailed records",
            Problem::NotJson { .. } => {
                "give the JSON or JSON lines that the tool saved; its CSV, YAML and console output are not read"
            }
            Problem::Ours => "print it with: llm-loadtest report",
            Problem::Unknown => {
                "give a result of vllm bench serve, SGLang bench_serving, AIPerf or GuideLLM, and say which with --from"
            }
            Problem::Other { .. } => {
                "import the files of one tool at a time, without --from or with the right name"
            }
            Problem::Field { .. } | Problem::Missing { .. } => {
                "undo edits by hand; if the tool wrote it so, please report its version as a bug"
            }
            Problem::Kind { .. } => "import a benchmark of text generation",
            Problem::NoSuccess => "look into the server's log and measure again",
            Problem::NoEntry { .. } => "choose with --entry N, last or all",
            Problem::Mixed { .. } => {
                "import them into files of their own; choose results of one file with --entry N"
            }
        })
    }
}
