//! Goodput: requests that met every objective, over all that were offered.

use super::flow::throughput;
use super::latency::value;
use super::{Goodput, SloCount, Window};
use crate::record::{Metric, Row, Slo};

/// None without objectives, without offered requests, or in an empty window. Failed requests stay in the denominator.
pub(super) fn goodput(
    successes: &[&Row],
    offered: u64,
    slos: &[Slo],
    open_loop: bool,
    window: Window,
) -> Option<Goodput> {
    if slos.is_empty() || offered == 0 {
        return None;
    }
    let good: Vec<&Row> = successes
        .iter()
        .copied()
        .filter(|row| slos.iter().all(|slo| meets(row, slo, open_loop).unwrap_or(true)))
        .collect();
    let achieved = throughput(&good, window)?;
    Some(Goodput {
        good: good.len() as u64,
        offered,
        rate: achieved.requests,
        token_rate: achieved.output,
        objectives: slos.iter().map(|slo| count(successes, *slo, open_loop)).collect(),
    })
}

fn count(successes: &[&Row], slo: Slo, open_loop: bool) -> SloCount {
    let answers = || successes.iter().map(|row| meets(row, &slo, open_loop));
    SloCount {
        slo,
        met: answers().filter(|met| *met == Some(true)).count() as u64,
        not_evaluated: answers().filter(Option::is_none).count() as u64,
    }
}

/// None where the request has no such value: not evaluated, not missed.
fn meets(row: &Row, slo: &Slo, open_loop: bool) -> Option<bool> {
    // In an open loop people wait from when they asked, so objectives do too (coordinated omission).
    let metric = match slo.metric {
        Metric::Ttft if open_loop => Metric::TtftFromDue,
        Metric::E2e if open_loop => Metric::E2eFromDue,
        metric => metric,
    };
    Some(value(row, metric)? <= slo.limit.ms())
}
