//! What a file is, and whether this version may read it.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::base::Hint;

/// Id of the metric definitions that the numbers follow; results under different sets refuse to compare.
pub const DEFINITIONS: &str = "1";

/// Largest file that is read. Ten thousand rounds of results are smaller.
pub const SIZE_MAX: u64 = 256 * 1024 * 1024;

const MAJOR: u32 = 1;
/// 1: the course of a level in time (`series`), and some of its requests (`points`); the search that chose the levels (`search`).
/// 2: rounds in pairs (`pairs`), looks, the test behind each p-value, evidence carried over (`carried`), how old the
/// stored sessions are (`baseline`); ledgers.
/// 3: what was seen of the hardware (`observed`), and the values that come of it.
const MINOR: u32 = 3;

/// The first words of every file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Format {
    pub kind: Kind,
    /// Changes when the meaning of a field changes.
    pub major: u32,
    /// Grows when meaning is added.
    pub minor: u32,
}

impl Format {
    pub fn current(kind: Kind) -> Self {
        Self { kind, major: MAJOR, minor: MINOR }
    }
}

/// The files that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    #[serde(rename = "llm-loadtest/run")]
    Run,
    #[serde(rename = "llm-loadtest/baseline")]
    Baseline,
    #[serde(rename = "llm-loadtest/ledger")]
    Ledger,
    // Printed, never read.
    #[serde(rename = "llm-loadtest/forecast")]
    Forecast,
    #[serde(rename = "llm-loadtest/history")]
    History,
    #[serde(rename = "llm-loadtest/doctor")]
    Doctor,
    #[serde(rename = "llm-loadtest/gpus")]
    Gpus,
    #[serde(rename = "llm-loadtest/info")]
    Info,
    #[serde(rename = "llm-loadtest/analysis")]
    Analysis,
    #[serde(rename = "llm-loadtest/recommend")]
    Recommend,
}

impl Kind {
    pub fn id(self) -> &'static str {
        match self {
            Self::Run => "llm-loadtest/run",
            Self::Baseline => "llm-loadtest/baseline",
            Self::Ledger => "llm-loadtest/ledger",
            Self::Forecast => "llm-loadtest/forecast",
            Self::History => "llm-loadtest/history",
            Self::Doctor => "llm-loadtest/doctor",
            Self::Gpus => "llm-loadtest/gpus",
            Self::Info => "llm-loadtest/info",
            Self::Analysis => "llm-loadtest/analysis",
            Self::Recommend => "llm-loadtest/recommend",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Run => "a result",
            Self::Baseline => "a baseline",
            Self::Ledger => "a ledger",
            Self::Forecast => "a forecast",
            Self::History => "a history",
            Self::Doctor => "a doctor's report",
            Self::Gpus => "a look at GPUs",
            Self::Info => "facts about a machine",
            Self::Analysis => "an analysis",
            Self::Recommend => "a recommendation",
        }
    }
}

/// A file that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct DocumentError {
    pub path: PathBuf,
    pub problem: DocumentProblem,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentProblem {
    #[error("the file is empty")]
    Empty,
    #[error("the file has {bytes} bytes, more than the {SIZE_MAX} that are read")]
    TooLarge { bytes: u64 },
    #[error("the JSON ends too early at line {line}: the file was cut")]
    Truncated { line: usize },
    #[error("the file is not JSON: {cause}")]
    NotJson { cause: String },
    #[error("the file is {found}, not {} ({})", expected.noun(), expected.id())]
    WrongKind { expected: Kind, found: Found },
    #[error(
        "the file has format {major}.{minor} and was written by llm-loadtest {tool}; this version reads {MAJOR}.0 to {MAJOR}.{MINOR}"
    )]
    Newer { major: u32, minor: u32, tool: String },
    #[error("the file says it is {} but does not hold it: {cause}", kind.noun())]
    Shape { kind: Kind, cause: String },
}

/// What a file of the wrong kind says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found(Option<String>);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(kind) => write!(f, "of kind '{}'", kind.escape_debug()),
            None => f.write_str("JSON of another tool"),
        }
    }
}

impl DocumentError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        Hint::new(match &self.problem {
            DocumentProblem::Empty | DocumentProblem::Truncated { .. } => {
                "run again, or restore the file from version control or the artifact".to_owned()
            }
            DocumentProblem::TooLarge { .. } => "check that this is a result or baseline file".to_owned(),
            DocumentProblem::NotJson { .. } => {
                "give a result.json that `llm-loadtest run` wrote, or a file of the baseline folder"
                    .to_owned()
            }
            DocumentProblem::WrongKind { expected, .. } => match expected {
                Kind::Run => "give the result.json that `llm-loadtest run` or `gate` wrote".to_owned(),
                Kind::Baseline => {
                    "save a result as a baseline first: llm-loadtest baseline save result.json".to_owned()
                }
                Kind::Ledger => "delete the file, or name another folder with --ledger".to_owned(),
                Kind::Forecast => "give what `llm-loadtest plan --json` printed".to_owned(),
                Kind::History => "give what `llm-loadtest history --format json` wrote".to_owned(),
                Kind::Doctor => "give what `llm-loadtest doctor --json` printed".to_owned(),
                Kind::Gpus => "give what `llm-loadtest gpu --json` printed".to_owned(),
                Kind::Info => "give what `llm-loadtest info --json` printed".to_owned(),
                Kind::Analysis => "give what `llm-loadtest analyze --format json` printed".to_owned(),
                Kind::Recommend => "give what `llm-loadtest recommend --format json` printed".to_owned(),
            },
            DocumentProblem::Newer { .. } => {
                "update llm-loadtest to the version that wrote the file, or a later one".to_owned()
            }
            DocumentProblem::Shape { .. } => {
                "undo edits by hand, or restore the file from version control".to_owned()
            }
        })
    }
}

/// Reads a file of one kind: its format first, so that a newer file is never half understood.
pub(super) fn read<T: DeserializeOwned>(kind: Kind, path: &Path, text: &str) -> Result<T, DocumentError> {
    parse(kind, text).map_err(|problem| DocumentError { path: path.to_owned(), problem })
}

fn parse<T: DeserializeOwned>(kind: Kind, text: &str) -> Result<T, DocumentProblem> {
    let bytes = text.len() as u64;
    if bytes > SIZE_MAX {
        return Err(DocumentProblem::TooLarge { bytes });
    }
    if text.trim().is_empty() {
        return Err(DocumentProblem::Empty);
    }
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        if error.is_eof() {
            DocumentProblem::Truncated { line: error.line() }
        } else {
            DocumentProblem::NotJson { cause: error.to_string() }
        }
    })?;
    let header: Header = serde_json::from_str(text).unwrap_or_default();
    if header.format.kind.as_deref() != Some(kind.id()) {
        return Err(DocumentProblem::WrongKind { expected: kind, found: Found(header.format.kind) });
    }
    let Version { major, minor, .. } = header.format;
    if (major, minor) > (MAJOR, MINOR) {
        return Err(DocumentProblem::Newer {
            major,
            minor,
            tool: header.tool.unwrap_or_else(|| "of a later version".to_owned()),
        });
    }
    serde_json::from_str(text).map_err(|error| DocumentProblem::Shape { kind, cause: error.to_string() })
}

/// The part of every file, of every version, that never changes.
#[derive(Default, Deserialize)]
struct Header {
    #[serde(default)]
    format: Version,
    #[serde(default)]
    tool: Option<String>,
}

#[derive(Default, Deserialize)]
struct Version {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    major: u32,
    #[serde(default)]
    minor: u32,
}

/// Pretty JSON with sorted keys, one value per line and a final newline, so that files diff well.
#[expect(
    clippy::expect_used,
    reason = "wire types have string keys and no foreign Serialize impl that could fail"
)]
pub(super) fn write<T: Serialize>(document: &T) -> String {
    // Through `Value`, whose map is sorted.
    let value = serde_json::to_value(document).expect("wire types are plain data");
    let mut text = serde_json::to_string_pretty(&value).expect("a value is always JSON");
    text.push('\n');
    text
}
