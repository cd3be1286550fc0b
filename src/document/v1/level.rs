//! One level in numbers: the part of a result that everything else is drawn from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::histogram;
use super::number::six;
use super::{ObservedDocument, PointDocument, SeriesDocument, SloDocument};
use crate::base::Nanos;
use crate::metrics::{Concurrency, Distribution, Goodput, SloCount, Steady, Summary, TokenTotals, Window};
use crate::record::{FailureClass, Metric, MetricKey, Stat};
use crate::stats::thin_below;

/// One level of one round, or of all rounds together. Keys of maps are metric ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelDocument {
    pub label: String,
    pub window: WindowDocument,
    /// Requests that were due, failed ones included.
    pub offered: u64,
    pub succeeded: u64,
    /// Failed requests by class.
    pub failures: BTreeMap<String, u64>,
    pub metrics: BTreeMap<String, MetricDocument>,
    /// Throughputs per second, shares in 0..=1.
    pub values: BTreeMap<String, f64>,
    pub steady: Option<SteadyDocument>,
    pub concurrency: ConcurrencyDocument,
    pub goodput: Option<GoodputDocument>,
    pub tokens: TokensDocument,
    pub reconnects: u64,
    /// `HdrHistogram` V2 deflate, base64, in thousandths of the metric's unit. Empty in the view over all rounds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub histograms: BTreeMap<String, String>,
    /// The course of the window. Absent for an empty window, and in the view over several rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series: Option<SeriesDocument>,
    /// Single requests as examples. Absent in the view over several rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<PointDocument>,
    /// What was seen of the hardware, and of the server from elsewhere than the requests. Absent where nothing was, and in the workloads of a mix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedDocument>,
    /// Each workload of a mix, labelled with its name. Absent where there is no mix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<LevelDocument>,
}

/// A span since the start of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowDocument {
    pub start_s: f64,
    pub end_s: f64,
    /// Time measured: shorter than the span where several rounds are seen together.
    pub measured_s: f64,
}

/// One distribution. `n` counts samples: requests, chunks or tokens. What we measured has every number; an imported file
/// may leave some unsaid, which are null then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricDocument {
    pub unit: String,
    pub n: Option<u64>,
    pub mean: Option<f64>,
    /// Null for a single sample.
    pub sd: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// Further quantiles that the gate names, for example `p99.9`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, f64>,
    /// Percentiles with too few samples behind them to be relied on.
    pub thin: Vec<String>,
}

/// The longest interval near full load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SteadyDocument {
    pub window: WindowDocument,
    pub request_throughput: f64,
    pub output_throughput: f64,
}

/// Requests in flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConcurrencyDocument {
    /// Null where an imported file does not say.
    pub mean: Option<f64>,
    pub peak: Option<u64>,
}

/// Requests that met every SLO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoodputDocument {
    pub good: u64,
    pub offered: u64,
    pub ratio: f64,
    /// Good requests per second.
    pub rate: f64,
    /// Their output tokens per second.
    pub token_rate: f64,
    pub objectives: Vec<SloCountDocument>,
}

/// How one SLO fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloCountDocument {
    pub slo: SloDocument,
    pub met: u64,
    pub not_evaluated: u64,
}

/// Token counts of successful requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokensDocument {
    pub prompt_asked: u64,
    pub prompt: u64,
    pub cached: u64,
    pub output_asked: u64,
    pub output: u64,
    pub chunks: u64,
    /// `usage`, `tokenizer` or `chunks`; `mixed` where rounds differ.
    pub source: String,
    pub itl_is_icl: bool,
}

impl LevelDocument {
    /// `gated` are the numbers that a policy names, so that their quantiles are kept too.
    pub fn new(label: &str, summary: &Summary, gated: &[MetricKey]) -> Self {
        let Summary {
            window,
            offered,
            succeeded,
            failures,
            distributions,
            values,
            steady,
            concurrency,
            goodput,
            tokens,
            reconnects,
            series,
            points,
            observed,
            parts,
        } = summary;
        let id = |metric: &Metric| metric.id().to_owned();
        Self {
            label: label.to_owned(),
            window: window.into(),
            offered: *offered,
            succeeded: *succeeded,
            failures: failures.iter().map(|(class, count)| (class.id().to_owned(), *count)).collect(),
            metrics: distributions
                .iter()
                .map(|(metric, samples)| (id(metric), MetricDocument::new(*metric, samples, gated)))
                .collect(),
            values: values
                .iter()
                .filter(|(_, value)| value.is_finite())
                .map(|(metric, value)| (id(metric), six(*value)))
                .collect(),
            steady: steady.as_ref().map(SteadyDocument::from),
            concurrency: concurrency.into(),
            goodput: goodput.as_ref().map(GoodputDocument::from),
            tokens: tokens.into(),
            reconnects: *reconnects,
            histograms: distributions
                .iter()
                .map(|(metric, samples)| (id(metric), histogram::encode(&samples.histogram())))
                .collect(),
            series: series.as_ref().map(SeriesDocument::from),
            points: points.iter().map(PointDocument::from).collect(),
            observed: ObservedDocument::of(observed),
            parts: parts.iter().map(|(name, part)| Self::new(name, part, gated)).collect(),
        }
    }

    /// Requests that did not end well. Those that we cut ourselves were not offered, so they did not fail either.
    pub fn failed(&self) -> u64 {
        self.failures.values().sum::<u64>() - self.cut()
    }

    /// Requests of users who left, or that an interrupt cut.
    pub fn cut(&self) -> u64 {
        self.failures.get(FailureClass::Cancelled.id()).copied().unwrap_or(0)
    }
}

impl MetricDocument {
    pub(super) fn new(metric: Metric, samples: &Distribution, gated: &[MetricKey]) -> Self {
        let quantile = |q: f64| six(samples.quantile(q));
        let more = gated
            .iter()
            .filter(|key| key.metric == metric)
            .filter_map(|key| match key.stat {
                Stat::Quantile(500 | 900 | 950 | 990) | Stat::Mean | Stat::Value => None,
                Stat::Quantile(q) => Some((quantile_id(q), quantile(f64::from(q) / 1000.0))),
            })
            .collect();
        Self {
            unit: metric.unit().symbol().to_owned(),
            n: Some(samples.len()),
            mean: Some(six(samples.mean())),
            sd: samples.sd().map(six),
            min: Some(six(samples.min())),
            max: Some(six(samples.max())),
            p50: Some(quantile(0.50)),
            p90: Some(quantile(0.90)),
            p95: Some(quantile(0.95)),
            p99: Some(quantile(0.99)),
            more,
            thin: thin(samples.len()),
        }
    }
}

/// `p99.9` for 999.
fn quantile_id(thousandths: u16) -> String {
    format!("p{}", f64::from(thousandths) / 10.0)
}

/// Percentiles that n samples do not carry at 99 % confidence (`MLPerf` Inference's early-stopping bound, as METRICS lists it).
pub(super) fn thin(n: u64) -> Vec<String> {
    [("p50", 0.50), ("p90", 0.90), ("p95", 0.95), ("p99", 0.99)]
        .into_iter()
        .filter(|(_, q)| thin_below(*q).is_some_and(|needed| n < needed))
        .map(|(name, _)| name.to_owned())
        .collect()
}

impl From<&Window> for WindowDocument {
    fn from(window: &Window) -> Self {
        let Window { start, end } = window;
        let secs = |at: Nanos| (at.secs() * 1e6).round() / 1e6;
        Self { start_s: secs(*start), end_s: secs(*end), measured_s: six(window.secs()) }
    }
}

impl From<&Steady> for SteadyDocument {
    fn from(steady: &Steady) -> Self {
        let Steady { window, request_throughput, output_throughput } = steady;
        Self {
            window: window.into(),
            request_throughput: six(*request_throughput),
            output_throughput: six(*output_throughput),
        }
    }
}

impl From<&Concurrency> for ConcurrencyDocument {
    fn from(concurrency: &Concurrency) -> Self {
        let Concurrency { mean, peak } = concurrency;
        Self { mean: Some(six(*mean)), peak: Some(*peak) }
    }
}

impl From<&Goodput> for GoodputDocument {
    fn from(goodput: &Goodput) -> Self {
        let Goodput { good, offered, rate, token_rate, objectives } = goodput;
        Self {
            good: *good,
            offered: *offered,
            ratio: share(*good, *offered),
            rate: six(*rate),
            token_rate: six(*token_rate),
            objectives: objectives.iter().map(SloCountDocument::from).collect(),
        }
    }
}

/// Part of whole, 0 of nothing.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { six(part as f64 / whole as f64) }
}

impl From<&SloCount> for SloCountDocument {
    fn from(count: &SloCount) -> Self {
        let SloCount { slo, met, not_evaluated } = count;
        Self { slo: slo.into(), met: *met, not_evaluated: *not_evaluated }
    }
}

impl From<&TokenTotals> for TokensDocument {
    fn from(totals: &TokenTotals) -> Self {
        let TokenTotals {
            prompt_asked,
            prompt,
            prompt_excess: _,
            cached,
            output_asked,
            output,
            chunks,
            source,
            itl_is_icl,
        } = totals;
        Self {
            prompt_asked: *prompt_asked,
            prompt: *prompt,
            cached: *cached,
            output_asked: *output_asked,
            output: *output,
            chunks: *chunks,
            source: source.id().to_owned(),
            itl_is_icl: *itl_is_icl,
        }
    }
}
