//! A limit that one request must meet.

use super::Metric;
use crate::base::Nanos;

/// A limit that each request must meet, for example `ttft:500`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slo {
    /// One of `ttft`, `ttft_from_due`, `ttfo`, `tpot`, `max_stall`, `e2e`, `e2e_from_due`: the metrics that one request has.
    pub metric: Metric,
    pub limit: Nanos,
}
