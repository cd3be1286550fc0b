//! Made-up rounds, and what the gate must say about them.

mod history;
mod pairs;
mod properties;
mod simulation;
mod table;

use std::collections::BTreeMap;

use super::*;
use crate::config::{GatePolicy, Objective};
use crate::record::MetricKey;
use crate::stats::Looks;

pub(super) fn key(name: &str) -> MetricKey {
    name.parse().expect("a metric")
}

/// A round of `offered` requests that all succeeded with 100 output tokens each.
pub(super) fn round(offered: u64, values: &[(&str, f64)]) -> RoundValues {
    let values: BTreeMap<MetricKey, f64> = values.iter().map(|&(name, value)| (key(name), value)).collect();
    let samples =
        values.keys().filter(|key| key.metric.is_distribution()).map(|key| (key.metric, offered)).collect();
    RoundValues {
        values,
        samples,
        offered,
        succeeded: offered,
        output_tokens: 100 * offered,
        ..RoundValues::default()
    }
}

/// Rounds that hold one number each.
pub(super) fn rounds(name: &str, values: &[f64]) -> Vec<RoundValues> {
    values.iter().map(|&value| round(1_000, &[(name, value)])).collect()
}

pub(super) fn policy(tolerances: &[(&str, f64)], objectives: &[Objective]) -> GatePolicy {
    GatePolicy {
        looks: Looks::new([3]).unwrap(),
        robust: false,
        budget: None,
        tolerances: tolerances.iter().map(|&(name, limit)| (key(name), limit)).collect(),
        objectives: objectives.to_vec(),
        alpha: 0.05,
        assumed_noise: 0.03,
        max_error_rate: Some(0.01),
        require_baseline: false,
        strict: false,
    }
}

pub(super) fn level(
    label: &str,
    candidate: Vec<RoundValues>,
    sessions: Vec<Vec<RoundValues>>,
) -> LevelEvidence {
    LevelEvidence {
        label: label.to_owned(),
        candidate,
        against: Against::Sessions(sessions.into_iter().map(|rounds| SessionRounds { rounds }).collect()),
    }
}

/// Blocks of one number each: (baseline, candidate).
pub(super) fn pairs(name: &str, blocks: &[(f64, f64)]) -> Evidence {
    let side = |pick: fn(&(f64, f64)) -> f64| rounds(name, &blocks.iter().map(pick).collect::<Vec<_>>());
    let level = LevelEvidence {
        label: "c=32".to_owned(),
        candidate: side(|block| block.1),
        against: Against::Pairs(side(|block| block.0)),
    };
    Evidence { levels: vec![level] }
}

pub(super) fn stored(candidate: Vec<RoundValues>, sessions: Vec<Vec<RoundValues>>) -> Evidence {
    Evidence { levels: vec![level("c=32", candidate, sessions)] }
}
