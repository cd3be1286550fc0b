//! A benchmark that the server knows: asked for, queued, running, ended or imported.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::v1::RunDocument;

/// Starts a benchmark.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkAsk {
    #[serde(default)]
    pub purpose: PurposeDocument,
    /// Settings by the names of the command line's flags without the dashes, for example `{"server": "sim:", "rate": [2, 4]}`.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingValue>,
    /// Text of a configuration file, whose settings stand behind those above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<String>,
    /// What people call it; the workload's name without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The commit that is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// What is to come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PurposeDocument {
    /// Numbers.
    #[default]
    Run,
    /// A verdict, too.
    Gate,
}

/// The value of a setting: as on the command line, or as in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    Switch(bool),
    Number(f64),
    Text(String),
    List(Vec<SettingValue>),
}

/// A benchmark in a list, and the state of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkDocument {
    /// Later ones sort behind earlier ones.
    pub id: String,
    pub state: StateDocument,
    pub origin: OriginDocument,
    pub purpose: PurposeDocument,
    pub title: String,
    /// Addresses of the server under test, joined with commas.
    pub target: String,
    /// Null until the server has said it.
    pub model: Option<String>,
    pub hardware: Option<String>,
    pub workload: Option<String>,
    pub workload_hash: Option<String>,
    pub commit: Option<String>,
    /// Instants are RFC 3339 in UTC, to the millisecond.
    pub created: String,
    pub started: Option<String>,
    pub ended: Option<String>,
    /// How many stand before it in the queue; null unless it is queued.
    pub ahead: Option<u64>,
    /// `pass`, `fail`, `inconclusive` or `invalid`; null without a verdict.
    pub verdict: Option<String>,
    /// Not measured to its end.
    pub partial: bool,
    /// Why it ended without a result, or with less than was asked.
    pub failure: Option<FailureDocument>,
    /// The line of a shell that measures the same.
    pub command: String,
    /// Null until there is a result.
    pub brief: Option<BriefDocument>,
    /// Rows of single requests that are kept; null where none are.
    pub rows: Option<u64>,
}

/// Where a benchmark is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateDocument {
    Queued,
    Running,
    /// Measured to its end.
    Finished,
    /// It could not be measured.
    Failed,
    /// Somebody stopped it; what was measured until then is kept.
    Cancelled,
    /// The server ended while it ran; what was measured until then is kept.
    Interrupted,
}

impl StateDocument {
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Finished, Self::Failed, Self::Cancelled, Self::Interrupted];

    pub fn id(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Who measured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OriginDocument {
    /// This server, asked over its API.
    Api,
    /// Another machine's `llm-loadtest`, which sent its result here.
    Upload,
    /// Another tool, whose files were read.
    Import,
}

/// Why something did not work out, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureDocument {
    pub message: String,
    pub hint: Option<String>,
}

/// A result in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BriefDocument {
    /// Requests that were due, over all levels and rounds.
    pub offered: u64,
    pub failed: u64,
    pub rounds: u64,
    pub levels: Vec<BriefLevel>,
    /// Findings by severity: `info`, `warning`, `invalid`.
    pub findings: BTreeMap<String, u64>,
}

/// A level in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BriefLevel {
    pub label: String,
    /// By the names that gates use: `ttft_p50`, `ttft_p95`, `tpot_p50`, `tpot_p95`, `itl_p95`, `e2e_p50`, `e2e_p95`,
    /// `request_throughput`, `output_throughput`, `error_rate`, `goodput`, `goodput_rate`; those from the due time in an open loop, too. Milliseconds,
    /// per second, and shares in 0..=1. What is not known is left out.
    pub values: BTreeMap<String, f64>,
    /// Output tokens per second over the window, in at most 40 equal slices; empty where the course is not known.
    pub spark: Vec<f64>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkPage {
    pub items: Vec<BenchmarkDocument>,
    /// How many match, on all pages.
    pub total: u64,
    /// What to give as `after` for the next page; null on the last one.
    pub next: Option<String>,
}

/// A benchmark with its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkDetail {
    pub benchmark: BenchmarkDocument,
    /// Null until there is one.
    pub result: Option<Box<RunDocument>>,
}

/// What a start with `?dry_run=true` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckedDocument {
    /// The line of a shell that does the same.
    pub command: String,
    pub target: String,
    /// Labels of the levels of each round; empty for a search.
    pub levels: Vec<String>,
}
