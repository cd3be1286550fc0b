//! A few single requests, chosen by chance, for pictures that show requests and not summaries.

use std::collections::BTreeMap;

use super::Point;
use super::latency::{first_token, last_token, longest_gap};
use crate::base::{Nanos, Seed};
use crate::record::Row;

/// Uniform samples of successes and of failures: the requests with the smallest draws, each drawn by its index, so that
/// neither the order in which requests end nor the size of the run decides who is in.
#[derive(Debug, Clone, Default)]
pub(super) struct Points {
    successes: BTreeMap<(u64, u64), Point>,
    failures: BTreeMap<(u64, u64), Point>,
}

/// A thousand dots are a full picture. Failures have a fifth for themselves: they are few and what one looks for.
const SUCCESSES_MAX: usize = 800;
const FAILURES_MAX: usize = 200;

impl Points {
    pub(super) fn add(&mut self, row: &Row, start: Nanos) {
        let draw = (Seed(0).child("points").at(row.index).0, row.index);
        let (kept, most) = if row.outcome.is_success() {
            (&mut self.successes, SUCCESSES_MAX)
        } else {
            (&mut self.failures, FAILURES_MAX)
        };
        if kept.len() < most {
            kept.insert(draw, point(row, start));
        } else if kept.last_key_value().is_some_and(|(last, _)| draw < *last) {
            kept.pop_last();
            kept.insert(draw, point(row, start));
        }
    }

    /// In order of sending.
    pub(super) fn finish(self) -> Vec<Point> {
        let mut points: Vec<Point> =
            self.successes.into_values().chain(self.failures.into_values()).collect();
        points.sort_by_key(|point| point.at);
        points
    }
}

fn point(row: &Row, start: Nanos) -> Point {
    let end = if row.outcome.is_success() { last_token(row) } else { row.done };
    let since = |at: Nanos| row.sent.map(|sent| (at - sent).ms());
    let stall = longest_gap(row);
    Point {
        at: row.sent.or(row.due).unwrap_or(row.done) - start,
        ttft: first_token(row).and_then(since),
        e2e: since(end),
        max_stall: stall.map(|(from, to)| (to - from).ms()),
        stall_at: stall.map(|(from, _)| from - start),
        output_tokens: row.output_tokens().0,
        failure: row.outcome.class(),
    }
}
