//! Back from a file to what the gate judges.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::histogram;
use super::{
    BaselineDocument, LedgerDocument, LevelDocument, MetricDocument, RoundDocument, RunDocument, SessionRound,
};
use crate::gate::RoundValues;
use crate::record::{FailureClass, Metric, MetricKey, Stat};

impl RunDocument {
    /// The rounds of one level, in order.
    pub fn rounds_of(&self, label: &str) -> Vec<RoundValues> {
        of_level(&self.rounds, label)
    }

    /// The baseline's rounds of one level, in the order of their blocks; none where no server of its own stood beside.
    pub fn baseline_rounds_of(&self, label: &str) -> Option<Vec<RoundValues>> {
        self.pairs.as_ref().map(|pairs| of_level(&pairs.rounds, label))
    }

    /// The values at these quantiles (in `0..=1`) of a metric at one level, from the histograms of all its rounds, and the
    /// number of samples; none where a round has no histogram of it.
    pub fn quantiles(&self, label: &str, metric: Metric, at: &[f64]) -> Option<(u64, Vec<f64>)> {
        let levels = self.rounds.iter().flat_map(|round| &round.levels).filter(|level| level.label == label);
        let texts: Option<Vec<&str>> =
            levels.map(|level| level.histograms.get(metric.id()).map(String::as_str)).collect();
        let all = histogram::merge(texts?.into_iter())?;
        Some((all.len(), at.iter().map(|q| all.value_at_quantile(*q) as f64 / 1e3).collect()))
    }
}

impl LedgerDocument {
    /// The pairs of one level in their order, candidate first; blocks that one side lacks are left out.
    pub fn pairs(&self, label: &str) -> Vec<(RoundValues, RoundValues)> {
        self.blocks
            .iter()
            .flat_map(|block| &block.levels)
            .filter(|level| level.label == label)
            .filter_map(|level| {
                Some((RoundValues::from(&level.candidate), RoundValues::from(level.baseline.as_ref()?)))
            })
            .collect()
    }
}

impl BaselineDocument {
    /// The sessions that measured a level, oldest first, each with its rounds.
    pub fn sessions(&self, label: &str) -> Vec<Vec<RoundValues>> {
        self.sessions
            .iter()
            .flat_map(|session| &session.levels)
            .filter(|level| level.label == label)
            .map(|level| level.rounds.iter().map(RoundValues::from).collect())
            .collect()
    }
}

fn of_level(rounds: &[RoundDocument], label: &str) -> Vec<RoundValues> {
    rounds
        .iter()
        .flat_map(|round| &round.levels)
        .filter(|level| level.label == label)
        .map(round_values)
        .collect()
}

pub(super) fn round_values(level: &LevelDocument) -> RoundValues {
    let mut values = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for metric in Metric::ALL {
        if let Some(value) = level.values.get(metric.id()) {
            values.insert(MetricKey::value(metric), *value);
        }
        if let Some(distribution) = level.metrics.get(metric.id()) {
            samples.extend(distribution.n.map(|n| (metric, n)));
            values.extend(statistics(metric, distribution));
        }
    }
    RoundValues {
        values,
        samples,
        offered: level.offered,
        succeeded: level.succeeded,
        failures: level.failures.iter().filter_map(|(id, count)| Some((class(id)?, *count))).collect(),
        good: level.goodput.as_ref().map(|goodput| goodput.good),
        prompt_tokens: level.tokens.prompt,
        output_tokens: level.tokens.output,
    }
}

fn class(id: &str) -> Option<FailureClass> {
    FailureClass::ALL.into_iter().find(|class| class.id() == id)
}

fn statistics(metric: Metric, distribution: &MetricDocument) -> Vec<(MetricKey, f64)> {
    let MetricDocument { unit: _, n: _, mean, sd: _, min: _, max: _, p50, p90, p95, p99, more, thin: _ } =
        distribution;
    let mean = (MetricKey { metric, stat: Stat::Mean }, *mean);
    let quantiles = [(500, p50), (900, p90), (950, p95), (990, p99)];
    let more = more.iter().filter_map(|(id, value)| {
        let key = MetricKey::from_str(&format!("{metric}_{id}")).ok()?;
        Some((key, *value))
    });
    let known = std::iter::once(mean)
        .chain(quantiles.map(|(q, value)| (MetricKey::quantile(metric, q), *value)))
        .filter_map(|(key, value)| Some((key, value?)));
    known.chain(more).collect()
}

impl From<&RoundValues> for SessionRound {
    fn from(round: &RoundValues) -> Self {
        let RoundValues { values, samples, offered, succeeded, failures, good, prompt_tokens, output_tokens } =
            round;
        Self {
            values: values.iter().map(|(key, value)| (key.to_string(), *value)).collect(),
            samples: samples.iter().map(|(metric, n)| (metric.id().to_owned(), *n)).collect(),
            offered: *offered,
            succeeded: *succeeded,
            failures: failures.iter().map(|(class, count)| (class.id().to_owned(), *count)).collect(),
            good: *good,
            prompt_tokens: *prompt_tokens,
            output_tokens: *output_tokens,
        }
    }
}

impl From<&SessionRound> for RoundValues {
    fn from(round: &SessionRound) -> Self {
        let SessionRound {
            values,
            samples,
            offered,
            succeeded,
            failures,
            good,
            prompt_tokens,
            output_tokens,
        } = round;
        let metric = |id: &str| Metric::ALL.into_iter().find(|metric| metric.id() == id);
        Self {
            // Reading has checked that every name is in the catalogue.
            values: values.iter().filter_map(|(key, value)| Some((key.parse().ok()?, *value))).collect(),
            samples: samples.iter().filter_map(|(id, n)| Some((metric(id)?, *n))).collect(),
            offered: *offered,
            succeeded: *succeeded,
            failures: failures.iter().filter_map(|(id, count)| Some((class(id)?, *count))).collect(),
            good: *good,
            prompt_tokens: *prompt_tokens,
            output_tokens: *output_tokens,
        }
    }
}
