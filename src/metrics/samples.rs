//! Samples of one metric as they come in, kept as they are while they are few.

use super::Distribution;
use super::binned::Binned;
use super::distribution::Raw;

/// Samples that are kept as they are. With as many, chance moves a median by more than a third of a percent and a p99 by
/// more than half a percent of a spread of exponential kind, several times the width of a histogram's bin; they take 0.8 MB,
/// a histogram 0.2 MB.
pub(super) const KEPT_MAX: usize = 100_000;

/// Samples in a metric's unit, each standing for `weight` equal ones. Invariant: finite, every weight at least one, and
/// at most `keep` of them as they are; with more, all are in the histogram.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    keep: usize,
    values: Vec<f64>,
    /// As long as `values`; empty while every sample weighs one.
    weights: Vec<u32>,
    binned: Option<Box<Binned>>,
}

impl Default for Samples {
    fn default() -> Self {
        Self::keeping(KEPT_MAX)
    }
}

impl Samples {
    pub(super) fn keeping(keep: usize) -> Self {
        Self { keep, values: Vec::new(), weights: Vec::new(), binned: None }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.add_weighted(value, 1);
    }

    /// Samples of weight zero are left out; one that is not finite would be a bug of ours, and is, too.
    pub(super) fn add_weighted(&mut self, value: f64, weight: u32) {
        if weight == 0 || !value.is_finite() {
            return;
        }
        if let Some(binned) = &mut self.binned {
            return binned.add(value, weight);
        }
        if weight != 1 && self.weights.is_empty() {
            self.weights = vec![1; self.values.len()];
        }
        self.values.push(value);
        if weight != 1 || !self.weights.is_empty() {
            self.weights.push(weight);
        }
        if self.values.len() > self.keep {
            let Self { values, weights, .. } = std::mem::replace(self, Self::keeping(self.keep));
            self.binned = Some(Box::new(Binned::new(&values, &weights)));
        }
    }

    /// None without samples.
    pub(super) fn finish(self) -> Option<Distribution> {
        let Self { values, weights, binned, .. } = self;
        match binned {
            Some(binned) => Some(Distribution::binned(binned)),
            None => Raw::new(values, weights).map(Distribution::raw),
        }
    }

    /// How many numbers are held.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.values.len()
    }
}
