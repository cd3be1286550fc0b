//! One level of one round in numbers: what the gate, the documents and the reports read.

use std::collections::BTreeMap;

use super::{Distribution, Point, Series};
use crate::base::Nanos;
use crate::record::{FailureClass, Metric, MetricKey, Observed, Slo, Stat, TokenSource};

/// A span of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: Nanos,
    pub end: Nanos,
}

impl Window {
    pub fn secs(self) -> f64 {
        (self.end - self.start).secs()
    }
}

/// Everything measured in one window. Latencies are in milliseconds, rates per second, shares in `0..=1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub window: Window,
    /// Measured requests, failed ones included; those that we cut ourselves (`cancelled`) are not.
    /// Invariant: `offered` is `succeeded` plus all `failures` but `cancelled`.
    pub offered: u64,
    pub succeeded: u64,
    /// Requests without a proper end by class, `cancelled` (cut by an interrupt) for the
    /// record; classes that did not occur are absent.
    pub failures: BTreeMap<FailureClass, u64>,
    /// Metrics that have no value here (for example `ttft` without streaming) are absent.
    pub distributions: BTreeMap<Metric, Distribution>,
    /// Single values: throughputs, rates and shares.
    pub values: BTreeMap<Metric, f64>,
    pub steady: Option<Steady>,
    pub concurrency: Concurrency,
    pub goodput: Option<Goodput>,
    pub tokens: TokenTotals,
    /// Connections that a server had closed and that were opened again for the same request.
    pub reconnects: u64,
    /// The course of the window; none for an empty one.
    pub series: Option<Series>,
    /// Single requests as examples, in order of sending.
    pub points: Vec<Point>,
    /// What was seen of the hardware and of the server from inside. Empty in parts of a mix.
    pub observed: Observed,
    /// The same for each workload of a mix, by name; empty where there is no mix.
    pub parts: Vec<(String, Summary)>,
}

impl Summary {
    /// Without what an API that generates nothing has no value of.
    #[must_use]
    pub fn without_output(mut self) -> Self {
        self.values.remove(&Metric::OutputThroughput);
        self.parts = self.parts.into_iter().map(|(name, part)| (name, part.without_output())).collect();
        self
    }

    /// The number that a key names, where it exists.
    pub fn value(&self, key: MetricKey) -> Option<f64> {
        match key.stat {
            Stat::Value => self.values.get(&key.metric).copied(),
            Stat::Mean => self.distributions.get(&key.metric).map(Distribution::mean),
            Stat::Quantile(q) => {
                self.distributions.get(&key.metric).map(|samples| samples.quantile(f64::from(q) / 1000.0))
            }
        }
    }
}

/// The longest interval with in-flight ≥ 0.9 × peak, and the throughput in it. Dips shorter than a thousandth of the
/// window do not end it: a closed loop's client is between two requests for that long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Steady {
    pub window: Window,
    pub request_throughput: f64,
    pub output_throughput: f64,
}

/// What was achieved, beside what was asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concurrency {
    /// In-flight time inside the window, summed over all requests that were sent, over the window.
    pub mean: f64,
    pub peak: u64,
}

/// Requests that met every SLO, over all offered.
#[derive(Debug, Clone, PartialEq)]
pub struct Goodput {
    pub good: u64,
    pub offered: u64,
    /// Good requests that ended in the window per second, and their output tokens per second.
    pub rate: f64,
    pub token_rate: f64,
    pub objectives: Vec<SloCount>,
}

/// How one SLO fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SloCount {
    pub slo: Slo,
    pub met: u64,
    /// Successful requests that have no such value (`tpot` with one token): not evaluated, not counted as missed.
    pub not_evaluated: u64,
}

/// Token counts of successful requests. A count that nobody asked for, or that the server did not report, is taken from
/// its counterpart, so that asked and got differ only where both are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTotals {
    pub prompt_asked: u64,
    pub prompt: u64,
    /// By how many tokens the server's count of a prompt exceeds what was asked for, at least and at most; none where no
    /// request has both numbers.
    pub prompt_excess: Option<(i64, i64)>,
    pub cached: u64,
    pub output_asked: u64,
    pub output: u64,
    pub chunks: u64,
    /// The weakest source of `output` among the requests.
    pub source: TokenSource,
    /// Whether `itl` could be weighted by tokens per chunk; if not it falls back to `icl`.
    pub itl_is_icl: bool,
}
