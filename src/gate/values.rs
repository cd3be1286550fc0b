//! What the gate keeps of one level of one round; baseline files store exactly this.

use std::collections::BTreeMap;

use crate::metrics::Summary;
use crate::record::{FailureClass, Metric, MetricKey, Stat};

/// Quantiles that are kept of every distribution, in thousandths.
const KEPT: [u16; 4] = [500, 900, 950, 990];

/// One level of one round. Values are in the metric's unit and finite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoundValues {
    pub values: BTreeMap<MetricKey, f64>,
    /// Samples behind each distribution.
    pub samples: BTreeMap<Metric, u64>,
    /// Requests that were due, failed ones included.
    pub offered: u64,
    pub succeeded: u64,
    /// Failed requests by class; classes that did not occur are absent.
    pub failures: BTreeMap<FailureClass, u64>,
    /// Requests that met every SLO, where there are SLOs.
    pub good: Option<u64>,
    /// Tokens of all successful requests together.
    pub prompt_tokens: u64,
    pub output_tokens: u64,
}

impl RoundValues {
    /// Mean, p50, p90, p95 and p99 of every distribution, and every single value.
    pub fn read(summary: &Summary) -> Self {
        Self::read_with(summary, [])
    }

    /// As `read`, and the extra keys that a policy names, where they exist.
    pub fn read_with(summary: &Summary, extra: impl IntoIterator<Item = MetricKey>) -> Self {
        let distributions = summary.distributions.keys().flat_map(|&metric| {
            let stats = KEPT.into_iter().map(Stat::Quantile).chain([Stat::Mean]);
            stats.map(move |stat| MetricKey { metric, stat })
        });
        let singles = summary.values.keys().copied().map(MetricKey::value);
        let values = distributions
            .chain(singles)
            .chain(extra)
            .filter_map(|key| Some((key, summary.value(key).filter(|value| value.is_finite())?)))
            .collect();
        let samples = summary.distributions.iter();
        Self {
            values,
            samples: samples
                .map(|(&metric, samples)| (metric, samples.len()))
                .collect(),
            offered: summary.offered,
            succeeded: summary.succeeded,
            failures: summary.failures.clone(),
            good: summary.goodput.as_ref().map(|goodput| goodput.good),
            prompt_tokens: summary.tokens.prompt,
            output_tokens: summary.tokens.output,
        }
    }

    /// Requests that failed, in any way.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum()
    }

    /// Samples behind a number: of its distribution, else the requests offered.
    pub(super) fn samples_of(&self, metric: Metric) -> u64 {
        self.samples.get(&metric).copied().unwrap_or(self.offered)
    }
}
