//! Many samples in little memory: a mergeable histogram, with what must stay exact beside it.

use hdrhistogram::Histogram;

/// The longest latency that a histogram tells apart: an hour, in microseconds.
const MAX_US: u64 = 3_600_000_000;

/// Least and greatest microseconds that a histogram tells apart, and its significant digits.
pub const HISTOGRAM_BOUNDS: (u64, u64, u8) = (1, MAX_US, 3);

/// A histogram of 3 significant digits in thousandths of the metric's unit, and exact number, extremes, mean and deviation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Binned {
    histogram: Histogram<u64>,
    pub(super) min: f64,
    pub(super) max: f64,
    sums: Sums,
}

/// Sums of weights, of deviations from `origin` and of their squares. An origin amid the samples keeps the digits that
/// sums of plain squares would lose (Chan et al. 1983).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Sums {
    origin: f64,
    count: u64,
    first: f64,
    second: f64,
}

impl Binned {
    /// The given samples, which are not empty; no weights mean that each weighs one.
    pub(super) fn new(values: &[f64], weights: &[u32]) -> Self {
        let origin = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let mut binned = Self {
            histogram: empty(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sums: Sums { origin, ..Sums::default() },
        };
        for (at, value) in values.iter().enumerate() {
            binned.add(*value, weights.get(at).copied().unwrap_or(1));
        }
        binned
    }

    pub(super) fn add(&mut self, value: f64, weight: u32) {
        record(&mut self.histogram, value, weight);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let (off, weight) = (value - self.sums.origin, f64::from(weight));
        self.sums.count += weight as u64;
        self.sums.first += weight * off;
        self.sums.second += weight * off * off;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        #[expect(clippy::expect_used, reason = "both have the same bounds")]
        self.histogram.add(&other.histogram).expect("a histogram of the same shape");
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        let Sums { origin, count, first, second } = other.sums;
        let (by, n) = (origin - self.sums.origin, count as f64);
        self.sums.count += count;
        self.sums.first += first + n * by;
        self.sums.second += second + 2.0 * by * first + n * by * by;
    }

    pub(super) fn len(&self) -> u64 {
        self.sums.count
    }

    pub(super) fn mean(&self) -> f64 {
        self.sums.origin + self.sums.first / self.sums.count as f64
    }

    /// Standard deviation with n − 1; none for a single sample.
    pub(super) fn sd(&self) -> Option<f64> {
        let Sums { count, first, second, .. } = self.sums;
        let squares = second - first * first / count as f64;
        (count > 1).then(|| (squares.max(0.0) / (count - 1) as f64).sqrt())
    }

    /// Order statistic number `rank`, from 0, as the middle of its bin.
    pub(super) fn at_rank(&self, rank: u64) -> f64 {
        // Half a rank keeps rounding from ending beside it.
        let micros = self.histogram.value_at_quantile((rank as f64 + 0.5) / self.len() as f64);
        (self.histogram.median_equivalent(micros) as f64 / 1e3).clamp(self.min, self.max)
    }

    /// Share of the samples that are smaller than `bound`, to the bin.
    pub(super) fn share_below(&self, bound: f64) -> f64 {
        let micros = (bound * 1e3).ceil().max(0.0) as u64;
        let below = micros.checked_sub(1).map_or(0, |last| self.histogram.count_between(0, last));
        below as f64 / self.len() as f64
    }

    pub(super) fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}

/// Bounds from the start: a histogram that resizes itself saturates at its first, tiny size.
#[expect(clippy::expect_used, reason = "1 < an hour, and three significant digits are within 0..=5")]
pub(super) fn empty() -> Histogram<u64> {
    let (low, high, digits) = HISTOGRAM_BOUNDS;
    Histogram::new_with_bounds(low, high, digits).expect("valid bounds")
}

/// In whole thousandths of the unit; an hour in milliseconds and more is an hour.
pub(super) fn record(histogram: &mut Histogram<u64>, value: f64, weight: u32) {
    let micros = ((value * 1e3).round().max(0.0) as u64).min(MAX_US);
    histogram.saturating_record_n(micros, u64::from(weight));
}
