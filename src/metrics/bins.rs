//! A small histogram for many places: logarithmic bins of one percent, only those that were hit.

use std::collections::BTreeMap;

/// Milliseconds from a microsecond to hours, within half a percent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Bins {
    counts: BTreeMap<u16, u32>,
    all: u64,
}

/// Ratio of neighbouring edges.
const STEP: f64 = 1.01;
/// Everything up to it is one bin.
const LEAST_MS: f64 = 1e-3;

impl Bins {
    pub(super) fn add(&mut self, ms: f64) {
        let bin = ((ms.max(LEAST_MS) / LEAST_MS).ln() / STEP.ln()).min(f64::from(u16::MAX)) as u16;
        *self.counts.entry(bin).or_insert(0) += 1;
        self.all += 1;
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (bin, count) in other.counts {
            *self.counts.entry(bin).or_insert(0) += count;
        }
        self.all += other.all;
    }

    /// The middle of the bin that holds the sample of rank ⌈q·n⌉; none without samples.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let rank = ((self.all as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        let found = self.counts.iter().find(|(_, count)| {
            seen += u64::from(**count);
            seen >= rank
        });
        found.map(|(bin, _)| LEAST_MS * STEP.powf(f64::from(*bin) + 0.5))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn quantiles_are_within_half_a_percent_and_merge(
            one in proptest::collection::vec(0.01_f64..1e6, 1..80),
            two in proptest::collection::vec(0.01_f64..1e6, 0..80),
            q in 0.0_f64..=1.0,
        ) {
            let of = |samples: &[f64]| {
                let mut bins = Bins::default();
                for ms in samples {
                    bins.add(*ms);
                }
                bins
            };
            let mut merged = of(&one);
            merged.merge(of(&two));
            let mut all = [one, two].concat();
            prop_assert_eq!(&merged, &of(&all));
            all.sort_by(f64::total_cmp);
            let exact = all[((all.len() as f64 * q).ceil() as usize).max(1) - 1];
            prop_assert!((merged.quantile(q).unwrap() / exact - 1.0).abs() < 0.0051);
        }
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(Bins::default().quantile(0.5), None);
    }
}
