//! A result in words: every sentence with the numbers that it follows from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::v1::format::{self, Format};

/// Asks for an analysis of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalysisAskDocument {
    #[serde(default)]
    pub language: LanguageDocument,
    /// Id of a benchmark to hold it against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Whether the model that the server was started with is asked, too.
    #[serde(default)]
    pub model: bool,
}

/// The language of the sentences. Findings and names stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum LanguageDocument {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "ko")]
    Korean,
}

/// The analysis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalysisDocument {
    pub format: Format,
    /// `llm-loadtest` version.
    pub tool: String,
    /// RFC 3339.
    pub created: String,
    pub language: LanguageDocument,
    /// Name of the workload.
    pub name: String,
    /// By rules, from the numbers alone. In the order in which they are read.
    pub sections: Vec<SectionDocument>,
    /// The line of a shell that measures what is worth knowing next.
    pub command: String,
    /// What a model wrote, where one was asked and answered.
    pub analyst: Option<AnalystDocument>,
    /// A short sentence each on what could not be done.
    pub notes: Vec<String>,
}

/// One question, answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SectionDocument {
    /// `summary`, `bottleneck`, `knee`, `cache`, `errors`, `goodput`, `tail`, `findings`, `hardware`, `comparability` or `next`.
    pub id: String,
    pub title: String,
    pub claims: Vec<ClaimDocument>,
}

/// One sentence or two, and what they rest on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimDocument {
    pub kind: ClaimKind,
    pub claim: String,
    /// The rule that leads from the figures to the claim; null where it only repeats them.
    pub rule: Option<String>,
    pub figures: Vec<FigureDocument>,
}

/// How a claim is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    Fact,
    /// Something to act on.
    Concern,
    /// The evidence is not there; the claim says how to get it.
    Missing,
}

/// A number of the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FigureDocument {
    pub name: String,
    pub value: f64,
    /// As in the result; `%` is a share in 0..=1. Empty for counts and ratios.
    pub unit: String,
    /// Where it stands in the result, for example `levels[0].metrics.ttft.p99`; of a number computed from others, how:
    /// `A / B`, `A - B`, `sum(A)` with such paths.
    pub path: String,
}

/// What a model wrote about the numbers, and whether its numbers are theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalystDocument {
    pub model: String,
    /// At most 16,000 characters; `[?]` stands behind every number that is not in the result.
    pub text: String,
    /// Numbers that were looked for in the result.
    pub figures_checked: u64,
    pub figures_unfounded: u64,
    /// Those that are not there, as they were written; each once.
    pub unfounded: Vec<String>,
}

impl AnalysisDocument {
    /// The text of the file.
    pub fn to_json(&self) -> String {
        format::write(self)
    }
}
