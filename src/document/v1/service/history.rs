//! Stored baselines, and the workloads that have a history.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FailureDocument;
use crate::document::v1::Key;

/// Stores a benchmark's result as the newest session of its baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineAsk {
    /// Id of the benchmark.
    pub benchmark: String,
    /// Name of the session; from time and seed without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The commit that was measured; the benchmark's own without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// Makes a session the first one that comparisons use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromoteAsk {
    /// Null lets them use all again.
    pub session: Option<String>,
}

/// Every stored baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineListDocument {
    pub items: Vec<BaselineBrief>,
}

/// One baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineBrief {
    /// As `baseline list` prints it.
    pub name: String,
    /// Null where it cannot be read.
    pub key: Option<Key>,
    /// Oldest first.
    pub sessions: Vec<SessionBrief>,
    pub promoted: Option<String>,
    /// Why it cannot be read.
    pub failure: Option<FailureDocument>,
}

/// One stored session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionBrief {
    pub id: String,
    /// RFC 3339.
    pub created: String,
    pub commit: Option<String>,
}

/// Every workload that has a history, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryIndexDocument {
    pub items: Vec<HistoryEntry>,
}

/// One workload on one model and hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryEntry {
    /// What to give as `name`.
    pub name: String,
    pub source: HistorySource,
    pub key: Key,
    pub sessions: u64,
    /// RFC 3339, of the newest session.
    pub newest: String,
}

/// What a history is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HistorySource {
    /// The stored sessions of a baseline.
    Baseline,
    /// Every finished benchmark of the same workload, model and hardware.
    Benchmarks,
}
