//! Results held against one of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BenchmarkDocument, ChartsDocument};
use crate::document::v1::{FindingDocument, VerdictDocument};

/// Asks for a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareAsk {
    /// Id of the benchmark that the others are held against.
    pub baseline: String,
    /// 1 to 16 ids.
    pub candidates: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareDocument {
    pub baseline: BenchmarkDocument,
    /// The baseline's distributions, to lay the others' over.
    pub charts: ChartsDocument,
    /// In the order that was asked.
    pub candidates: Vec<ComparedDocument>,
}

/// One result against the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparedDocument {
    pub benchmark: BenchmarkDocument,
    pub charts: ChartsDocument,
    /// As `llm-loadtest compare` gives it; null where the two must not be compared.
    pub verdict: Option<VerdictDocument>,
    /// Why they must not be compared.
    pub reasons: Vec<String>,
    pub findings: Vec<FindingDocument>,
    /// Where plan and environment differ.
    pub differences: Vec<DifferenceDocument>,
}

/// A field of plan or environment that is not alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DifferenceDocument {
    /// Its path in the result, for example `environment.kernel`.
    pub field: String,
    /// Null where it is absent.
    pub baseline: Option<String>,
    pub candidate: Option<String>,
}
