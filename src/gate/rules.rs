//! What needs no statistics: failed requests, and outputs that cannot be compared.

use std::collections::BTreeMap;

use super::words::{count, share, significant};
use super::{LevelEvidence, RoundValues};
use crate::record::FailureClass;

/// Beyond this ratio of output tokens per request the two sides did different work.
const TOKENS_APART: f64 = 1.02;

/// Sentences about a level that fails by rule.
pub(super) fn broken(level: &LevelEvidence, place: &str, max_error_rate: Option<f64>) -> Vec<String> {
    let offered: u64 = level.candidate.iter().map(|round| round.offered).sum();
    let succeeded: u64 = level.candidate.iter().map(|round| round.succeeded).sum();
    if offered > 0 && succeeded == 0 {
        let what = classes(&level.candidate);
        return vec![format!("No request succeeded{place}: {what}")];
    }
    let worst = level
        .candidate
        .iter()
        .enumerate()
        .max_by(|(_, left), (_, right)| error_rate(left).total_cmp(&error_rate(right)));
    let (Some(limit), Some((index, round))) = (max_error_rate, worst) else {
        return Vec::new();
    };
    if error_rate(round) <= limit {
        return Vec::new();
    }
    vec![format!(
        "{} of the requests failed{place} in round {} (limit {}): {}",
        share(error_rate(round)),
        index + 1,
        share(limit),
        classes(std::slice::from_ref(round))
    )]
}

/// A sentence when the sides differ by more than 2 % in output tokens per successful request.
pub(super) fn tokens_apart(level: &LevelEvidence, place: &str) -> Option<String> {
    let now = tokens_per_request(level.candidate.iter())?;
    let base = tokens_per_request(level.against.rounds())?;
    let apart = now.max(base) > now.min(base) * TOKENS_APART;
    apart.then(|| {
        format!(
            "the sides did different work{place}: {} output tokens a request now, {} in the baseline (more than 2 % apart)",
            significant(now, 4),
            significant(base, 4)
        )
    })
}

fn error_rate(round: &RoundValues) -> f64 {
    round.failed() as f64 / round.offered.max(1) as f64
}

/// `12 × http_5xx, 3 × connect`, most frequent first.
fn classes(rounds: &[RoundValues]) -> String {
    let mut totals: BTreeMap<FailureClass, u64> = BTreeMap::new();
    for (&class, &times) in rounds.iter().flat_map(|round| &round.failures) {
        *totals.entry(class).or_default() += times;
    }
    let mut totals: Vec<_> = totals.into_iter().filter(|&(_, times)| times > 0).collect();
    totals.sort_by_key(|&(class, times)| (std::cmp::Reverse(times), class));
    let words: Vec<String> =
        totals.iter().map(|(class, times)| format!("{} × {class}", count(*times))).collect();
    words.join(", ")
}

/// None when nothing succeeded.
fn tokens_per_request<'a>(rounds: impl Iterator<Item = &'a RoundValues>) -> Option<f64> {
    let (tokens, requests) = rounds
        .fold((0, 0), |(tokens, requests), round| (tokens + round.output_tokens, requests + round.succeeded));
    (requests > 0).then(|| tokens as f64 / requests as f64)
}
