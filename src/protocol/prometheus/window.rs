//! Readings at both ends of a window, and its gauges in between, to what the server says about the window.

use std::collections::BTreeMap;

use super::reading::{Count, Gauges, Reading, Span};
use crate::record::{Buckets, Course, EngineWindow};

/// One server's readings: only what its window needs is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    first: Reading,
    last: Reading,
    restarted: bool,
}

/// The gauges of all servers together at one moment, in seconds since the window's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaugeSample {
    pub at: f64,
    pub gauges: Gauges,
}

/// Clocks of servers are read twice a window, to the hundredth of a second.
const START_MOVED: f64 = 0.5;

impl Track {
    pub fn new(first: Reading) -> Self {
        Self { last: first.clone(), first, restarted: false }
    }

    /// The next reading, in order of time.
    pub fn take(&mut self, reading: Reading) {
        let fell = |before: &Reading, after: &Reading| {
            before.counts.iter().any(|(count, value)| after.counts.get(count).is_none_or(|now| now < value))
        };
        let moved = self.last.started.zip(reading.started).is_some_and(|(a, b)| b - a > START_MOVED);
        self.restarted |= fell(&self.last, &reading) || moved;
        self.last = reading;
    }

    pub fn last(&self) -> &Reading {
        &self.last
    }
}

impl Gauges {
    /// Several servers as one: requests are added up, the use of their caches is averaged.
    pub fn together(all: &[Self]) -> Self {
        let values = |of: fn(&Self) -> Option<f64>| all.iter().filter_map(of).collect::<Vec<f64>>();
        let sum = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>());
        let caches = values(|gauges| gauges.kv_usage);
        let servers = caches.len() as f64;
        Self {
            running: sum(values(|gauges| gauges.running)),
            waiting: sum(values(|gauges| gauges.waiting)),
            kv_usage: sum(caches).map(|total| total / servers),
        }
    }
}

/// What all servers say about a window of so many seconds; none without a server. Where one of them started anew there are no
/// differences: without its own they would be nobody's total.
pub fn window(tracks: &[Track], samples: &[GaugeSample], seconds: f64) -> Option<EngineWindow> {
    let family = tracks.first()?.first.family.to_owned();
    let restarted = tracks.iter().any(|track| track.restarted);
    let steady = if restarted { &[] } else { tracks };
    let mut counts: BTreeMap<Count, f64> = BTreeMap::new();
    let mut spans: BTreeMap<Span, Buckets> = BTreeMap::new();
    for Track { first, last, restarted: _ } in steady {
        for (count, now) in &last.counts {
            let before = first.counts.get(count).copied().unwrap_or(0.0);
            *counts.entry(*count).or_default() += now - before;
        }
        for (span, now) in &last.spans {
            let passed = since(now, first.spans.get(span));
            spans.entry(*span).and_modify(|all| add(all, &passed)).or_insert(passed);
        }
    }
    // What only some of the servers count is nobody's total.
    let everywhere = |count: Count| steady.iter().all(|track| track.last.counts.contains_key(&count));
    let count = |count: Count| counts.get(&count).copied().filter(|_| everywhere(count));
    let timed = |span: Span| steady.iter().all(|track| track.last.spans.contains_key(&span));
    let mut span = |span: Span| spans.remove(&span).filter(|_| timed(span));
    let course = |of: fn(&Gauges) -> Option<f64>| course(samples, of, seconds);
    Some(EngineWindow {
        family,
        samples: samples.len() as u64,
        requests: count(Count::Requests),
        failed: count(Count::Failed),
        prompt_tokens: count(Count::PromptTokens),
        output_tokens: count(Count::OutputTokens),
        cached_tokens: count(Count::CachedTokens),
        cache_queries: count(Count::CacheQueries),
        preemptions: count(Count::Preemptions),
        running: course(|gauges| gauges.running),
        waiting: course(|gauges| gauges.waiting),
        kv_usage: course(|gauges| gauges.kv_usage),
        ttft: span(Span::Ttft),
        itl: span(Span::Itl),
        tpot: span(Span::Tpot),
        e2e: span(Span::E2e),
        queue: span(Span::Queue),
        prefill: span(Span::Prefill),
        decode: span(Span::Decode),
        restarted,
    })
}

/// What came since an earlier reading; a series that appears with its first value was at zero before.
fn since(now: &Buckets, before: Option<&Buckets>) -> Buckets {
    let Some(before) = before else { return now.clone() };
    let mut passed = Buckets { sum: now.sum - before.sum, count: now.count - before.count, ..now.clone() };
    combine(&mut passed, before, |now, before| now - before);
    passed
}

fn add(all: &mut Buckets, other: &Buckets) {
    all.sum += other.sum;
    all.count += other.count;
    combine(all, other, |a, b| a + b);
}

/// Bucket by bucket; with other bounds no bucket remains.
fn combine(to: &mut Buckets, other: &Buckets, how: fn(f64, f64) -> f64) {
    let pairs = to.cumulative.iter().zip(&other.cumulative);
    let alike = to.cumulative.len() == other.cumulative.len()
        && pairs.into_iter().all(|((a, _), (b, _))| a.total_cmp(b).is_eq());
    if !alike {
        to.cumulative.clear();
    }
    for ((_, below), (_, others)) in to.cumulative.iter_mut().zip(&other.cumulative) {
        *below = how(*below, *others);
    }
}

/// A gauge over the window: each sample stands for the time that is nearest to it.
fn course(samples: &[GaugeSample], of: fn(&Gauges) -> Option<f64>, seconds: f64) -> Option<Course> {
    let seen: Vec<(f64, f64)> =
        samples.iter().filter_map(|sample| Some((sample.at, of(&sample.gauges)?))).collect();
    let values = || seen.iter().map(|(_, value)| *value);
    let (min, max) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    let middles = seen.windows(2).map(|pair| f64::midpoint(pair[0].0, pair[1].0));
    let edges: Vec<f64> = [0.0].into_iter().chain(middles).chain([seconds]).collect();
    let spans = edges.windows(2).map(|edge| (edge[1] - edge[0]).max(0.0));
    let (mut weighted, mut whole) = (0.0, 0.0);
    for (value, span) in values().zip(spans) {
        weighted += value * span;
        whole += span;
    }
    let mean = if whole > 0.0 { weighted / whole } else { values().sum::<f64>() / seen.len() as f64 };
    Some(Course { mean: mean.clamp(min, max), min, max })
}
