//! What one page says in our quantities.

use std::collections::BTreeMap;

use super::alias::{Family, Term, Timing};
use super::families::FAMILIES;
use super::page::{Page, Series};
use crate::record::Buckets;

/// What a server counts up since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// Requests that ended well.
    Requests,
    /// Requests that did not, those left by their client included where the engine counts them.
    Failed,
    PromptTokens,
    OutputTokens,
    /// Prompt tokens found in the prefix cache, and those looked up.
    CachedTokens,
    CacheQueries,
    Preemptions,
}

/// A latency that a server times itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    Ttft,
    Itl,
    Tpot,
    E2e,
    Queue,
    Prefill,
    Decode,
}

/// What is inside a server at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gauges {
    /// Requests.
    pub running: Option<f64>,
    pub waiting: Option<f64>,
    /// Share of the KV cache in use, in `0..=1`; the mean of several engines or servers.
    pub kv_usage: Option<f64>,
}

/// One page in our quantities. What a server does not export is absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Whose names the page has, for example `vllm`.
    pub family: &'static str,
    pub counts: BTreeMap<Count, f64>,
    pub spans: BTreeMap<Span, Buckets>,
    pub gauges: Gauges,
    /// `process_start_time_seconds`: since 1970, of the youngest process on the page.
    pub started: Option<f64>,
}

/// Labels by which engines name the model of a series.
const MODEL_LABELS: [&str; 3] = ["model_name", "requested_model", "model"];

/// Reads a page of a family that is known; none where no name on it is. Where any series names `model`, those that name
/// another one are left out; where none does, the server knows it by another name and all count.
pub fn reading(page: &Page<'_>, model: Option<&str>) -> Option<Reading> {
    let family = family(page)?;
    let of_model = |series: &Series<'_>, model: &str| model_of(series).is_none_or(|name| name == model);
    let model = model.filter(|model| page.series.iter().any(|series| model_of(series) == Some(model)));
    let chosen = |series: &Series<'_>| model.is_none_or(|model| of_model(series, model));
    let sum = |terms: &[Term]| sum(page, terms, &chosen);
    let counts = family.counts.iter().filter_map(|(count, terms)| Some((*count, sum(terms)?))).collect();
    let spans = family
        .spans
        .iter()
        .filter_map(|(span, timing)| Some((*span, time(page, timing, &chosen)?)))
        .collect();
    let gauges = Gauges {
        running: sum(family.running),
        waiting: sum(family.waiting),
        kv_usage: family.kv_usage.iter().find_map(|term| mean(&values(page, term, &chosen))),
    };
    let starts = page.named("process_start_time_seconds").map(|series| series.value);
    let started = starts.filter(|start| start.is_finite()).reduce(f64::max);
    Some(Reading { family: family.id, counts, spans, gauges, started })
}

fn family(page: &Page<'_>) -> Option<&'static Family> {
    let shows = |family: &Family| {
        let begins =
            |series: &Series<'_>| family.prefixes.iter().any(|prefix| series.name.starts_with(prefix));
        page.series.iter().any(begins)
    };
    FAMILIES.into_iter().find(|family| shows(family))
}

fn model_of<'s>(series: &'s Series<'_>) -> Option<&'s str> {
    MODEL_LABELS.iter().find_map(|label| series.label(label))
}

/// All terms that the page has, added up; none where it has no value of any.
fn sum(page: &Page<'_>, terms: &[Term], chosen: &dyn Fn(&Series<'_>) -> bool) -> Option<f64> {
    let parts: Vec<f64> = terms.iter().flat_map(|term| values(page, term, chosen)).collect();
    (!parts.is_empty()).then(|| parts.iter().sum())
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The term's values, one for each combination of the labels that it leaves open.
fn values(page: &Page<'_>, term: &Term, chosen: &dyn Fn(&Series<'_>) -> bool) -> Vec<f64> {
    let Term { names, only, except, scale } = term;
    let among = |series: &Series<'_>, (label, values): (&str, &[&str])| {
        series.label(label).is_some_and(|value| values.contains(&value))
    };
    let wanted = |series: &&Series<'_>| {
        chosen(series)
            && series.value.is_finite()
            && only.is_none_or(|only| among(series, only))
            && !except.is_some_and(|except| among(series, except))
    };
    let name = names.iter().find(|name| page.named(name).next().is_some());
    name.map(|name| page.named(name).filter(wanted).map(|series| series.value * scale).collect())
        .unwrap_or_default()
}

fn time(page: &Page<'_>, timing: &Timing, chosen: &dyn Fn(&Series<'_>) -> bool) -> Option<Buckets> {
    match timing {
        Timing::Histogram { names, scale } => {
            names.iter().find_map(|name| histogram(page, name, *scale, chosen))
        }
        Timing::Totals { time, count } => Some(Buckets {
            cumulative: Vec::new(),
            sum: sum(page, &[*time], chosen)?,
            count: sum(page, &[*count], chosen)?,
        }),
    }
}

/// The histogram of a name, all its labels but `le` added up. Where they have different bounds only sum and count remain.
fn histogram(
    page: &Page<'_>,
    name: &str,
    scale: f64,
    chosen: &dyn Fn(&Series<'_>) -> bool,
) -> Option<Buckets> {
    let suffixed = |suffix: &str| {
        let suffix = suffix.to_owned();
        page.series
            .iter()
            .filter(move |series| series.name.strip_prefix(name) == Some(suffix.as_str()))
            .filter(|series| chosen(series) && series.value.is_finite())
    };
    let mut bounds: Vec<(f64, f64, u32)> = Vec::new();
    for series in suffixed("_bucket") {
        let Some(bound) = series.label("le").and_then(|le| le.parse::<f64>().ok()).filter(|le| !le.is_nan())
        else {
            continue;
        };
        if let Some((_, below, parts)) = bounds.iter_mut().find(|(at, ..)| at.total_cmp(&bound).is_eq()) {
            *below += series.value;
            *parts += 1;
        } else if bounds.len() < BUCKETS_MAX {
            bounds.push((bound, series.value, 1));
        }
    }
    bounds.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
    let alike = bounds.windows(2).all(|pair| pair[0].2 == pair[1].2);
    let ends = bounds.last().is_some_and(|(bound, ..)| *bound == f64::INFINITY);
    let counts: Vec<f64> = suffixed("_count").map(|series| series.value).collect();
    let sums: Vec<f64> = suffixed("_sum").map(|series| series.value).collect();
    let counted = (!counts.is_empty()).then(|| counts.iter().sum());
    let count = counted.or_else(|| bounds.last().filter(|_| alike && ends).map(|(_, all, _)| *all))?;
    let cumulative = if alike && ends {
        bounds.into_iter().map(|(bound, below, _)| (bound * scale, below)).collect()
    } else {
        Vec::new()
    };
    Some(Buckets { cumulative, sum: sums.iter().sum::<f64>() * scale, count })
}

/// More bounds than any histogram that a server would export.
const BUCKETS_MAX: usize = 1_000;
