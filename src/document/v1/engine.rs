//! What the server's own metrics said of a level.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CourseDocument;
use super::number::six;
use crate::record::{Buckets, Course, EngineWindow};

/// Differences of the server's counters over the window, and courses of its gauges. What it does not export is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EngineDocument {
    /// Whose names its metrics have, for example `vllm`.
    pub family: String,
    /// Readings of the gauges.
    pub samples: u64,
    /// A counter fell or the process is a younger one: there are no differences.
    pub restarted: bool,
    /// Requests that ended well, and that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<f64>,
    /// Prompt tokens found in the prefix cache, and those looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_queries: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<f64>,
    /// Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<CourseDocument>,
    /// Share of the KV cache in use, in 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_usage: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft: Option<BucketsDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub itl: Option<BucketsDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpot: Option<BucketsDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e2e: Option<BucketsDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<BucketsDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill: Option<BucketsDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decode: Option<BucketsDocument>,
}

/// A latency that the server timed itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BucketsDocument {
    pub count: f64,
    pub sum_s: f64,
    /// Upper bounds of its buckets; the last bucket has none. Empty where only sum and count are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds_s: Vec<f64>,
    /// Values at or below each bound, and then all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cumulative: Vec<f64>,
}

impl EngineDocument {
    /// Several rounds as one, each with the seconds it measured.
    pub(super) fn in_turn(rounds: &[(&Self, f64)]) -> Option<Self> {
        let sum =
            |of: fn(&Self) -> Option<f64>| rounds.iter().map(|(round, _)| of(round)).sum::<Option<f64>>();
        let course = |of: fn(&Self) -> Option<&CourseDocument>| {
            let parts: Option<Vec<_>> =
                rounds.iter().map(|(round, seconds)| Some((of(round)?, *seconds))).collect();
            CourseDocument::in_turn(&parts?)
        };
        let buckets = |of: fn(&Self) -> Option<&BucketsDocument>| {
            let parts: Option<Vec<_>> = rounds.iter().map(|(round, _)| of(round)).collect();
            BucketsDocument::together(&parts?)
        };
        Some(Self {
            family: rounds.first()?.0.family.clone(),
            samples: rounds.iter().map(|(round, _)| round.samples).sum(),
            restarted: rounds.iter().any(|(round, _)| round.restarted),
            requests: sum(|round| round.requests),
            failed: sum(|round| round.failed),
            prompt_tokens: sum(|round| round.prompt_tokens),
            output_tokens: sum(|round| round.output_tokens),
            cached_tokens: sum(|round| round.cached_tokens),
            cache_queries: sum(|round| round.cache_queries),
            preemptions: sum(|round| round.preemptions),
            running: course(|round| round.running.as_ref()),
            waiting: course(|round| round.waiting.as_ref()),
            kv_usage: course(|round| round.kv_usage.as_ref()),
            ttft: buckets(|round| round.ttft.as_ref()),
            itl: buckets(|round| round.itl.as_ref()),
            tpot: buckets(|round| round.tpot.as_ref()),
            e2e: buckets(|round| round.e2e.as_ref()),
            queue: buckets(|round| round.queue.as_ref()),
            prefill: buckets(|round| round.prefill.as_ref()),
            decode: buckets(|round| round.decode.as_ref()),
        })
    }
}

impl CourseDocument {
    fn in_turn(rounds: &[(&Self, f64)]) -> Option<Self> {
        let seconds: f64 = rounds.iter().map(|(_, seconds)| seconds).sum();
        let over_time: f64 = rounds.iter().map(|(course, seconds)| course.mean * seconds).sum();
        let min = rounds.iter().map(|(course, _)| course.min).reduce(f64::min)?;
        let max = rounds.iter().map(|(course, _)| course.max).reduce(f64::max)?;
        (seconds > 0.0).then(|| Self { mean: six(over_time / seconds), min, max })
    }
}

impl BucketsDocument {
    /// Seconds; none without a value.
    pub fn mean_s(&self) -> Option<f64> {
        (self.count > 0.0).then(|| self.sum_s / self.count)
    }

    /// All parts added up. Where they have different bounds no buckets remain.
    fn together(parts: &[&Self]) -> Option<Self> {
        let first = parts.first()?;
        let alike = parts.iter().all(|part| part.bounds_s == first.bounds_s);
        let column = |at: usize| parts.iter().filter_map(|part| part.cumulative.get(at)).sum();
        let (bounds_s, cumulative) = if alike {
            (first.bounds_s.clone(), (0..first.cumulative.len()).map(column).collect())
        } else {
            (Vec::new(), Vec::new())
        };
        Some(Self {
            count: parts.iter().map(|part| part.count).sum(),
            sum_s: six(parts.iter().map(|part| part.sum_s).sum()),
            bounds_s,
            cumulative,
        })
    }
}

impl From<&EngineWindow> for EngineDocument {
    fn from(window: &EngineWindow) -> Self {
        let EngineWindow {
            family,
            samples,
            requests,
            failed,
            prompt_tokens,
            output_tokens,
            cached_tokens,
            cache_queries,
            preemptions,
            running,
            waiting,
            kv_usage,
            ttft,
            itl,
            tpot,
            e2e,
            queue,
            prefill,
            decode,
            restarted,
        } = window;
        let buckets = |buckets: &Option<Buckets>| buckets.as_ref().map(BucketsDocument::from);
        let course = |course: &Option<Course>| course.as_ref().map(CourseDocument::from);
        Self {
            family: family.clone(),
            samples: *samples,
            restarted: *restarted,
            requests: *requests,
            failed: *failed,
            prompt_tokens: *prompt_tokens,
            output_tokens: *output_tokens,
            cached_tokens: *cached_tokens,
            cache_queries: *cache_queries,
            preemptions: *preemptions,
            running: course(running),
            waiting: course(waiting),
            kv_usage: course(kv_usage),
            ttft: buckets(ttft),
            itl: buckets(itl),
            tpot: buckets(tpot),
            e2e: buckets(e2e),
            queue: buckets(queue),
            prefill: buckets(prefill),
            decode: buckets(decode),
        }
    }
}

impl From<&Buckets> for BucketsDocument {
    fn from(buckets: &Buckets) -> Self {
        let Buckets { cumulative, sum, count } = buckets;
        Self {
            count: *count,
            sum_s: six(*sum),
            bounds_s: cumulative.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite()).collect(),
            cumulative: cumulative.iter().map(|(_, below)| *below).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(requests: f64, ttft: &[(f64, f64)]) -> EngineWindow {
        EngineWindow {
            family: "vllm".to_owned(),
            samples: 3,
            requests: Some(requests),
            running: Some(Course { mean: requests, min: 0.0, max: 2.0 * requests }),
            ttft: Some(Buckets { cumulative: ttft.to_vec(), sum: requests / 10.0, count: requests }),
            ..EngineWindow::default()
        }
    }

    #[test]
    fn rounds_are_added_up_and_gauges_weighted_by_their_time() {
        let one = EngineDocument::from(&window(4.0, &[(0.1, 3.0), (f64::INFINITY, 4.0)]));
        let two = EngineDocument::from(&window(8.0, &[(0.1, 8.0), (f64::INFINITY, 8.0)]));
        let engine = EngineDocument::in_turn(&[(&one, 1.0), (&two, 3.0)]).unwrap();
        assert_eq!((engine.samples, engine.requests, engine.failed), (6, Some(12.0), None));
        assert_eq!(engine.running, Some(CourseDocument { mean: 7.0, min: 0.0, max: 16.0 }));
        let ttft = engine.ttft.unwrap();
        assert_eq!(
            (ttft.bounds_s.as_slice(), ttft.cumulative.as_slice()),
            ([0.1].as_slice(), [11.0, 12.0].as_slice())
        );
        assert_eq!(ttft.mean_s().map(|mean| (mean * 1e3).round()), Some(100.0));
    }

    #[test]
    fn what_one_round_does_not_know_nobody_knows() {
        let one = EngineDocument::from(&window(4.0, &[(0.1, 3.0), (f64::INFINITY, 4.0)]));
        let other = EngineDocument::from(&window(4.0, &[(0.2, 3.0), (f64::INFINITY, 4.0)]));
        let engine = EngineDocument::in_turn(&[(&one, 1.0), (&other, 1.0)]).unwrap();
        let ttft = engine.ttft.unwrap();
        assert_eq!((ttft.count, ttft.bounds_s.len(), ttft.cumulative.len()), (8.0, 0, 0));
    }
}
