//! Several parts of one level seen together, rounds or shards: counts are added, histograms merged, percentiles taken last.

use std::collections::{BTreeMap, BTreeSet};

use super::histogram;
use super::level::{share, thin};
use super::number::six;
use super::{
    ConcurrencyDocument, GoodputDocument, LevelDocument, MetricDocument, ObservedDocument, PointDocument,
    SeriesDocument, SloCountDocument, SteadyDocument, TokensDocument, WindowDocument,
};
use crate::metrics::Summary;
use crate::record::{Metric, Unit};

/// What the parts cannot say on their own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    /// Rates are counts over its `measured_s`.
    pub(super) window: WindowDocument,
    pub(super) crowd: Crowd,
    pub(super) histograms: BTreeMap<String, String>,
}

/// What only the rows of all parts together say.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Crowd {
    pub(super) peak: Option<u64>,
    pub(super) steady: Option<SteadyDocument>,
    pub(super) series: Option<SeriesDocument>,
    pub(super) points: Vec<PointDocument>,
}

impl From<&Summary> for Crowd {
    fn from(summary: &Summary) -> Self {
        Self {
            peak: Some(summary.concurrency.peak),
            steady: summary.steady.as_ref().map(SteadyDocument::from),
            series: summary.series.as_ref().map(SeriesDocument::from),
            points: summary.points.iter().map(PointDocument::from).collect(),
        }
    }
}

/// Rounds, one after the other, in order: without histograms; a single round is itself, and only it keeps its course in time.
pub(super) fn in_turn(parts: &[&LevelDocument]) -> Option<LevelDocument> {
    let (first, last) = (parts.first()?, parts.last()?);
    if parts.len() == 1 {
        return Some(bare(first));
    }
    let window = WindowDocument {
        start_s: first.window.start_s,
        end_s: last.window.end_s,
        measured_s: six(parts.iter().map(|part| part.window.measured_s).sum()),
    };
    let peaks: Option<Vec<u64>> = parts.iter().map(|part| part.concurrency.peak).collect();
    let peak = peaks.and_then(|peaks| peaks.into_iter().max());
    let seen: Vec<(Option<&ObservedDocument>, f64)> =
        parts.iter().map(|part| (part.observed.as_ref(), part.window.measured_s)).collect();
    let observed = ObservedDocument::in_turn(&seen);
    let frame = Frame { window, crowd: Crowd { peak, ..Crowd::default() }, histograms: BTreeMap::new() };
    Some(LevelDocument { observed, ..joined(parts, frame)? })
}

fn bare(level: &LevelDocument) -> LevelDocument {
    let parts = level.parts.iter().map(bare).collect();
    LevelDocument { histograms: BTreeMap::new(), parts, ..level.clone() }
}

/// The histograms of all parts, merged.
pub(super) fn histograms(parts: &[&LevelDocument]) -> BTreeMap<String, String> {
    let ids: BTreeSet<&String> = parts.iter().flat_map(|part| part.histograms.keys()).collect();
    let merged = |id: &String| {
        histogram::merge(parts.iter().filter_map(|part| part.histograms.get(id)).map(String::as_str))
    };
    ids.into_iter().filter_map(|id| Some((id.clone(), histogram::encode(&merged(id)?)))).collect()
}

/// The workloads of a mix, each over all parts by its name. How many of one workload were in flight at most is not known.
fn workloads(parts: &[&LevelDocument], window: &WindowDocument, kept: bool) -> Vec<LevelDocument> {
    let names: Vec<&String> =
        parts.first().into_iter().flat_map(|part| &part.parts).map(|one| &one.label).collect();
    let one = |name: &String| {
        let own: Vec<&LevelDocument> =
            parts.iter().flat_map(|part| &part.parts).filter(|part| part.label == *name).collect();
        let histograms = if kept { histograms(&own) } else { BTreeMap::new() };
        joined(&own, Frame { window: window.clone(), crowd: Crowd::default(), histograms })
    };
    names.into_iter().filter_map(one).collect()
}

/// The parts as one level of this frame; none when there are no parts.
pub(super) fn joined(parts: &[&LevelDocument], frame: Frame) -> Option<LevelDocument> {
    let label = parts.first()?.label.clone();
    let Frame { window, crowd, histograms } = frame;
    let Crowd { peak, steady, series, points } = crowd;
    let over_time = |value: &dyn Fn(&LevelDocument) -> Option<f64>| over(parts, window.measured_s, value);
    let counts = Counts {
        offered: parts.iter().map(|part| part.offered).sum(),
        succeeded: parts.iter().map(|part| part.succeeded).sum(),
        failures: failures(parts),
    };
    let goodput = goodput(parts, window.measured_s);
    let workloads = workloads(parts, &window, !histograms.is_empty());
    Some(LevelDocument {
        label,
        values: values(parts, window.measured_s, &counts, goodput.as_ref()),
        concurrency: ConcurrencyDocument { mean: over_time(&|part| part.concurrency.mean), peak },
        window,
        offered: counts.offered,
        succeeded: counts.succeeded,
        failures: counts.failures,
        metrics: metrics(parts),
        steady,
        goodput,
        tokens: tokens(parts),
        reconnects: parts.iter().map(|part| part.reconnects).sum(),
        histograms,
        series,
        points,
        // Every shard's server is the same one, so their views do not add up.
        observed: None,
        parts: workloads,
    })
}

struct Counts {
    offered: u64,
    succeeded: u64,
    failures: BTreeMap<String, u64>,
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

/// One distribution over all parts. Mean and sd are exact (Chan et al. 1979), percentiles the merged histogram's.
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
    let end = |pick: fn(&MetricDocument) -> Option<f64>, worse: fn(f64, f64) -> f64| {
        all.iter().map(|part| pick(part)).collect::<Option<Vec<f64>>>()?.into_iter().reduce(worse)
    };
    let more: BTreeSet<&String> = all.iter().flat_map(|part| part.more.keys()).collect();
    Some(MetricDocument {
        unit: all.first()?.unit.clone(),
        n: Some(n as u64),
        mean: Some(six(mean)),
        sd: (n > 1.0).then(|| six((squares / (n - 1.0)).sqrt())),
        min: end(|part| part.min, f64::min),
        max: end(|part| part.max, f64::max),
        p50: Some(quantile(0.50)),
        p90: Some(quantile(0.90)),
        p95: Some(quantile(0.95)),
        p99: Some(quantile(0.99)),
        more: more
            .into_iter()
            .filter_map(|id| Some((id.clone(), quantile(id.strip_prefix('p')?.parse::<f64>().ok()? / 100.0))))
            .collect(),
        thin: thin(n as u64),
    })
}

/// None where nothing was offered, or where a part that offered something has none.
fn goodput(parts: &[&LevelDocument], seconds: f64) -> Option<GoodputDocument> {
    let busy = parts.iter().filter(|part| part.offered > 0);
    let all: Vec<&GoodputDocument> = busy.map(|part| part.goodput.as_ref()).collect::<Option<_>>()?;
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
        rate: over(parts, seconds, &|part| part.goodput.as_ref().map(|goodput| goodput.rate))?,
        token_rate: over(parts, seconds, &|part| part.goodput.as_ref().map(|goodput| goodput.token_rate))?,
        objectives: objectives.collect(),
    })
}

/// Rates are counts over a window, so their counts add up; shares come from the added counts.
fn values(
    parts: &[&LevelDocument],
    seconds: f64,
    counts: &Counts,
    goodput: Option<&GoodputDocument>,
) -> BTreeMap<String, f64> {
    let ids: BTreeSet<&String> = parts.iter().flat_map(|part| part.values.keys()).collect();
    let value = |id: &str| -> Option<f64> {
        match Metric::ALL.into_iter().find(|metric| metric.id() == id)? {
            Metric::SuccessRate => Some(share(counts.succeeded, counts.offered)),
            Metric::ErrorRate => Some(share(counts.offered.saturating_sub(counts.succeeded), counts.offered)),
            Metric::Goodput => Some(goodput?.ratio),
            metric if matches!(metric.unit(), Unit::RequestsPerSecond | Unit::TokensPerSecond) => {
                over(parts, seconds, &|part| part.values.get(id).copied())
            }
            _ => None,
        }
    };
    ids.into_iter().filter_map(|id| Some((id.clone(), value(id)?))).collect()
}

/// Rates of the parts times their time, over all of the time; none when a part that offered anything has no value, or
/// when no time was measured.
fn over(
    parts: &[&LevelDocument],
    seconds: f64,
    value: &dyn Fn(&LevelDocument) -> Option<f64>,
) -> Option<f64> {
    let mut sum = 0.0;
    for part in parts {
        sum += value(part).or((part.offered == 0).then_some(0.0))? * part.window.measured_s;
    }
    (seconds > 0.0).then(|| six(sum / seconds))
}

fn tokens(parts: &[&LevelDocument]) -> TokensDocument {
    let sum = |count: fn(&TokensDocument) -> u64| parts.iter().map(|part| count(&part.tokens)).sum();
    // A part without a success has counted nothing, so its source says nothing.
    let mut sources: Vec<&str> =
        parts.iter().filter(|part| part.succeeded > 0).map(|part| part.tokens.source.as_str()).collect();
    sources.dedup();
    TokensDocument {
        prompt_asked: sum(|tokens| tokens.prompt_asked),
        prompt: sum(|tokens| tokens.prompt),
        cached: sum(|tokens| tokens.cached),
        output_asked: sum(|tokens| tokens.output_asked),
        output: sum(|tokens| tokens.output),
        chunks: sum(|tokens| tokens.chunks),
        source: match sources.as_slice() {
            [] => "chunks".to_owned(),
            [source] => (*source).to_owned(),
            _ => "mixed".to_owned(),
        },
        itl_is_icl: parts.iter().any(|part| part.tokens.itl_is_icl),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::sample;

    #[test]
    fn workloads_of_a_mix_are_pooled_by_name() {
        let part = sample::summary(0.0);
        let named = |name: &str| (name.to_owned(), part.clone());
        let whole = Summary { parts: vec![named("chat"), named("rag")], ..part.clone() };
        let level = LevelDocument::new("rate=8", &whole, &[]);
        let turned = LevelDocument { parts: level.parts.iter().rev().cloned().collect(), ..level.clone() };
        let rounds = in_turn(&[&level, &turned]).unwrap();
        let found: Vec<(&str, u64)> =
            rounds.parts.iter().map(|part| (part.label.as_str(), part.offered)).collect();
        assert_eq!(found, [("chat", 2 * part.offered), ("rag", 2 * part.offered)]);
        assert!(rounds.parts.iter().all(|part| part.histograms.is_empty()));
        let frame = |histograms| Frame { window: level.window.clone(), crowd: Crowd::default(), histograms };
        let both = [&level, &level];
        let shards = joined(&both, frame(histograms(&both))).unwrap();
        assert_eq!(shards.parts[1].histograms, histograms(&[&level.parts[1], &level.parts[1]]));
        assert!(!shards.parts[1].histograms.is_empty());
        assert_eq!(in_turn(&[&level]).unwrap().parts[0].histograms, BTreeMap::new());
    }
}
