//! The scale on which a metric is judged: differences of scores, where larger is worse.

use super::Effect;
use crate::config::Bound;
use crate::record::{Better, Metric, Unit};

/// Turns values into scores that may be subtracted, and differences back into changes.
/// Latencies and rates are judged by ratios (logarithms), shares by absolute differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    relative: bool,
    /// 1 when larger values are worse, −1 when smaller ones are.
    worse: f64,
}

impl Scale {
    /// The scale of a comparison: worse is what the catalogue says.
    pub(super) fn of(metric: Metric) -> Self {
        Self::new(metric, metric.better() == Better::Lower)
    }

    /// The scale of an objective: worse is beyond its bound.
    pub(super) fn beyond(metric: Metric, bound: Bound) -> Self {
        Self::new(metric, bound == Bound::AtMost)
    }

    fn new(metric: Metric, larger_is_worse: bool) -> Self {
        Self { relative: metric.unit() != Unit::Ratio, worse: if larger_is_worse { 1.0 } else { -1.0 } }
    }

    pub(super) fn is_absolute(self) -> bool {
        !self.relative
    }

    /// None when the value has no logarithm.
    pub(super) fn score(self, value: f64) -> Option<f64> {
        let plain = if self.relative { value.ln() } else { value };
        plain.is_finite().then_some(self.worse * plain)
    }

    /// The value that has this score.
    pub(super) fn value(self, score: f64) -> f64 {
        let plain = self.worse * score;
        if self.relative { plain.exp() } else { plain }
    }

    /// The difference of scores that a tolerance allows: ln(1 + t), for rates −ln(1 − t), for shares t.
    pub(super) fn allowance(self, tolerance: f64) -> f64 {
        if self.relative { self.worse * (1.0 + self.worse * tolerance).max(0.0).ln() } else { tolerance }
    }

    /// The change of the metric for a difference of scores, positive for a larger value.
    pub(super) fn change(self, difference: f64) -> f64 {
        let plain = self.worse * difference;
        if self.relative { plain.exp_m1() } else { plain }
    }

    /// A difference and its interval as people read them.
    pub(super) fn effect(self, difference: f64, (low, high): (f64, f64)) -> Effect {
        let (one, other) = (self.change(low), self.change(high));
        Effect {
            change: self.change(difference),
            low: one.min(other),
            high: one.max(other),
            absolute: self.is_absolute(),
        }
    }

    /// Smallest sd of scores that is believed, so that identical rounds never give an interval of no width:
    /// 0.2 %, or one request of the smallest round for shares.
    pub(super) fn sd_floor(self, requests: u64) -> f64 {
        if self.relative { 0.002 } else { 1.0 / requests.max(1) as f64 }
    }

    /// Session noise of a score near `score`, for a declared relative noise of latencies.
    ///
    /// A share of slow or failed requests moves with latency by its slope against log latency. For a logistic law of log
    /// latency with scale ¼ (an sd of 0.45, as in measured serving latencies) that slope is 4·x·(1 − x): a share of one half
    /// moves by one point per percent of latency, and a share near 0 or 1 hardly at all.
    pub(super) fn session_noise(self, declared: f64, score: f64) -> f64 {
        if self.relative {
            return declared;
        }
        let share = self.value(score).clamp(0.0, 1.0);
        declared * 4.0 * share * (1.0 - share)
    }
}
