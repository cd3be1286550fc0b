//! Samples of one metric, kept raw, so that percentiles are exact order statistics.

use hdrhistogram::Histogram;

/// Weighted samples of one metric in its unit. Invariant: finite, sorted, not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    values: Vec<f64>,
    /// Same length as `values`; none means that every sample weighs one.
    weights: Option<Vec<u32>>,
}

impl Distribution {
    /// Sorts the samples; none when there are none or one is not finite.
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self {
            values,
            weights: None,
        })
    }

    /// Number of samples, each counted with its weight.
    pub fn len(&self) -> u64 {
        self.weighted().map(|(_, weight)| weight).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn mean(&self) -> f64 {
        self.weighted()
            .map(|(value, weight)| value * weight as f64)
            .sum::<f64>()
            / self.len() as f64
    }

    /// Sample standard deviation; 0 for one sample.
    pub fn sd(&self) -> f64 {
        let (mean, n) = (self.mean(), self.len());
        let squares: f64 = self
            .weighted()
            .map(|(value, weight)| (value - mean).powi(2) * weight as f64)
            .sum();
        if n < 2 {
            0.0
        } else {
            (squares / (n - 1) as f64).sqrt()
        }
    }

    pub fn min(&self) -> f64 {
        self.values.first().copied().unwrap_or_default()
    }

    pub fn max(&self) -> f64 {
        self.values.last().copied().unwrap_or_default()
    }

    /// Linear interpolation of order statistics, type 7 (Hyndman and Fan 1996).
    pub fn quantile(&self, q: f64) -> f64 {
        let at = q.clamp(0.0, 1.0) * (self.values.len() - 1) as f64;
        let (low, high) = (at.floor() as usize, at.ceil() as usize);
        self.values[low] + (self.values[high] - self.values[low]) * at.fract()
    }

    #[expect(clippy::expect_used, reason = "three digits are within hdrhistogram's 0..=5")]
    /// The samples in microseconds, mergeable, to three significant digits.
    pub fn histogram(&self) -> Histogram<u64> {
        let mut histogram = Histogram::new_with_bounds(1, 86_400_000_000, 3)
            .expect("three digits are within the crate's range");
        for (value, weight) in self.weighted() {
            // Saturating: a value beyond the crate's range counts in the highest bucket.
            histogram.saturating_record_n((value * 1e3).round() as u64, weight);
        }
        histogram
    }

    fn weighted(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.values.iter().enumerate().map(|(at, value)| {
            let weight = self.weights.as_ref().map_or(1, |weights| u64::from(weights[at]));
            (*value, weight)
        })
    }

    pub fn weights(&self) -> Option<&[u32]> {
        self.weights.as_deref()
    }
}
