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
    /// Failed requests by class; classes that did not occur are absent, and so are requests that we cut: they were not
    /// offered.
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
            samples: samples.map(|(&metric, samples)| (metric, samples.len())).collect(),
            offered: summary.offered,
            succeeded: summary.succeeded,
            failures: summary
                .failures
                .iter()
                .filter(|(class, _)| **class != FailureClass::Cancelled)
                .map(|(class, count)| (*class, *count))
                .collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Nanos;
    use crate::metrics::{Concurrency, Distribution, TokenTotals, Window};
    use crate::record::TokenSource;

    #[test]
    fn a_summary_is_read_whole() {
        let summary = Summary {
            window: Window { start: Nanos::ZERO, end: Nanos::from_secs(1.0) },
            offered: 3,
            succeeded: 1,
            failures: [(FailureClass::Http5xx, 2), (FailureClass::Cancelled, 5)].into(),
            distributions: [(Metric::Ttft, Distribution::new(vec![7.0]).unwrap())].into(),
            values: [(Metric::SuccessRate, 1.0 / 3.0), (Metric::RequestThroughput, f64::NAN)].into(),
            steady: None,
            concurrency: Concurrency { mean: 1.0, peak: 1 },
            goodput: None,
            tokens: TokenTotals {
                prompt_asked: 10,
                prompt: 11,
                prompt_excess: None,
                cached: 0,
                output_asked: 20,
                output: 21,
                chunks: 21,
                source: TokenSource::Usage,
                itl_is_icl: false,
            },
            reconnects: 0,
            series: None,
            points: Vec::new(),
            observed: crate::record::Observed::default(),
            parts: Vec::new(),
        };
        let round =
            RoundValues::read_with(&summary, ["ttft_p99.9".parse().unwrap(), "e2e_p50".parse().unwrap()]);
        let names: Vec<String> = round.values.keys().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["ttft_mean", "ttft_p50", "ttft_p90", "ttft_p95", "ttft_p99", "ttft_p99.9", "success_rate"]
        );
        assert_eq!(
            (round.samples_of(Metric::Ttft), round.samples_of(Metric::SuccessRate), round.failed()),
            (1, 3, 2)
        );
        assert_eq!((round.prompt_tokens, round.output_tokens, round.good), (11, 21, None));
    }
}
