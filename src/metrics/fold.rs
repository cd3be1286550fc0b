//! Rows to a summary, one by one and in bounded memory: METRICS, put together.

use std::collections::BTreeMap;

use super::flow::{Flow, Throughput, is_cut};
use super::goodput::Goals;
use super::latencies::Latencies;
use super::points::Points;
use super::samples::KEPT_MAX;
use super::{Goodput, Summary, TokenTotals, Window};
use crate::base::Nanos;
use crate::record::{FailureClass, Metric, Observed, Outcome, Phase, Row, Slo, TokenSource};

/// What must be known of a level before its first row.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// When the window begins.
    pub start: Nanos,
    /// When it will end, where a duration was given: what arrives later is not counted. Without one it ends with its
    /// last request.
    pub end: Option<Nanos>,
    pub open_loop: bool,
    /// Objectives of every request that has none of its own.
    pub slos: Vec<Slo>,
}

/// The numbers of one level of one round, while its rows end. Warm-up rows are left out of all of them, failed rows out
/// of the latencies.
#[derive(Debug, Clone)]
pub struct Fold {
    start: Nanos,
    open_loop: bool,
    offered: u64,
    succeeded: u64,
    failures: BTreeMap<FailureClass, u64>,
    reconnects: u64,
    latencies: Latencies,
    flow: Flow,
    goals: Goals,
    tokens: TokenTotals,
    points: Points,
}

/// What a level's rows say so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SoFar {
    /// `ttft`; in an open loop `ttft_from_due`.
    pub ttft: Option<Percentiles>,
    pub itl: Option<Percentiles>,
    /// By class, without those that we cut.
    pub failures: BTreeMap<FailureClass, u64>,
}

/// In milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Percentiles {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Fold {
    pub fn new(frame: Frame) -> Self {
        Self::keeping(frame, KEPT_MAX)
    }

    /// With another bound for what is kept as it is.
    pub(super) fn keeping(frame: Frame, keep: usize) -> Self {
        let Frame { start, end, open_loop, slos } = frame;
        Self {
            start,
            open_loop,
            offered: 0,
            succeeded: 0,
            failures: BTreeMap::new(),
            reconnects: 0,
            latencies: Latencies::new(open_loop, keep),
            flow: Flow::new(start, end, keep),
            goals: Goals::new(slos, open_loop),
            tokens: NOTHING,
            points: Points::default(),
        }
    }

    /// Counts one row.
    pub fn add(&mut self, row: &Row) {
        if row.phase != Phase::Measure {
            return;
        }
        self.offered += u64::from(!is_cut(row));
        self.reconnects += u64::from(row.reconnects);
        self.points.add(row, self.start);
        self.latencies.add_lag(row);
        let arrived = self.flow.add(row);
        match &row.outcome {
            Outcome::Failed(failure) => *self.failures.entry(failure.class).or_insert(0) += 1,
            Outcome::Success => {
                self.succeeded += 1;
                self.latencies.add(row);
                self.goals.add(row, self.flow.contains(row.done), arrived);
                total(&mut self.tokens, row);
            }
        }
    }

    /// For whoever looks on. Sorts what is kept, so not for every row.
    pub fn so_far(&self) -> SoFar {
        let percentiles = |metric| {
            let samples = self.latencies.so_far(metric)?;
            let [p50, p95, p99] = [0.50, 0.95, 0.99].map(|q| samples.quantile(q));
            Some(Percentiles { p50, p95, p99 })
        };
        let mut failures = self.failures.clone();
        failures.remove(&FailureClass::Cancelled);
        SoFar {
            ttft: percentiles(if self.open_loop { Metric::TtftFromDue } else { Metric::Ttft }),
            itl: percentiles(Metric::Itl),
            failures,
        }
    }

    /// The numbers of the window. Its start is the frame's, its end not before any event that was to be counted.
    pub fn finish(self, window: Window) -> Summary {
        let course = self.flow.finish(window);
        let goodput = self.goals.finish(self.offered, window);
        let (offered, succeeded) = (self.offered, self.succeeded);
        let source = if succeeded == 0 { TokenSource::Chunks } else { self.tokens.source };
        let tokens = TokenTotals { source, itl_is_icl: self.latencies.itl_is_icl(), ..self.tokens };
        Summary {
            window,
            offered,
            succeeded,
            failures: self.failures,
            distributions: self.latencies.finish(),
            values: values(course.throughput, succeeded, offered, goodput.as_ref()),
            steady: course.steady,
            concurrency: course.concurrency,
            goodput,
            tokens,
            reconnects: self.reconnects,
            series: course.series,
            points: self.points.finish(),
            observed: Observed::default(),
            parts: Vec::new(),
        }
    }

    /// How many samples, events and points are held.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.latencies.kept() + self.flow.kept()
    }
}

/// The numbers of rows that are all there already.
pub fn summarize(rows: &[Row], window: Window, slos: &[Slo], open_loop: bool) -> Summary {
    let Window { start, end } = window;
    let mut fold = Fold::new(Frame { start, end: Some(end), open_loop, slos: slos.to_vec() });
    for row in rows {
        fold.add(row);
    }
    fold.finish(window)
}

fn values(
    throughput: Option<Throughput>,
    succeeded: u64,
    offered: u64,
    goodput: Option<&Goodput>,
) -> BTreeMap<Metric, f64> {
    let mut values = BTreeMap::new();
    if let Some(Throughput { requests, output, total }) = throughput {
        values.insert(Metric::RequestThroughput, requests);
        values.insert(Metric::OutputThroughput, output);
        values.insert(Metric::TotalThroughput, total);
    }
    if offered > 0 {
        let share = |count: u64| count as f64 / offered as f64;
        values.insert(Metric::SuccessRate, share(succeeded));
        values.insert(Metric::ErrorRate, share(offered - succeeded));
    }
    if let Some(goodput) = goodput {
        values.insert(Metric::Goodput, goodput.good as f64 / goodput.offered as f64);
        values.insert(Metric::GoodputRate, goodput.rate);
    }
    values
}

/// The weakest source of none is the best one.
const NOTHING: TokenTotals = TokenTotals {
    prompt_asked: 0,
    prompt: 0,
    prompt_excess: None,
    cached: 0,
    output_asked: 0,
    output: 0,
    chunks: 0,
    source: TokenSource::Usage,
    itl_is_icl: false,
};

/// A success added to the totals.
fn total(totals: &mut TokenTotals, row: &Row) {
    let (output, source) = row.output_tokens();
    let count = |tokens: Option<u32>| tokens.map_or(0, u64::from);
    totals.prompt_asked += count(row.prompt_tokens_asked.or(row.usage.prompt));
    totals.prompt += count(row.usage.prompt.or(row.prompt_tokens_asked));
    if let (Some(got), Some(asked)) = (row.usage.prompt, row.prompt_tokens_asked) {
        let excess = i64::from(got) - i64::from(asked);
        let (least, most) = totals.prompt_excess.unwrap_or((excess, excess));
        totals.prompt_excess = Some((least.min(excess), most.max(excess)));
    }
    totals.cached += count(row.usage.cached);
    totals.output_asked += u64::from(row.output_tokens_asked.unwrap_or(output));
    totals.output += u64::from(output);
    totals.chunks += row.chunks.len() as u64;
    totals.source = totals.source.max(source);
}
