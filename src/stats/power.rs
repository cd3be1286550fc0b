//! What a test will find: the chance of an answer before anything is measured.

use statrs::function::gamma::ln_gamma;

use super::course::{Corridor, Course};
use super::quadrature::Rule;
use super::{Looks, normal_cdf, student_quantile};

/// P(T ≤ x) of the non-central t, (Z + `shift`) / √(χ² / `freedom`): the normal's chance averaged over the chi
/// (Johnson, Kotz and Balakrishnan 1995, chapter 31), by quadrature. Not a number when `freedom` is not above zero.
pub fn noncentral_t_cdf(x: f64, freedom: f64, shift: f64) -> f64 {
    if freedom == f64::INFINITY {
        return normal_cdf(x - shift);
    }
    if !(freedom > 0.0 && x.is_finite() && shift.is_finite()) {
        return f64::NAN;
    }
    let root = freedom.sqrt();
    let log_norm = ln_gamma(freedom / 2.0) + (freedom / 2.0 - 1.0) * 2_f64.ln();
    let chance = |chi: f64| {
        ((freedom - 1.0) * chi.ln() - chi * chi / 2.0 - log_norm).exp() * normal_cdf(x * chi / root - shift)
    };
    // The chi is narrower than a standard normal; the normal's chance turns over a width of √freedom / |x|.
    let widest = (2.0 * root / x.abs().max(TINY)).clamp(CHI_FAR / f64::from(PANELS_MAX), 2.0);
    let rule = Rule::new(NODES);
    let sum: f64 = rule
        .on((root - CHI_FAR).max(0.0), root + CHI_FAR, widest)
        .map(|(chi, weight)| weight * chance(chi))
        .sum();
    sum.clamp(0.0, 1.0)
}

/// Beyond so many standard deviations there is no mass worth a digit.
const CHI_FAR: f64 = 9.0;
const NODES: usize = 20;
const PANELS_MAX: u16 = 400;
const TINY: f64 = 1e-9;

/// The chance that a one-sided t test of `pairs` differences at level `alpha` finds an effect of so many standard deviations
/// of one difference. None is found by fewer than two.
pub fn power(pairs: u32, effect_over_sd: f64, alpha: f64) -> f64 {
    if pairs < 2 {
        0.0
    } else {
        shift_power(f64::from(pairs) - 1.0, effect_over_sd * f64::from(pairs).sqrt(), alpha)
    }
}

/// The same for any estimate with `freedom` degrees of freedom and an effect of `shift` standard errors.
pub fn shift_power(freedom: f64, shift: f64, alpha: f64) -> f64 {
    // The lower tail of the mirrored statistic keeps its digits where 1 − F loses them.
    noncentral_t_cdf(student_quantile(alpha, freedom), freedom, -shift)
}

/// The smallest effect, in standard errors, that a one-sided test at level `alpha` finds with probability `wanted`.
pub fn shift_resolved(freedom: f64, alpha: f64, wanted: f64) -> f64 {
    smallest(|shift| shift_power(freedom, shift, alpha) >= wanted)
}

/// The fewest pairs, up to `max`, whose test at level `alpha` finds an effect of `ratio` standard deviations with at least the
/// probability `wanted`.
pub fn rounds_needed(ratio: f64, alpha: f64, wanted: f64, max: u32) -> Option<u32> {
    let enough = |pairs| power(pairs, ratio, alpha) >= wanted;
    if !enough(max) {
        return None;
    }
    // The chance rises with the pairs.
    Some(fewest(1, max, enough))
}

/// The least count that is enough, where `few` is not and `many` is, and every larger one is, too. Halves the bracket.
pub fn fewest(mut few: u32, mut many: u32, enough: impl Fn(u32) -> bool) -> u32 {
    while many - few > 1 {
        let middle = few + (many - few) / 2;
        if enough(middle) {
            many = middle;
        } else {
            few = middle;
        }
    }
    many
}

/// The smallest effect, in standard deviations of one difference, that `pairs` find with probability `wanted`; infinite for
/// fewer than two.
pub fn ratio_resolved(pairs: u32, alpha: f64, wanted: f64) -> f64 {
    smallest(|ratio| power(pairs, ratio, alpha) >= wanted)
}

/// What a schedule of looks will do, for any distance of the truth from the limit.
#[derive(Debug, Clone)]
pub struct Prospect {
    pairs: Vec<u32>,
    /// None when there is a single pair, which decides nothing.
    course: Option<Course>,
}

/// The chances of one look: it decides, and none before did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LookChance {
    /// Pairs at this look.
    pub pairs: u32,
    /// Shown to lie below the limit.
    pub pass: f64,
    /// Shown to lie above it.
    pub fail: f64,
}

/// What becomes of one measurement, look by look.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook(pub Vec<LookChance>);

impl Prospect {
    /// A schedule whose every look passes and fails at these one-sided levels, below one half.
    pub fn new(looks: &Looks, pass_level: f64, fail_level: f64) -> Self {
        let corridor = |&values: &u32| {
            let freedom = f64::from(values) - 1.0;
            Corridor {
                values,
                low: student_quantile(pass_level, freedom),
                high: -student_quantile(fail_level, freedom),
            }
        };
        let corridors: Vec<Corridor> = looks.counts().iter().map(corridor).collect();
        let course = (looks.last() > 1).then(|| Course::new(&corridors));
        Self { pairs: looks.counts().to_vec(), course }
    }

    /// The chances when the truth lies `distance` standard deviations of one difference below the limit (negative: above),
    /// exactly for independent normal differences.
    pub fn at(&self, distance: f64) -> Outlook {
        let exits = self.course.as_ref().map(|course| course.exits(-distance)).unwrap_or_default();
        let chances = exits.iter().map(|exit| (exit.low, exit.high)).chain(std::iter::repeat((0.0, 0.0)));
        let look = |(&pairs, (pass, fail))| LookChance { pairs, pass, fail };
        Outlook(self.pairs.iter().zip(chances).map(look).collect())
    }

    /// The smallest distance at which a truth below the limit passes with at least the probability `wanted`.
    pub fn passes_from(&self, wanted: f64) -> f64 {
        smallest(|distance| self.at(distance).pass() >= wanted)
    }

    /// The smallest distance at which a truth above the limit fails with at least the probability `wanted`.
    pub fn fails_from(&self, wanted: f64) -> f64 {
        smallest(|distance| self.at(-distance).fail() >= wanted)
    }
}

impl Outlook {
    pub fn pass(&self) -> f64 {
        self.0.iter().map(|look| look.pass).sum()
    }

    pub fn fail(&self) -> f64 {
        self.0.iter().map(|look| look.fail).sum()
    }

    /// Pairs that are measured on average: what no look decides goes to the last.
    pub fn mean_pairs(&self) -> f64 {
        let last = self.0.last().map_or(0.0, |look| f64::from(look.pairs));
        let saved = |look: &LookChance| (look.pass + look.fail) * (last - f64::from(look.pairs));
        last - self.0.iter().map(saved).sum::<f64>()
    }
}

/// The smallest ratio that is enough, when all larger ones are; infinite when none up to a thousand is.
fn smallest(enough: impl Fn(f64) -> bool) -> f64 {
    let mut high = 1.0;
    while !enough(high) {
        high *= 2.0;
        if high > RATIO_MAX {
            return f64::INFINITY;
        }
    }
    let mut low = 0.0;
    while high - low > PRECISION * high {
        let middle = f64::midpoint(low, high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

const RATIO_MAX: f64 = 1e3;
const PRECISION: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} is not {expected}");
    }

    /// `scipy.stats.nct.cdf(x, freedom, shift)`, and `nct.sf(t.ppf(1 - alpha, k - 1), k - 1, ratio * sqrt(k))`.
    #[test]
    fn the_non_central_t_agrees_with_scipy() {
        for (x, freedom, shift, expected) in [
            (0.5, 3.0, 0.0, 0.674_276_017_575_924_5),
            (2.0, 4.0, 1.5, 0.618_928_925_139_654_8),
            (-2.131_846_786, 4.0, -3.0, 0.791_090_134_484_150_4),
            (5.0, 11.0, 4.2, 0.677_909_782_741_404_2),
            (-1.0, 2.0, 2.0, 0.003_862_620_976_006_203_6),
            (1.7, 99.0, 1.2, 0.688_685_373_546_025_9),
            (30.0, 2.0, 5.0, 0.971_585_442_873_339),
        ] {
            close(noncentral_t_cdf(x, freedom, shift), expected, 1e-9);
        }
        for (pairs, ratio, alpha, expected) in [
            (3, 2.78, 0.05, 0.900_535_497_236_400_7),
            (5, 1.0, 0.05, 0.579_737_358_862_188_8),
            (8, 1.2, 0.01, 0.656_694_223_222_637_2),
            (12, 0.5, 0.05, 0.491_884_489_583_516_4),
            (5, 0.0, 0.05, 0.05),
            (12, -0.5, 0.05, 0.000_522_433_976_282_276_2),
        ] {
            close(power(pairs, ratio, alpha), expected, 3e-8);
        }
        assert!(noncentral_t_cdf(1.0, 0.0, 1.0).is_nan() && noncentral_t_cdf(f64::NAN, 3.0, 1.0).is_nan());
        close(noncentral_t_cdf(1.0, f64::INFINITY, 0.5), normal_cdf(0.5), 1e-12);
    }

    /// Tolerance over the sd of a pair for 3, 4, 5, 6, 8, 10, 12 and 40 pairs: `brentq` over the power above.
    #[test]
    fn what_pairs_resolve_agrees_with_scipy() {
        for (alpha, wanted, ratios) in [
            (0.05, 0.9, [2.776_609, 1.964_104, 1.609_943, 1.401, 1.153_402, 1.004_85, 0.902_667, 0.470_975]),
            (
                0.05,
                0.8,
                [2.297_275, 1.649_725, 1.359_418, 1.185_791, 0.978_156, 0.852_838, 0.766_405, 0.400_151],
            ),
            (
                0.01,
                0.9,
                [6.198_705, 3.431_501, 2.522_335, 2.068_939, 1.602_573, 1.354_054, 1.194_341, 0.591_234],
            ),
        ] {
            for (pairs, ratio) in [3, 4, 5, 6, 8, 10, 12, 40].into_iter().zip(ratios) {
                close(ratio_resolved(pairs, alpha, wanted), ratio, 2e-6);
                assert_eq!(rounds_needed(ratio * 1.001, alpha, wanted, 1000), Some(pairs));
                assert_eq!(rounds_needed(ratio * 1.001, alpha, wanted, pairs - 1), None);
            }
        }
        assert_eq!((power(1, 9.0, 0.05), ratio_resolved(1, 0.05, 0.9)), (0.0, f64::INFINITY));
        assert_eq!((rounds_needed(0.0, 0.05, 0.9, 1000), rounds_needed(9.0, 0.05, 0.9, 1)), (None, None));
    }
    fn looks(counts: &[u32]) -> Looks {
        Looks::new(counts.iter().copied()).expect("rising counts")
    }

    /// Shares of 2e6 simulated courses (`NumPy`, `x = default_rng(3).standard_normal((500_000, last)) - distance` four times,
    /// `t.ppf` and `t.isf` as bounds): distance, then passes and fails at each look.
    #[test]
    fn a_schedule_does_what_simulated_courses_did() {
        type Row<'a> = (f64, &'a [f64], &'a [f64]);
        let usual: &[Row<'_>] = &[
            (0.0, &[0.022_916_5, 0.014_92, 0.012_306], &[0.004_018, 0.003_225, 0.002_854_5]),
            (0.5, &[0.128_065_5, 0.129_601, 0.145_284_5], &[0.000_3, 5.95e-5, 1.65e-5]),
            (1.0, &[0.379_050_5, 0.312_375_5, 0.201_844_5], &[1.3e-5, 5e-7, 0.0]),
            (1.5, &[0.686_877_5, 0.263_716_5, 0.046_490_5], &[5e-7, 0.0, 0.0]),
            (-1.0, &[6.55e-5, 1e-6, 0.0], &[0.107_176, 0.226_042, 0.300_164_5]),
            (-2.0, &[0.0, 0.0, 0.0], &[0.488_658, 0.449_495_5, 0.060_858]),
        ];
        let early: &[Row<'_>] = &[(
            0.8,
            &[0.059_702_5, 0.083_339_5, 0.090_424, 0.158_298_5],
            &[0.001_582_5, 0.000_532, 0.000_162_5, 3.25e-5],
        )];
        for (counts, levels, rows) in
            [(&[5, 8, 12][..], (0.022_733_7, 0.003_989_6), usual), (&[2, 3, 4, 6], (0.02, 0.01), early)]
        {
            let prospect = Prospect::new(&looks(counts), levels.0, levels.1);
            for &(distance, pass, fail) in rows {
                for (found, (&pass, &fail)) in prospect.at(distance).0.iter().zip(pass.iter().zip(fail)) {
                    for (found, simulated) in [(found.pass, pass), (found.fail, fail)] {
                        let error = (found * (1.0 - found) / 2e6).sqrt();
                        assert!(
                            (found - simulated).abs() < 4.0 * error + 1e-7,
                            "{counts:?} {distance}: {found}, {simulated} ± {error}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn one_look_is_the_plain_test_and_one_pair_decides_nothing() {
        let prospect = Prospect::new(&looks(&[8]), 0.05, 0.01);
        close(prospect.at(1.1).pass(), power(8, 1.1, 0.05), 1e-6);
        close(prospect.at(-1.1).fail(), power(8, 1.1, 0.01), 1e-6);
        close(prospect.passes_from(0.9), ratio_resolved(8, 0.05, 0.9), 1e-5);
        close(prospect.fails_from(0.8), ratio_resolved(8, 0.01, 0.8), 1e-5);
        close(prospect.at(1.1).mean_pairs(), 8.0, 1e-12);
        let lone = Prospect::new(&looks(&[1]), 0.05, 0.05);
        assert_eq!(lone.at(9.0), Outlook(vec![LookChance { pairs: 1, pass: 0.0, fail: 0.0 }]));
        assert_eq!((lone.at(9.0).mean_pairs(), lone.passes_from(0.9)), (1.0, f64::INFINITY));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn chances_are_chances_rise_with_distance_and_mirror(
            first in 2..6_u32, steps in prop::collection::vec(1..5_u32, 0..3),
            pass in 0.005..0.2_f64, fail in 0.001..0.2_f64, distance in -3.0..3.0_f64, more in 0.01..1.0_f64
        ) {
            let mut counts = vec![first];
            for step in steps {
                counts.push(counts[counts.len() - 1] + step);
            }
            let (plain, swapped) =
                (Prospect::new(&looks(&counts), pass, fail), Prospect::new(&looks(&counts), fail, pass));
            let (outlook, mirrored) = (plain.at(distance), swapped.at(-distance));
            prop_assert!(outlook.0.iter().all(|look| look.pass >= 0.0 && look.fail >= 0.0));
            prop_assert!(outlook.pass() + outlook.fail() < 1.0 + 2e-3, "{counts:?} {outlook:?}");
            prop_assert!((outlook.pass() - mirrored.fail()).abs() < 1e-9);
            prop_assert!((outlook.mean_pairs() - mirrored.mean_pairs()).abs() < 1e-9);
            prop_assert!(plain.at(distance + more).pass() > outlook.pass() - 2e-3);
            let (fewest, last) = (f64::from(first), f64::from(counts[counts.len() - 1]));
            prop_assert!(outlook.mean_pairs() > fewest - 0.01 && outlook.mean_pairs() < last + 1e-9);
        }

        #[test]
        fn power_rises_with_pairs_effect_and_level(pairs in 2..60_u32, ratio in 0.05..3.0_f64, alpha in 0.001..0.2_f64, more in 1.01..2.0_f64) {
            let plain = power(pairs, ratio, alpha);
            prop_assert!((alpha..=1.0).contains(&plain));
            prop_assert!(power(pairs + 1, ratio, alpha) >= plain - 1e-9);
            prop_assert!(power(pairs, ratio * more, alpha) >= plain - 1e-9);
            prop_assert!(power(pairs, ratio, alpha * more) >= plain - 1e-9);
        }
    }
}
