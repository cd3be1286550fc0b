//! Samples of one metric, kept raw, so that percentiles are exact order statistics.

use hdrhistogram::Histogram;

/// Weighted samples of one metric in its unit. Invariant: finite, sorted, not empty, every weight at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    values: Vec<f64>,
    /// Same length as `values`; none means that every sample weighs one.
    weights: Option<Vec<u32>>,
    /// Running sums of the weights, for quantiles; none as above.
    ranks: Option<Vec<u64>>,
}

/// The longest latency that a histogram tells apart: an hour, in microseconds.
const HISTOGRAM_MAX_US: u64 = 3_600_000_000;

impl Distribution {
    /// Sorts the samples; none when there are none or one is not finite.
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self { values, weights: None, ranks: None })
    }

    /// Samples that each stand for `weight` equal ones. Those of weight zero are left out.
    pub fn weighted(mut samples: Vec<(f64, u32)>) -> Option<Self> {
        samples.retain(|(_, weight)| *weight > 0);
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (values, weights): (Vec<f64>, Vec<u32>) = samples.into_iter().unzip();
        let mut sum = 0;
        let ranks = weights
            .iter()
            .map(|weight| {
                sum += u64::from(*weight);
                sum
            })
            .collect();
        Some(Self { weights: Some(weights), ranks: Some(ranks), ..Self::new(values)? })
    }

    /// Number of samples; the sum of the weights where there are any.
    #[expect(clippy::len_without_is_empty, reason = "the invariant: never empty")]
    pub fn len(&self) -> u64 {
        match &self.ranks {
            Some(ranks) => ranks.last().copied().unwrap_or_default(),
            None => self.values.len() as u64,
        }
    }

    /// The samples, sorted.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The weight of each of `values`; none when all weigh one.
    pub fn weights(&self) -> Option<&[u32]> {
        self.weights.as_deref()
    }

    pub fn min(&self) -> f64 {
        self.values[0]
    }

    pub fn max(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    pub fn mean(&self) -> f64 {
        let sum: f64 = self.pairs().map(|(value, weight)| value * weight).sum();
        sum / self.len() as f64
    }

    /// Standard deviation with n − 1; none for a single sample.
    pub fn sd(&self) -> Option<f64> {
        let mean = self.mean();
        let squares: f64 = self.pairs().map(|(value, weight)| weight * (value - mean).powi(2)).sum();
        (self.len() > 1).then(|| (squares / (self.len() - 1) as f64).sqrt())
    }

    /// Linear interpolation of order statistics, type 7 (Hyndman and Fan 1996); `q` is clamped to `0..=1`.
    pub fn quantile(&self, q: f64) -> f64 {
        let position = (self.len() - 1) as f64 * q.clamp(0.0, 1.0);
        let below = position.floor();
        let (low, high) = (self.at_rank(below as u64), self.at_rank(position.ceil() as u64));
        low + (position - below) * (high - low)
    }

    /// Share of the samples that are smaller than `bound`.
    pub fn share_below(&self, bound: f64) -> f64 {
        let below = self.values.partition_point(|value| *value < bound);
        let count = match (&self.ranks, below) {
            (_, 0) => 0,
            (Some(ranks), below) => ranks[below - 1],
            (None, below) => below as u64,
        };
        count as f64 / self.len() as f64
    }

    /// The samples of both.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let both = || self.pairs().chain(other.pairs());
        let merged = if self.weights.is_none() && other.weights.is_none() {
            Self::new(both().map(|(value, _)| value).collect())
        } else {
            Self::weighted(both().map(|(value, weight)| (value, weight as u32)).collect())
        };
        #[expect(clippy::expect_used, reason = "both parts hold finite samples")]
        merged.expect("neither part is empty")
    }

    /// A mergeable histogram of millisecond samples in whole microseconds, 3 significant digits; an hour and more is an hour.
    pub fn histogram(&self) -> Histogram<u64> {
        // Bounds from the start: a histogram that resizes itself saturates at its first, tiny size.
        #[expect(clippy::expect_used, reason = "1 < an hour, and three significant digits are within 0..=5")]
        let mut histogram = Histogram::new_with_bounds(1, HISTOGRAM_MAX_US, 3).expect("valid bounds");
        for (value, weight) in self.pairs() {
            let micros = ((value * 1e3).round().max(0.0) as u64).min(HISTOGRAM_MAX_US);
            histogram.saturating_record_n(micros, weight as u64);
        }
        histogram
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        let weight = |at: usize| self.weights.as_ref().map_or(1.0, |weights| f64::from(weights[at]));
        self.values.iter().enumerate().map(move |(at, value)| (*value, weight(at)))
    }

    /// Order statistic number `rank`, from 0, of the sample with every weight written out.
    fn at_rank(&self, rank: u64) -> f64 {
        let at = match &self.ranks {
            Some(ranks) => ranks.partition_point(|through| *through <= rank),
            None => rank as usize,
        };
        self.values[at.min(self.values.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < 1e-12 * wanted.abs().max(1.0), "{got} {wanted}");
    }

    /// Wanted values: type 7 by its definition, as numpy's default `np.quantile(x, q)` and Python's
    /// `statistics.quantiles(x, n=100, method="inclusive")` compute it.
    #[test]
    fn quantiles_are_type_7() {
        let samples = Distribution::new(vec![9.0, 1.0, 4.0, 2.5, 7.0, 3.0, 12.0]).unwrap();
        for (q, wanted) in
            [(0.0, 1.0), (0.25, 2.75), (0.5, 4.0), (0.9, 10.2), (0.95, 11.1), (0.99, 11.82), (1.0, 12.0)]
        {
            close(samples.quantile(q), wanted);
        }
        close(samples.mean(), 5.5);
        close(samples.sd().unwrap(), 3.968_626_966_596_886);
        assert_eq!((samples.min(), samples.max(), samples.len()), (1.0, 12.0, 7));
    }

    #[test]
    fn single_empty_and_infinite_samples() {
        let one = Distribution::new(vec![3.0]).unwrap();
        assert_eq!((one.quantile(0.99), one.sd()), (3.0, None));
        assert_eq!(Distribution::new(vec![]), None);
        assert_eq!(Distribution::new(vec![1.0, f64::NAN]), None);
        assert_eq!(Distribution::weighted(vec![(1.0, 0)]), None);
    }

    #[test]
    fn a_share_below_a_bound_counts_weights() {
        let samples = Distribution::weighted(vec![(2.0, 1), (0.05, 3)]).unwrap();
        close(samples.share_below(0.1), 0.75);
        close(samples.share_below(0.01), 0.0);
        close(samples.share_below(9.0), 1.0);
    }

    #[test]
    fn a_histogram_holds_an_hour_at_most() {
        let histogram = Distribution::new(vec![0.0, 1e12]).unwrap().histogram();
        assert_eq!(histogram.len(), 2);
        assert!((HISTOGRAM_MAX_US..HISTOGRAM_MAX_US / 1_000 * 1_001).contains(&histogram.max()));
    }

    fn samples() -> impl Strategy<Value = Vec<(f64, u32)>> {
        proptest::collection::vec((0.001_f64..100_000.0, 1_u32..6), 1..60)
    }

    proptest! {
        #[test]
        fn weights_mean_the_written_out_sample(samples in samples(), q in 0.0_f64..=1.0) {
            let whole = samples.iter().flat_map(|(value, weight)| vec![*value; *weight as usize]).collect();
            let (whole, short) = (Distribution::new(whole).unwrap(), Distribution::weighted(samples).unwrap());
            prop_assert_eq!(whole.len(), short.len());
            close(short.quantile(q), whole.quantile(q));
            prop_assert!((short.mean() - whole.mean()).abs() < 1e-9 * whole.mean());
            prop_assert_eq!(short.sd().is_some(), whole.sd().is_some());
        }

        #[test]
        fn a_histogram_is_within_a_thousandth_of_the_order_statistics(samples in samples(), q in 0.0_f64..=1.0) {
            let raw = Distribution::weighted(samples).unwrap();
            let got = raw.histogram().value_at_quantile(q) as f64;
            // A histogram answers with one order statistic, type 7 with a point between the two around it.
            let position = (raw.len() - 1) as f64 * q;
            let (low, high) = (raw.at_rank(position.floor() as u64) * 1e3, raw.at_rank(position.ceil() as u64) * 1e3);
            prop_assert!(got >= low * 0.999 - 1.0 && got <= high * 1.001 + 1.0, "{} {} {}", low, got, high);
        }

        #[test]
        fn merging_samples_is_merging_histograms(one in samples(), two in samples()) {
            let both = Distribution::weighted(one.iter().chain(&two).copied().collect()).unwrap();
            let (one, two) = (Distribution::weighted(one).unwrap(), Distribution::weighted(two).unwrap());
            let merged = one.merge(&two);
            prop_assert_eq!(merged.values(), both.values());
            prop_assert_eq!(merged.len(), both.len());
            let mut histogram = one.histogram();
            histogram.add(two.histogram()).unwrap();
            prop_assert_eq!(histogram, both.histogram());
        }
    }
}
