//! Samples of one metric: as they are while they are few, in a histogram when they are many.

use hdrhistogram::Histogram;

use super::binned::{self, Binned};
use super::samples::Samples;

/// Weighted samples of one metric in its unit, not empty. Up to 100,000 of them are kept as they are, so that percentiles
/// are exact order statistics; more are in a histogram of 3 significant digits, with exact number, extremes, mean and
/// deviation.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution(Kind);

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Raw(Raw),
    Binned(Box<Binned>),
}

impl Distribution {
    /// None when there are no samples, or one is not finite.
    pub fn new(values: Vec<f64>) -> Option<Self> {
        Self::weighted(values.into_iter().map(|value| (value, 1)).collect())
    }

    /// Samples that each stand for `weight` equal ones. Those of weight zero are left out.
    pub fn weighted(samples: Vec<(f64, u32)>) -> Option<Self> {
        if samples.iter().any(|(value, _)| !value.is_finite()) {
            return None;
        }
        let mut all = Samples::default();
        for (value, weight) in samples {
            all.add_weighted(value, weight);
        }
        all.finish()
    }

    pub(super) fn raw(raw: Raw) -> Self {
        Self(Kind::Raw(raw))
    }

    pub(super) fn binned(binned: Box<Binned>) -> Self {
        Self(Kind::Binned(binned))
    }

    /// Number of samples; the sum of the weights where there are any.
    #[expect(clippy::len_without_is_empty, reason = "the invariant: never empty")]
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kind::Raw(raw) => raw.len(),
            Kind::Binned(binned) => binned.len(),
        }
    }

    pub fn min(&self) -> f64 {
        match &self.0 {
            Kind::Raw(raw) => raw.values[0],
            Kind::Binned(binned) => binned.min,
        }
    }

    pub fn max(&self) -> f64 {
        match &self.0 {
            Kind::Raw(raw) => raw.values[raw.values.len() - 1],
            Kind::Binned(binned) => binned.max,
        }
    }

    pub fn mean(&self) -> f64 {
        match &self.0 {
            Kind::Raw(raw) => raw.mean(),
            Kind::Binned(binned) => binned.mean(),
        }
    }

    /// Standard deviation with n − 1; none for a single sample.
    pub fn sd(&self) -> Option<f64> {
        match &self.0 {
            Kind::Raw(raw) => raw.sd(),
            Kind::Binned(binned) => binned.sd(),
        }
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
        match &self.0 {
            Kind::Raw(raw) => raw.share_below(bound),
            Kind::Binned(binned) => binned.share_below(bound),
        }
    }

    /// The samples of both.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Kind::Binned(one), Kind::Binned(two)) => {
                let mut merged = one.clone();
                merged.merge(two);
                Self::binned(merged)
            }
            (Kind::Binned(binned), Kind::Raw(raw)) | (Kind::Raw(raw), Kind::Binned(binned)) => {
                let mut merged = binned.clone();
                for (value, weight) in raw.pairs() {
                    merged.add(value, weight);
                }
                Self::binned(merged)
            }
            (Kind::Raw(one), Kind::Raw(two)) =>
            {
                #[expect(clippy::expect_used, reason = "both parts hold finite samples")]
                Self::weighted(one.pairs().chain(two.pairs()).collect()).expect("neither part is empty")
            }
        }
    }

    /// A mergeable histogram of millisecond samples in whole microseconds, 3 significant digits; an hour and more is an hour.
    pub fn histogram(&self) -> Histogram<u64> {
        match &self.0 {
            Kind::Raw(raw) => {
                let mut histogram = binned::empty();
                for (value, weight) in raw.pairs() {
                    binned::record(&mut histogram, value, weight);
                }
                histogram
            }
            Kind::Binned(binned) => binned.histogram().clone(),
        }
    }

    /// Order statistic number `rank`, from 0, of the sample with every weight written out.
    fn at_rank(&self, rank: u64) -> f64 {
        match &self.0 {
            Kind::Raw(raw) => raw.at_rank(rank),
            Kind::Binned(binned) => binned.at_rank(rank),
        }
    }

    /// The samples, sorted, and the weight of each; no weights when all weigh one.
    #[cfg(test)]
    pub(super) fn kept(&self) -> Option<(&[f64], &[u32])> {
        match &self.0 {
            Kind::Raw(raw) => Some((&raw.values, &raw.weights)),
            Kind::Binned(_) => None,
        }
    }
}

/// The samples themselves. Invariant: finite, sorted, not empty, every weight at least one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Raw {
    values: Vec<f64>,
    /// As long as `values`; empty when every sample weighs one.
    weights: Vec<u32>,
    /// Running sums of the weights, for quantiles; empty as above.
    ranks: Vec<u64>,
}

impl Raw {
    /// Finite samples; as many weights, or none when each weighs one. None without samples.
    pub(super) fn new(mut values: Vec<f64>, mut weights: Vec<u32>) -> Option<Self> {
        if weights.is_empty() {
            values.sort_unstable_by(f64::total_cmp);
        } else {
            let mut pairs: Vec<(f64, u32)> = values.into_iter().zip(weights).collect();
            pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            (values, weights) = pairs.into_iter().unzip();
        }
        let ranks = weights.iter().scan(0, |sum, weight| {
            *sum += u64::from(*weight);
            Some(*sum)
        });
        let ranks = ranks.collect();
        (!values.is_empty()).then_some(Self { values, weights, ranks })
    }

    fn len(&self) -> u64 {
        self.ranks.last().copied().unwrap_or(self.values.len() as u64)
    }

    fn mean(&self) -> f64 {
        let sum: f64 = self.pairs().map(|(value, weight)| value * f64::from(weight)).sum();
        sum / self.len() as f64
    }

    fn sd(&self) -> Option<f64> {
        let mean = self.mean();
        let squares: f64 =
            self.pairs().map(|(value, weight)| f64::from(weight) * (value - mean).powi(2)).sum();
        (self.len() > 1).then(|| (squares / (self.len() - 1) as f64).sqrt())
    }

    fn share_below(&self, bound: f64) -> f64 {
        let below = self.values.partition_point(|value| *value < bound);
        let count = match below {
            0 => 0,
            below => self.ranks.get(below - 1).copied().unwrap_or(below as u64),
        };
        count as f64 / self.len() as f64
    }

    fn pairs(&self) -> impl Iterator<Item = (f64, u32)> {
        let weight = |at: usize| self.weights.get(at).copied().unwrap_or(1);
        self.values.iter().enumerate().map(move |(at, value)| (*value, weight(at)))
    }

    fn at_rank(&self, rank: u64) -> f64 {
        let at = match self.ranks.as_slice() {
            [] => rank as usize,
            ranks => ranks.partition_point(|through| *through <= rank),
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
        let hour = 3_600_000_000;
        assert!((hour..hour / 1_000 * 1_001).contains(&histogram.max()));
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
            prop_assert_eq!(merged.kept(), both.kept());
            prop_assert_eq!(merged.len(), both.len());
            let mut histogram = one.histogram();
            histogram.add(two.histogram()).unwrap();
            prop_assert_eq!(histogram, both.histogram());
        }

        #[test]
        fn many_samples_are_within_a_bin_of_themselves(samples in samples(), q in 0.0_f64..=1.0) {
            let raw = Distribution::weighted(samples.clone()).unwrap();
            let mut many = Samples::keeping(3);
            for (value, weight) in &samples {
                many.add_weighted(*value, *weight);
            }
            prop_assert!(many.kept() <= 3);
            let many = many.finish().unwrap();
            prop_assert_eq!((many.len(), many.min(), many.max()), (raw.len(), raw.min(), raw.max()));
            prop_assert!((many.mean() / raw.mean() - 1.0).abs() < 1e-12);
            prop_assert_eq!(many.sd().is_some(), raw.sd().is_some());
            if let (Some(got), Some(wanted)) = (many.sd(), raw.sd()) {
                prop_assert!((got - wanted).abs() < 1e-9 * raw.max(), "{} {}", got, wanted);
            }
            // Both order statistics around the quantile are within half a bin and half a microsecond.
            let above = raw.at_rank(((raw.len() - 1) as f64 * q).ceil() as u64);
            prop_assert!((many.quantile(q) - raw.quantile(q)).abs() <= 0.0005 * above + 0.001);
            prop_assert_eq!(many.histogram(), raw.histogram());
        }

        #[test]
        fn parts_of_every_kind_merge_to_the_whole(
            one in samples(), two in samples(), keep in prop_oneof![Just((0, 0)), Just((0, 99)), Just((99, 0))],
        ) {
            let of = |samples: &[(f64, u32)], keep| {
                let mut all = Samples::keeping(keep);
                for (value, weight) in samples {
                    all.add_weighted(*value, *weight);
                }
                all.finish().unwrap()
            };
            let whole = Distribution::weighted([one.clone(), two.clone()].concat()).unwrap();
            let merged = of(&one, keep.0).merge(&of(&two, keep.1));
            prop_assert_eq!((merged.len(), merged.min(), merged.max()), (whole.len(), whole.min(), whole.max()));
            prop_assert!((merged.mean() / whole.mean() - 1.0).abs() < 1e-12);
            prop_assert!((merged.sd().unwrap() - whole.sd().unwrap()).abs() < 1e-9 * whole.max());
            prop_assert_eq!(merged.histogram(), whole.histogram());
        }
    }

    #[test]
    fn a_share_below_a_bound_is_told_by_bins_too() {
        let mut many = Samples::keeping(0);
        for micros in 1..=1_000 {
            many.add(f64::from(micros) / 1e3);
        }
        let many = many.finish().unwrap();
        close(many.share_below(0.1), 0.099);
        close(many.share_below(0.0), 0.0);
        close(many.share_below(5.0), 1.0);
    }
}
