//! Goodput: requests that met every objective, over all that were offered.

use super::latency::value;
use super::{Goodput, SloCount, Window};
use crate::record::{Metric, Row, Slo};

/// Objectives of single requests that are listed beside the level's own; further ones are judged, but not listed.
const LISTED_MAX: usize = 64;

/// Successes held against their objectives.
#[derive(Debug, Clone)]
pub(super) struct Goals {
    slos: Vec<Slo>,
    open_loop: bool,
    counts: Vec<SloCount>,
    good: u64,
    /// Good requests that ended in the window, and good output tokens that arrived in it.
    ended: u64,
    tokens: f64,
}

impl Goals {
    pub(super) fn new(slos: Vec<Slo>, open_loop: bool) -> Self {
        let counts = slos.iter().map(|slo| SloCount { slo: *slo, met: 0, not_evaluated: 0 }).collect();
        Self { slos, open_loop, counts, good: 0, ended: 0, tokens: 0.0 }
    }

    /// A success, whether it ended in the window, and how many of its output tokens arrived there.
    pub(super) fn add(&mut self, row: &Row, ended: bool, tokens: f64) {
        let slos = row.slos.as_deref().unwrap_or(&self.slos);
        let mut good = true;
        for slo in slos {
            let met = meets(row, slo, self.open_loop);
            good &= met.unwrap_or(true);
            let listed = self.counts.iter().position(|count| count.slo == *slo);
            let at = listed.unwrap_or_else(|| {
                self.counts.push(SloCount { slo: *slo, met: 0, not_evaluated: 0 });
                self.counts.len() - 1
            });
            self.counts[at].met += u64::from(met == Some(true));
            self.counts[at].not_evaluated += u64::from(met.is_none());
        }
        self.counts.truncate(self.slos.len() + LISTED_MAX);
        if good {
            self.good += 1;
            self.ended += u64::from(ended);
            self.tokens += tokens;
        }
    }

    /// None without objectives, without offered requests, or in an empty window. Failed requests stay in the denominator.
    pub(super) fn finish(self, offered: u64, window: Window) -> Option<Goodput> {
        let seconds = window.secs();
        if self.counts.is_empty() || offered == 0 || seconds <= 0.0 {
            return None;
        }
        Some(Goodput {
            good: self.good,
            offered,
            rate: self.ended as f64 / seconds,
            token_rate: self.tokens / seconds,
            objectives: self.counts,
        })
    }
}

/// None where the request has no such value: not evaluated, not missed.
fn meets(row: &Row, slo: &Slo, open_loop: bool) -> Option<bool> {
    // In an open loop people wait from when they asked, so objectives do too (coordinated omission). A request that was
    // due at no time waits from when it was sent.
    let metric = match slo.metric {
        Metric::Ttft if open_loop => Metric::TtftFromDue,
        Metric::E2e if open_loop => Metric::E2eFromDue,
        Metric::TtftFromDue if row.due.is_none() => Metric::Ttft,
        Metric::E2eFromDue if row.due.is_none() => Metric::E2e,
        metric => metric,
    };
    Some(value(row, metric)? <= slo.limit.ms())
}
