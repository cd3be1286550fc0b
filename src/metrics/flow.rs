//! What passed through a window: tokens as they arrived, requests as they ended, and how many were in flight.

use super::grid::Grid;
use super::latency::{last_token, tokens_in, value};
use super::{Concurrency, Steady, Window};
use crate::base::Nanos;
use crate::record::{FailureClass, Metric, Outcome, Row, TokenSource};

/// A dip of this share of the window is a client between two requests, not the end of a steady state.
const TURNOVER: f64 = 1e-3;

/// Requests per second and tokens per second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Throughput {
    /// Successes that ended in the window.
    pub requests: f64,
    pub output: f64,
    /// With prompt tokens, which count when the first token shows that they were read.
    pub total: f64,
}

/// Over the successes, and over requests that we cut at the window's end: their tokens came from the server in time, and
/// leaving them out would call a server slower the longer its answers are. Failed requests add nothing. None for an
/// empty window.
pub(super) fn throughput(rows: &[&Row], window: Window) -> Option<Throughput> {
    let seconds = window.secs();
    if seconds <= 0.0 {
        return None;
    }
    let per_chunk = tokens_per_chunk(rows);
    let mut sums = Throughput::default();
    for row in rows.iter().filter(|row| row.outcome.is_success() || is_cut(row)) {
        let output = output_within(row, window, per_chunk);
        sums.output += output;
        sums.total += output + prompt_within(row, window);
        if row.outcome.is_success() && contains(window, row.done) {
            sums.requests += 1.0;
        }
    }
    Some(Throughput {
        requests: sums.requests / seconds,
        output: sums.output / seconds,
        total: sums.total / seconds,
    })
}

/// Achieved concurrency, and the longest steady state.
pub(super) fn in_flight(rows: &[&Row], window: Window) -> (Concurrency, Option<Window>) {
    let spans: Vec<Window> = rows.iter().filter_map(|row| clip(row, window)).collect();
    let busy: f64 = spans.iter().map(|span| span.secs()).sum();
    let steps = steps(&spans);
    let peak = steps.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let mean = if window.secs() > 0.0 { busy / window.secs() } else { 0.0 };
    (Concurrency { mean, peak }, longest_at_least(&steps, 0.9 * peak as f64, window))
}

/// The steady state with what was achieved in it.
pub(super) fn steady(rows: &[&Row], window: Window) -> Option<Steady> {
    let Throughput { requests, output, .. } = throughput(rows, window)?;
    Some(Steady { window, request_throughput: requests, output_throughput: output })
}

/// Ended by us, at the end of the level or by an interrupt.
pub(super) fn is_cut(row: &Row) -> bool {
    matches!(&row.outcome, Outcome::Failed(failure) if failure.class == FailureClass::Cancelled)
}

/// One request in the course of the window.
pub(super) fn course(grid: &mut Grid, row: &Row, window: Window) {
    if let Some(sent) = row.sent {
        grid.count(sent, |cell| cell.sent += 1);
    }
    if let Some(span) = clip(row, window) {
        grid.busy(span);
    }
    let success = row.outcome.is_success();
    match is_cut(row) {
        true => {}
        false if success => grid.count(row.done, |cell| cell.succeeded += 1),
        false => return grid.count(row.done, |cell| cell.failed += 1),
    }
    let (count, source) = row.output_tokens();
    if row.chunks.is_empty() && success {
        grid.count(row.done, |cell| cell.output += f64::from(count));
    }
    let known = success || source != TokenSource::Chunks;
    let all: f64 = row.chunks.iter().map(|chunk| f64::from(tokens_in(chunk))).sum();
    for chunk in row.chunks.iter().filter(|_| all > 0.0) {
        let tokens = f64::from(count) * f64::from(tokens_in(chunk)) / all;
        grid.count(chunk.at, |cell| *(if known { &mut cell.output } else { &mut cell.chunks }) += tokens);
    }
    if !success || !row.streamed {
        return;
    }
    if let (Some(sent), Some(ttft)) = (row.sent, value(row, Metric::Ttft)) {
        grid.ttft(sent, ttft);
    }
    for pair in row.chunks.windows(2) {
        grid.gap(pair[1].at, (pair[1].at - pair[0].at).ms());
    }
}

/// Output tokens that arrived in the window. Without a stream they all arrive at the end. Tokens spread over the chunks
/// as these say, else evenly.
fn output_within(row: &Row, window: Window, per_chunk: f64) -> f64 {
    let (count, source) = row.output_tokens();
    if row.chunks.is_empty() {
        return if row.outcome.is_success() && contains(window, row.done) { f64::from(count) } else { 0.0 };
    }
    let count = if is_cut(row) && source == TokenSource::Chunks {
        f64::from(count) * per_chunk
    } else {
        f64::from(count)
    };
    let (mut inside, mut all) = (0.0, 0.0);
    for chunk in &row.chunks {
        let weight = f64::from(tokens_in(chunk));
        all += weight;
        if contains(window, chunk.at) {
            inside += weight;
        }
    }
    if all > 0.0 { count * inside / all } else { 0.0 }
}

/// Tokens per chunk of the successes: a request that was cut has no final count of its own.
pub(super) fn tokens_per_chunk(rows: &[&Row]) -> f64 {
    let (mut tokens, mut chunks) = (0.0, 0.0);
    for row in rows.iter().filter(|row| row.outcome.is_success() && !row.chunks.is_empty()) {
        tokens += f64::from(row.output_tokens().0);
        chunks += row.chunks.len() as f64;
    }
    if chunks > 0.0 { tokens / chunks } else { 1.0 }
}

fn prompt_within(row: &Row, window: Window) -> f64 {
    let read = match row.chunks.first() {
        Some(first) => first.at,
        None if row.outcome.is_success() => last_token(row),
        None => return 0.0,
    };
    let tokens = row.usage.prompt.or(row.prompt_tokens_asked).unwrap_or(0);
    if contains(window, read) { f64::from(tokens) } else { 0.0 }
}

fn contains(window: Window, at: Nanos) -> bool {
    window.start <= at && at <= window.end
}

/// The part of a request's time in flight that lies in the window.
fn clip(row: &Row, window: Window) -> Option<Window> {
    let (start, end) = (row.sent?.max(window.start), row.done.min(window.end));
    (start < end).then_some(Window { start, end })
}

/// How many are in flight from each instant on. A request that ends as another starts does not overlap it.
fn steps(spans: &[Window]) -> Vec<(Nanos, u64)> {
    let mut starts: Vec<Nanos> = spans.iter().map(|span| span.start).collect();
    let mut ends: Vec<Nanos> = spans.iter().map(|span| span.end).collect();
    starts.sort_unstable();
    ends.sort_unstable();
    let mut instants = [starts.as_slice(), ends.as_slice()].concat();
    instants.sort_unstable();
    instants.dedup();
    let (mut started, mut ended) = (0, 0);
    instants
        .into_iter()
        .map(|at| {
            started += starts[started..].partition_point(|start| *start <= at);
            ended += ends[ended..].partition_point(|end| *end <= at);
            (at, (started - ended) as u64)
        })
        .collect()
}

fn longest_at_least(steps: &[(Nanos, u64)], threshold: f64, window: Window) -> Option<Window> {
    let turnover = Nanos::from_secs(window.secs() * TURNOVER);
    let mut found: Vec<Window> = Vec::new();
    for pair in steps.windows(2) {
        let ((start, count), (end, _)) = (pair[0], pair[1]);
        if (count as f64) < threshold {
            continue;
        }
        match found.last_mut() {
            Some(last) if start - last.end < turnover || start == last.end => last.end = end,
            _ => found.push(Window { start, end }),
        }
    }
    // The first of equals, so that the answer does not depend on anything else.
    found.into_iter().rev().max_by_key(|found| found.end - found.start)
}
