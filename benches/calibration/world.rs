//! The worlds that a gate is tried in: what truly changed, and what a round of the candidate then shows.

use std::collections::BTreeMap;

use llm_loadtest::base::Seed;
use llm_loadtest::gate::RoundValues;
use llm_loadtest::record::{Metric, MetricKey};

use crate::noise::{Measured, REQUESTS, SLOWDOWNS};

/// The five numbers that gate, and their default tolerances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gated {
    Ttft,
    Tpot,
    E2e,
    Throughput,
    Goodput,
}

impl Gated {
    pub(crate) const ALL: [Self; 5] = [Self::Ttft, Self::Tpot, Self::E2e, Self::Throughput, Self::Goodput];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ttft => "TTFT p95",
            Self::Tpot => "TPOT p95",
            Self::E2e => "E2E p95",
            Self::Throughput => "output throughput",
            Self::Goodput => "goodput",
        }
    }

    pub(crate) fn key(self) -> MetricKey {
        match self {
            Self::Ttft => MetricKey::quantile(Metric::Ttft, 950),
            Self::Tpot => MetricKey::quantile(Metric::Tpot, 950),
            Self::E2e => MetricKey::quantile(Metric::E2e, 950),
            Self::Throughput => MetricKey::value(Metric::OutputThroughput),
            Self::Goodput => MetricKey::value(Metric::Goodput),
        }
    }

    pub(crate) fn tolerance(self) -> f64 {
        match self {
            Self::Ttft => 0.15,
            Self::Tpot | Self::Throughput => 0.07,
            Self::E2e => 0.10,
            Self::Goodput => 0.02,
        }
    }

    pub(crate) fn larger_is_better(self) -> bool {
        matches!(self, Self::Throughput | Self::Goodput)
    }

    /// The value as the metric's unit has it.
    pub(crate) fn value(self, round: &Measured) -> f64 {
        match self {
            Self::Ttft => round.ttft[1],
            Self::Tpot => round.tpot[1],
            Self::E2e => round.e2e[1],
            Self::Throughput => round.throughput,
            Self::Goodput => round.good[0] as f64 / REQUESTS as f64,
        }
    }

    /// Larger is worse: the logarithm of a latency or an inverse rate, and the bad share.
    pub(crate) fn score(self, round: &Measured) -> f64 {
        match self {
            Self::Ttft | Self::Tpot | Self::E2e => self.value(round).ln(),
            Self::Throughput => -self.value(round).ln(),
            Self::Goodput => 1.0 - self.value(round),
        }
    }
}

/// What is true of the candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Change {
    None,
    /// One number worse by so many of its tolerances, exactly; the others as they were.
    One(Gated, f64),
    /// Every number worse by exactly its tolerance.
    Family,
    /// Goodput worse by so many of its tolerances in the mean: each request turns bad by a coin of its own, so that the
    /// candidate's rounds scatter more than the baseline's.
    Coins(f64),
    /// Every latency longer by one of `SLOWDOWNS`, and the rest as follows from it.
    Slower(usize),
}

impl Change {
    /// What the same round would have shown on a server with this change.
    pub(crate) fn apply(self, round: &Measured, seed: Seed) -> Measured {
        let mut changed = *round;
        match self {
            Self::None => {}
            Self::One(metric, times) => worsen(&mut changed, metric, times),
            Self::Family => {
                for metric in Gated::ALL {
                    worsen(&mut changed, metric, 1.0);
                }
            }
            Self::Coins(times) => {
                let mut chance = seed.child("coins").chance();
                let share = Gated::Goodput.tolerance() * times;
                let turned = (0..REQUESTS).filter(|_| chance.unit() < share).count();
                changed.good[0] = round.good[0].saturating_sub(turned as u64);
            }
            Self::Slower(index) => {
                let factor = SLOWDOWNS[index];
                for latency in [&mut changed.ttft, &mut changed.tpot, &mut changed.e2e] {
                    *latency = latency.map(|value| value * factor);
                }
                changed.throughput /= factor;
                changed.good[0] = round.good[index];
            }
        }
        changed
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::One(metric, times) => format!("{} {}", metric.name(), amount(metric, times)),
            Self::Family => "all five".to_owned(),
            Self::Coins(times) => format!("{} by coins", Self::One(Gated::Goodput, times).name()),
            Self::Slower(index) => format!("everything {:.0} % slower", 100.0 * (SLOWDOWNS[index] - 1.0)),
        }
    }
}

fn amount(metric: Gated, times: f64) -> String {
    let size = 100.0 * metric.tolerance() * times;
    match metric {
        Gated::Goodput => format!("−{size:.0} points"),
        Gated::Throughput => format!("−{size:.0} %"),
        _ => format!("+{size:.0} %"),
    }
}

/// Moves one number and nothing else, by the same step in every round.
fn worsen(round: &mut Measured, metric: Gated, times: f64) {
    let size = metric.tolerance() * times;
    match metric {
        Gated::Ttft => round.ttft = round.ttft.map(|value| value * (1.0 + size)),
        Gated::Tpot => round.tpot = round.tpot.map(|value| value * (1.0 + size)),
        Gated::E2e => round.e2e = round.e2e.map(|value| value * (1.0 + size)),
        Gated::Throughput => round.throughput *= 1.0 - size,
        Gated::Goodput => {
            let turned = (size * REQUESTS as f64).round() as u64;
            round.good[0] = round.good[0].saturating_sub(turned);
        }
    }
}

/// The round as the gate sees it.
pub(crate) fn values(round: &Measured) -> RoundValues {
    let quantiles = [(Metric::Ttft, round.ttft), (Metric::Tpot, round.tpot), (Metric::E2e, round.e2e)];
    let mut values: BTreeMap<MetricKey, f64> = quantiles
        .into_iter()
        .flat_map(|(metric, of)| {
            [500, 950, 990].into_iter().zip(of).map(move |(q, value)| (MetricKey::quantile(metric, q), value))
        })
        .collect();
    for metric in [Gated::Throughput, Gated::Goodput] {
        values.insert(metric.key(), metric.value(round));
    }
    RoundValues {
        values,
        samples: [Metric::Ttft, Metric::Tpot, Metric::E2e].map(|metric| (metric, REQUESTS as u64)).into(),
        offered: REQUESTS as u64,
        succeeded: REQUESTS as u64,
        good: Some(round.good[0]),
        prompt_tokens: 256 * REQUESTS as u64,
        output_tokens: round.tokens,
        ..RoundValues::default()
    }
}
