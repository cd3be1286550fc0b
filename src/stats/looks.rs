//! When a test looks at growing evidence, and the level that each look may spend.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::course::{Corridor, Course};
use super::student_quantile;

/// When a group-sequential test looks at its evidence: after these numbers of pairs. Invariant: ascending, not empty, each at
/// least 2, or a single look at 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Looks(Vec<u32>);

impl Looks {
    /// None when the counts are empty, do not rise, or begin below 2 (a single look may have 1).
    pub fn new(counts: impl IntoIterator<Item = u32>) -> Option<Self> {
        let counts: Vec<u32> = counts.into_iter().collect();
        let least = if counts.len() == 1 { 1 } else { 2 };
        let rises = counts.windows(2).all(|pair| pair[0] < pair[1]);
        (rises && counts.first().is_some_and(|&first| first >= least)).then_some(Self(counts))
    }

    /// After 5, 8 and 12 pairs: an unchanged server is mostly decided at the first, and the last is twice as sure.
    pub fn usual() -> Self {
        Self(vec![5, 8, 12])
    }

    /// Pairs at each look, ascending.
    pub fn counts(&self) -> &[u32] {
        &self.0
    }

    /// Pairs at the last look: the whole budget.
    pub fn last(&self) -> u32 {
        self.0.last().copied().unwrap_or_default()
    }

    /// The first look with more than `after` pairs.
    pub fn next(&self, after: u32) -> Option<u32> {
        self.0.iter().copied().find(|&count| count > after)
    }

    /// The one-sided level for every look with which a repeated t test of independent normal differences errs with probability
    /// `alpha` over all looks, where the truth lies exactly on the limit (Pocock 1977; for t, Jennison and Turnbull 2000).
    /// Not above `alpha`, which a single look has to itself; `alpha` is held to `0..=0.5`. Solved by quadrature of the t
    /// process and remembered.
    pub fn level(&self, alpha: f64) -> f64 {
        let alpha = alpha.clamp(0.0, 0.5);
        if self.0.len() == 1 || alpha <= 0.0 {
            return alpha;
        }
        let asked = (self.clone(), alpha.to_bits());
        if let Some(&level) = known().get(&asked) {
            return level;
        }
        let level = self.solve(alpha);
        let mut known = known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(asked, level);
        level
    }

    /// The chance that a test at this level per look errs at one of them, where the truth lies on the limit.
    pub(super) fn spent(&self, level: f64) -> f64 {
        let corridor = |&values: &u32| Corridor {
            values,
            low: f64::NEG_INFINITY,
            high: student_quantile(1.0 - level, f64::from(values) - 1.0),
        };
        let corridors: Vec<Corridor> = self.0.iter().map(corridor).collect();
        Course::new(&corridors).exits(0.0).iter().map(|exit| exit.high).sum()
    }

    /// Bisection in the logarithm, with the secant's step where it stays inside (Dekker 1969): the chance is nearly a power of the level.
    fn solve(&self, alpha: f64) -> f64 {
        let excess = |log: f64| (self.spent(log.exp()) / alpha).ln();
        let (mut low, mut high) = ((alpha / self.0.len() as f64).ln(), alpha.ln());
        let (mut below, mut above) = (excess(low), excess(high));
        for _ in 0..ROUNDS_MAX {
            if below >= 0.0 {
                return low.exp();
            }
            let secant = high - above * (high - low) / (above - below);
            let next = if secant > low && secant < high { secant } else { f64::midpoint(low, high) };
            let value = excess(next);
            if value.abs() < PRECISION {
                return next.exp();
            }
            if value > 0.0 {
                (high, above) = (next, value);
            } else {
                (low, below) = (next, value);
            }
        }
        low.exp()
    }
}

/// Levels that were solved: a gate asks for one per cell of its family, a thousand gates for the same ones.
static KNOWN: Mutex<BTreeMap<Asked, f64>> = Mutex::new(BTreeMap::new());
/// A schedule, and the bits of its alpha.
type Asked = (Looks, u64);
const KNOWN_MAX: usize = 4096;

fn known() -> MutexGuard<'static, BTreeMap<Asked, f64>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Far more than the handful of steps that a near-power takes.
const ROUNDS_MAX: usize = 60;
const PRECISION: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::normal_quantile;

    fn looks(counts: &[u32]) -> Looks {
        Looks::new(counts.iter().copied()).expect("rising counts")
    }

    #[test]
    fn looks_rise_from_two_and_a_single_one_may_be_one() {
        for counts in [&[][..], &[0], &[1, 2], &[5, 5], &[8, 5]] {
            assert_eq!(Looks::new(counts.iter().copied()), None, "{counts:?}");
        }
        let schedule = looks(&[5, 8, 12]);
        assert_eq!((schedule.counts(), schedule.last()), (&[5, 8, 12][..], 12));
        let next: Vec<Option<u32>> = [0, 4, 5, 7, 8, 11, 12, 40].map(|after| schedule.next(after)).into();
        assert_eq!(next, [Some(5), Some(5), Some(8), Some(8), Some(12), Some(12), None, None]);
        assert_eq!((looks(&[1]).level(0.05), looks(&[7]).level(0.01)), (0.05, 0.01));
        assert_eq!((schedule.level(0.0), schedule.level(-1.0)), (0.0, 0.0));
    }

    /// Shares of simulated courses in which a t test at `level` rejected at one look or another, by `NumPy` and `SciPy`:
    /// `x = default_rng(seed).standard_normal((n, last))` in batches of 500,000, `t.sf(mean / (std(ddof=1) / sqrt(k)), k - 1)
    /// <= level` at any look; seed 1 and n = 8e6 for 5/8/12, seed 2 and n = 2e6 for the others.
    #[test]
    fn spent_chances_are_those_of_simulated_courses() {
        for (counts, draws, rows) in [
            (
                &[5, 8, 12][..],
                8e6_f64,
                &[
                    (0.022_743_13, 0.050_045_6),
                    (0.010_658_80, 0.025_049_5),
                    (0.003_987_33, 0.010_043_1),
                    (0.001_920_99, 0.005_030_0),
                    (0.000_932_43, 0.002_508_4),
                ][..],
            ),
            (&[4, 6, 9, 12], 2e6, &[(0.018_525_05, 0.049_994)]),
            (&[5, 10], 2e6, &[(0.029_092_59, 0.050_191)]),
            (&[3, 5, 8, 12], 2e6, &[(0.016_917_68, 0.050_120_5)]),
            (&[2, 3, 4, 5], 2e6, &[(0.017_731_42, 0.049_918)]),
        ] {
            for &(level, simulated) in rows {
                let found = looks(counts).spent(level);
                let error = (simulated * (1.0 - simulated) / draws).sqrt();
                assert!(
                    (found - simulated).abs() < 3.0 * error,
                    "{counts:?} at {level}: {found}, {simulated} ± {error}"
                );
            }
        }
    }

    /// One million courses of normal draws (`NumPy`, `default_rng(5)`) gave 0.1012.
    #[test]
    fn plain_tests_at_every_look_err_twice_as_often() {
        let found = looks(&[5, 8, 12]).spent(0.05);
        assert!((found - 0.1012).abs() < 0.001, "{found}");
    }

    /// Levels for 5/8/12 and α = 0.05 / family, as four million simulated courses gave them, so ± 1 to 2 %.
    #[test]
    fn levels_of_the_usual_schedule_are_the_known_ones() {
        for (family, known) in [
            (1.0, 0.0227),
            (2.0, 0.010_65),
            (3.0, 0.006_86),
            (5.0, 0.003_97),
            (8.0, 0.002_40),
            (10.0, 0.001_90),
            (15.0, 0.001_24),
            (20.0, 0.000_92),
        ] {
            let level = looks(&[5, 8, 12]).level(0.05 / family);
            assert!((level / known - 1.0).abs() < 0.02, "{family}: {level} is not {known}");
        }
    }

    /// With many pairs t is the normal, for which Pocock's critical values at one-sided 5 % are 1.875, 1.992 and 2.067 for
    /// two, three and four equal groups (Jennison and Turnbull 2000, table 2.1, two-sided 10 %).
    #[test]
    fn many_pairs_give_pocock_s_constants() {
        for (counts, critical) in
            [(&[1000, 2000][..], 1.875), (&[1000, 2000, 3000], 1.992), (&[1000, 2000, 3000, 4000], 2.067)]
        {
            let found = -normal_quantile(looks(counts).level(0.05));
            assert!((found - critical).abs() < 0.002, "{counts:?}: {found}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn a_level_rises_with_alpha_and_lies_between_bonferroni_s_and_alpha(
            first in 2..6_u32, steps in prop::collection::vec(1..5_u32, 1..4), alpha in 0.0005..0.1_f64, more in 1.001..2.0_f64
        ) {
            let mut counts = vec![first];
            for step in steps {
                counts.push(counts[counts.len() - 1] + step);
            }
            let schedule = looks(&counts);
            let level = schedule.level(alpha);
            prop_assert!(alpha / counts.len() as f64 <= level && level <= alpha, "{counts:?}: {level}");
            prop_assert!(level < schedule.level(alpha * more));
            prop_assert!((schedule.spent(level) / alpha - 1.0).abs() < 1e-6);
        }
    }
}
