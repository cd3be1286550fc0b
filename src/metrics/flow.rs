//! What passes through a window: tokens as they arrive, requests as they end, and how many are in flight.

use super::grid::Grid;
use super::latency::{first_token, gaps, last_token, tokens_in};
use super::{Concurrency, Series, Steady, Window};
use crate::base::Nanos;
use crate::record::{FailureClass, Outcome, Row, TokenSource};

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

/// Successes, and requests that we cut at the window's end: their tokens came from the server in time, and leaving them
/// out would call a server slower the longer its answers are. Failed requests add nothing but their time in flight.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    start: Nanos,
    end: Option<Nanos>,
    grid: Grid,
    /// None once there are too many events to keep; the grid then answers alone.
    events: Option<Events>,
    /// Nanoseconds in flight inside the window, over all requests.
    busy: u128,
    /// Tokens and chunks of successful streams: a request that was cut has no final count of its own.
    tokens: f64,
    chunks: f64,
}

/// Everything that happened, while it is little.
#[derive(Debug, Clone, Default)]
struct Events {
    keep: usize,
    spans: Vec<Window>,
    /// Ends of successes.
    ends: Vec<Nanos>,
    arrivals: Vec<Arrival>,
}

/// Tokens that came in.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: Nanos,
    count: f64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Output,
    /// Chunks of a request that was cut before its tokens were known.
    Chunks,
    Prompt,
}

/// A window's flow, all told.
pub(super) struct Course {
    /// None for an empty window, as below.
    pub(super) throughput: Option<Throughput>,
    pub(super) concurrency: Concurrency,
    pub(super) steady: Option<Steady>,
    pub(super) series: Option<Series>,
}

impl Flow {
    /// A window that begins at `start`. Where its `end` is known nothing later is counted; else it ends with its last row.
    pub(super) fn new(start: Nanos, end: Option<Nanos>, keep: usize) -> Self {
        let events = Some(Events { keep, ..Events::default() });
        let grid = Grid::new(start, end);
        Self { start, end, grid, events, busy: 0, tokens: 0.0, chunks: 0.0 }
    }

    /// Counts one request, and answers how many of its output tokens arrived in the window.
    pub(super) fn add(&mut self, row: &Row) -> f64 {
        if let Some(sent) = row.sent {
            self.grid.count(sent, |cell| cell.sent += 1);
            self.fly(Window { start: sent, end: row.done });
        }
        let success = row.outcome.is_success();
        let mut inside = 0.0;
        if success || is_cut(row) {
            inside = self.receive(row, success);
            if let Some(tokens) = prompt(row) {
                self.arrive(tokens);
            }
        } else {
            self.grid.count(row.done, |cell| cell.failed += 1);
        }
        if success {
            self.end(row);
        }
        if self.events.as_ref().is_some_and(Events::are_many) {
            self.events = None;
        }
        inside
    }

    fn fly(&mut self, span: Window) {
        let span = clip(span, Window { start: self.start, end: self.end.unwrap_or(span.end) });
        if let Some(span) = span {
            self.busy += u128::from((span.end - span.start).0);
            self.grid.busy(span);
            if let Some(events) = &mut self.events {
                events.spans.push(span);
            }
        }
    }

    fn end(&mut self, row: &Row) {
        self.grid.count(row.done, |cell| cell.succeeded += 1);
        if let Some(events) = &mut self.events {
            events.ends.push(row.done);
        }
        if !row.chunks.is_empty() {
            self.tokens += f64::from(row.output_tokens().0);
            self.chunks += row.chunks.len() as f64;
        }
        if let (Some(sent), Some(first)) = (row.sent, first_token(row)) {
            self.grid.ttft(sent, (first - sent).ms());
        }
        for (chunk, (gap, _)) in row.chunks.iter().skip(1).zip(gaps(row)) {
            self.grid.gap(chunk.at, gap);
        }
    }

    /// Without a stream all tokens arrive at the end. They spread over the chunks as these say, else evenly.
    fn receive(&mut self, row: &Row, success: bool) -> f64 {
        let (count, source) = row.output_tokens();
        let known = success || source != TokenSource::Chunks;
        let kind = if known { Kind::Output } else { Kind::Chunks };
        let count = f64::from(count);
        if row.chunks.is_empty() {
            return if success { self.arrive(Arrival { at: row.done, count, kind }) } else { 0.0 };
        }
        let all: f64 = row.chunks.iter().map(|chunk| f64::from(tokens_in(chunk))).sum();
        let arrivals = row.chunks.iter().filter(|_| all > 0.0).map(|chunk| {
            let part = f64::from(tokens_in(chunk));
            Arrival { at: chunk.at, count: count * part / all, kind }
        });
        arrivals.map(|arrival| self.arrive(arrival)).sum()
    }

    /// Answers with what was inside the window.
    fn arrive(&mut self, arrival: Arrival) -> f64 {
        let Arrival { at, count, kind } = arrival;
        if !self.contains(at) {
            return 0.0;
        }
        if let Some(events) = &mut self.events {
            events.arrivals.push(arrival);
        }
        self.grid.count(at, |cell| match kind {
            Kind::Output => cell.output += count,
            Kind::Chunks => cell.chunks += count,
            Kind::Prompt => cell.prompt += count,
        });
        count
    }

    pub(super) fn contains(&self, at: Nanos) -> bool {
        self.start <= at && self.end.is_none_or(|end| at <= end)
    }

    pub(super) fn finish(&self, window: Window) -> Course {
        let seconds = window.secs();
        let (steps, busy, peak) = if let Some(events) = &self.events {
            events.in_flight(window)
        } else {
            (self.grid.in_flight(window.end), self.busy as f64 / 1e9, self.grid.peak())
        };
        let steady = longest_at_least(&steps, 0.9 * peak as f64, window).and_then(|window| {
            let Throughput { requests, output, .. } = self.throughput(window)?;
            Some(Steady { window, request_throughput: requests, output_throughput: output })
        });
        Course {
            throughput: self.throughput(window),
            concurrency: Concurrency { mean: if seconds > 0.0 { busy / seconds } else { 0.0 }, peak },
            steady,
            series: (seconds > 0.0).then(|| self.grid.series(window.end, self.tokens_per_chunk())),
        }
    }

    fn throughput(&self, window: Window) -> Option<Throughput> {
        let seconds = window.secs();
        if seconds <= 0.0 {
            return None;
        }
        let (requests, [output, chunks, prompt]) =
            self.events.as_ref().map_or_else(|| self.grid.within(window), |events| events.within(window));
        let output = output + chunks * self.tokens_per_chunk();
        Some(Throughput {
            requests: requests as f64 / seconds,
            output: output / seconds,
            total: (output + prompt) / seconds,
        })
    }

    fn tokens_per_chunk(&self) -> f64 {
        if self.chunks > 0.0 { self.tokens / self.chunks } else { 1.0 }
    }

    /// How many events are held.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.events
            .as_ref()
            .map_or(0, |events| events.spans.len() + events.ends.len() + events.arrivals.len())
    }
}

impl Events {
    fn are_many(&self) -> bool {
        self.spans.len().max(self.arrivals.len()) > self.keep
    }

    /// Successes that ended in the window, and what arrived in it: output tokens, chunks, prompt tokens.
    fn within(&self, window: Window) -> (u64, [f64; 3]) {
        let contains = |at: Nanos| window.start <= at && at <= window.end;
        let mut sums = [0.0; 3];
        for arrival in self.arrivals.iter().filter(|arrival| contains(arrival.at)) {
            sums[arrival.kind as usize] += arrival.count;
        }
        (self.ends.iter().filter(|at| contains(**at)).count() as u64, sums)
    }

    /// How many are in flight from each instant on, their seconds in all, and the most at once.
    fn in_flight(&self, window: Window) -> (Vec<(Nanos, f64)>, f64, u64) {
        let spans: Vec<Window> = self.spans.iter().filter_map(|span| clip(*span, window)).collect();
        let busy = spans.iter().map(|span| span.secs()).sum();
        let steps = steps(&spans);
        let peak = steps.iter().map(|(_, count)| *count).fold(0.0, f64::max);
        (steps, busy, peak as u64)
    }
}

/// Ended by us, at the end of the level or by an interrupt.
pub(super) fn is_cut(row: &Row) -> bool {
    matches!(&row.outcome, Outcome::Failed(failure) if failure.class == FailureClass::Cancelled)
}

fn prompt(row: &Row) -> Option<Arrival> {
    let at = match row.chunks.first() {
        Some(first) => first.at,
        None if row.outcome.is_success() => last_token(row),
        None => return None,
    };
    let count = f64::from(row.usage.prompt.or(row.prompt_tokens_asked).unwrap_or(0));
    Some(Arrival { at, count, kind: Kind::Prompt })
}

/// The part of a span that lies in the window.
fn clip(span: Window, window: Window) -> Option<Window> {
    let (start, end) = (span.start.max(window.start), span.end.min(window.end));
    (start < end).then_some(Window { start, end })
}

/// How many are in flight from each instant on. A request that ends as another starts does not overlap it.
fn steps(spans: &[Window]) -> Vec<(Nanos, f64)> {
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
            (at, (started - ended) as f64)
        })
        .collect()
}

fn longest_at_least(steps: &[(Nanos, f64)], threshold: f64, window: Window) -> Option<Window> {
    let turnover = Nanos::from_secs(window.secs() * TURNOVER);
    let mut found: Vec<Window> = Vec::new();
    for pair in steps.windows(2) {
        let ((start, count), (end, _)) = (pair[0], pair[1]);
        if count < threshold {
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
