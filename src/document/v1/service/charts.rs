//! What charts of one benchmark are drawn from, beyond its result: distributions, and single requests thinned out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The distributions of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartsDocument {
    /// In the order of the result.
    pub levels: Vec<LevelCharts>,
}

/// One level over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelCharts {
    pub label: String,
    /// By metric id: `ttft`, `tpot`, `itl`, `e2e` and so on; histograms of all rounds merged.
    pub distributions: BTreeMap<String, DistributionDocument>,
}

/// One distribution, as a curve of quantiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DistributionDocument {
    pub unit: String,
    pub n: u64,
    /// Quantiles in 0..=1, rising: every hundredth, then denser towards the tail.
    pub quantiles: Vec<f64>,
    /// The value at each quantile, in `unit`.
    pub values: Vec<f64>,
}

/// Single requests of one level, in columns of equal length, in the order of sending.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsDocument {
    pub level: String,
    /// Requests that lie in the asked span.
    pub total: u64,
    /// Whether only some of them are here: of each stretch of time the extremes of TTFT and E2E and every failure are kept first.
    pub thinned: bool,
    /// Which row of the kept ones each is, from 0: `GET …/requests/{row}` has all of it.
    pub row: Vec<u64>,
    pub round: Vec<u32>,
    /// Seconds since the window's start.
    pub at_s: Vec<f64>,
    pub ttft_ms: Vec<Option<f64>>,
    pub e2e_ms: Vec<Option<f64>>,
    pub max_stall_ms: Vec<Option<f64>>,
    pub prompt_tokens: Vec<Option<u32>>,
    pub output_tokens: Vec<u32>,
    /// `success`, or the class of the failure.
    pub outcome: Vec<String>,
}
