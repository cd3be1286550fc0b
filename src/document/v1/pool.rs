//! Several rounds of one level seen together: counts are added, histograms merged, percentiles taken last.

use std::collections::{BTreeMap, BTreeSet};

use super::histogram;
use super::level::{share, thin};
use super::number::six;
use super::{
    ConcurrencyDocument, GoodputDocument, LevelDocument, MetricDocument, SloCountDocument, TokensDocument,
    WindowDocument,
};
use crate::record::Metric;

/// The level over all its rounds, without histograms; a single round is itself, and only it keeps its course in time.
pub(super) fn pool(parts: &[&LevelDocument]) -> Option<LevelDocument> {
    let (first, rest) = parts.split_first()?;
    let mut level = (*first).clone();
    level.histograms = BTreeMap::new();
    if rest.is_empty() {
        return Some(level);
    }
    level.series = None;
    level.points = Vec::new();
    level.window = window(parts)?;
    level.offered = parts.iter().map(|part| part.offered).sum();
    level.succeeded = parts.iter().map(|part| part.succeeded).sum();
    level.failures = failures(parts);
    level.metrics = metrics(parts);
    level.goodput = goodput(parts);
    level.values = values(parts, &level);
    level.steady = None;
    level.concurrency = ConcurrencyDocument {
        mean: over_time(parts, |part| part.concurrency.mean),
        peak: parts
            .iter()
            .map(|part| part.concurrency.peak)
            .collect::<Option<Vec<u64>>>()
            .and_then(|peaks| peaks.into_iter().max()),
    };
    level.tokens = tokens(parts);
    level.reconnects = parts.iter().map(|part| part.reconnects).sum();
    Some(level)
}

fn window(parts: &[&LevelDocument]) -> Option<WindowDocument> {
    Some(WindowDocument {
        start_s: parts.first()?.window.start_s,
        end_s: parts.last()?.window.end_s,
        measured_s: six(parts.iter().map(|part| part.window.measured_s).sum()),
    })
}

fn failures(parts: &[&LevelDocument]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for (class, count) in parts.iter().flat_map(|part| &part.failures) {
        *all.entry(class.clone()).or_default() += count;
    }
    all
}

fn metrics(parts: &[&LevelDocument]) -> BTreeMap<String, MetricDocument> {
    let ids: BTreeSet<&String> = parts.iter().flat_map(|part| part.metrics.keys()).collect();
    ids.into_iter().filter_map(|id| Some((id.clone(), metric(parts, id)?))).collect()
}

/// One distribution over all rounds. Mean and sd are exact (Chan et al. 1979), percentiles the merged histogram's.
fn metric(parts: &[&LevelDocument], id: &str) -> Option<MetricDocument> {
    let all: Vec<&MetricDocument> = parts.iter().filter_map(|part| part.metrics.get(id)).collect();
    let texts = parts.iter().filter_map(|part| part.histograms.get(id));
    let merged = histogram::merge(texts.map(String::as_str))?;
    let quantile = |q: f64| six(merged.value_at_quantile(q) as f64 / 1e3);
    // A part with a histogram has samples, and with them their number and mean.
    let moments: Vec<(f64, f64, f64)> = all
        .iter()
        .map(|part| Some((part.n? as f64, part.mean?, part.sd.unwrap_or(0.0))))
        .collect::<Option<_>>()?;
    let n: f64 = moments.iter().map(|(n, ..)| n).sum();
    let mean = moments.iter().map(|(n, mean, _)| mean * n).sum::<f64>() / n;
    let squares: f64 =
        moments.iter().map(|(n, part, sd)| sd.powi(2) * (n - 1.0).max(0.0) + (part - mean).powi(2) * n).sum();
    let first = all.first()?;
    let end = |pick: fn(&MetricDocument) -> Option<f64>, worse: fn(f64, f64) -> f64| {
        all.iter().map(|part| pick(part)).collect::<Option<Vec<f64>>>()?.into_iter().reduce(worse)
    };
    Some(MetricDocument {
        unit: first.unit.clone(),
        n: Some(n as u64),
        mean: Some(six(mean)),
        sd: (n > 1.0).then(|| six((squares / (n - 1.0)).sqrt())),
        min: end(|part| part.min, f64::min),
        max: end(|part| part.max, f64::max),
        p50: Some(quantile(0.50)),
        p90: Some(quantile(0.90)),
        p95: Some(quantile(0.95)),
        p99: Some(quantile(0.99)),
        more: first
            .more
            .keys()
            .filter_map(|id| Some((id.clone(), quantile(id.strip_prefix('p')?.parse::<f64>().ok()? / 100.0))))
            .collect(),
        thin: thin(n as u64),
    })
}

fn goodput(parts: &[&LevelDocument]) -> Option<GoodputDocument> {
    let all: Vec<&GoodputDocument> = parts.iter().map(|part| part.goodput.as_ref()).collect::<Option<_>>()?;
    let (good, offered) = (all.iter().map(|part| part.good).sum(), all.iter().map(|part| part.offered).sum());
    let objectives = all.first()?.objectives.iter().enumerate().map(|(at, one)| {
        let same = || all.iter().filter_map(move |part| part.objectives.get(at));
        SloCountDocument {
            slo: one.slo.clone(),
            met: same().map(|count| count.met).sum(),
            not_evaluated: same().map(|count| count.not_evaluated).sum(),
        }
    });
    Some(GoodputDocument {
        good,
        offered,
        ratio: share(good, offered),
        rate: over_time(parts, |part| part.goodput.as_ref().map(|goodput| goodput.rate))?,
        token_rate: over_time(parts, |part| part.goodput.as_ref().map(|goodput| goodput.token_rate))?,
        objectives: objectives.collect(),
    })
}

/// Rates are counts over a window, so over several windows they weigh by time; shares come from the added counts.
fn values(parts: &[&LevelDocument], level: &LevelDocument) -> BTreeMap<String, f64> {
    let ids: BTreeSet<&String> = parts.iter().flat_map(|part| part.values.keys()).collect();
    ids.into_iter()
        .filter_map(|id| {
            let value = if id == Metric::SuccessRate.id() {
                share(level.succeeded, level.offered)
            } else if id == Metric::ErrorRate.id() {
                share(level.failed(), level.offered)
            } else if id == Metric::Goodput.id() {
                level.goodput.as_ref()?.ratio
            } else {
                over_time(parts, |part| part.values.get(id).copied())?
            };
            Some((id.clone(), value))
        })
        .collect()
}

/// Mean weighted by the time measured; none when a part has no value or no time was measured.
fn over_time(parts: &[&LevelDocument], value: impl Fn(&LevelDocument) -> Option<f64>) -> Option<f64> {
    let (mut sum, mut time) = (0.0, 0.0);
    for part in parts {
        sum += value(part)? * part.window.measured_s;
        time += part.window.measured_s;
    }
    (time > 0.0).then(|| six(sum / time))
}

fn tokens(parts: &[&LevelDocument]) -> TokensDocument {
    let sum = |count: fn(&TokensDocument) -> u64| parts.iter().map(|part| count(&part.tokens)).sum();
    let mut sources: Vec<&str> = parts.iter().map(|part| part.tokens.source.as_str()).collect();
    sources.dedup();
    TokensDocument {
        prompt_asked: sum(|tokens| tokens.prompt_asked),
        prompt: sum(|tokens| tokens.prompt),
        cached: sum(|tokens| tokens.cached),
        output_asked: sum(|tokens| tokens.output_asked),
        output: sum(|tokens| tokens.output),
        chunks: sum(|tokens| tokens.chunks),
        source: if let [source] = sources.as_slice() { (*source).to_owned() } else { "mixed".to_owned() },
        itl_is_icl: parts.iter().any(|part| part.tokens.itl_is_icl),
    }
}
