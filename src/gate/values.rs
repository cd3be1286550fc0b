//! One round of one level, as the gate sees it.

use std::collections::BTreeMap;

use crate::record::{Metric, MetricKey};

/// The numbers of one round that may be judged, and the counts behind them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoundValues {
    pub values: BTreeMap<MetricKey, f64>,
    /// Samples behind each distribution.
    pub samples: BTreeMap<Metric, u64>,
    pub offered: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Requests that met every SLO, where there are SLOs.
    pub good: Option<u64>,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
}
