//! Reference values come from `SciPy` 1.17 (`scipy.stats.t.cdf/ppf`, `binomtest(k, n).proportion_ci(0.90, "exact")`,
//! `ttest_ind(equal_var=False)`, `false_discovery_control`, `numpy.quantile`); properties from the definitions.

use proptest::prelude::*;

use super::*;
use crate::base::Seed;

/// Normal noise with this sd and lag-one correlation.
pub(super) fn noise(count: usize, sd: f64, correlation: f64, seed: Seed) -> Vec<f64> {
    let mut chance = seed.chance();
    let mut last = chance.normal();
    let fresh = (1.0 - correlation * correlation).sqrt();
    (0..count)
        .map(|_| {
            last = correlation * last + fresh * chance.normal();
            sd * last
        })
        .collect()
}

fn close(left: f64, right: f64, tolerance: f64) {
    assert!((left - right).abs() <= tolerance * right.abs().max(1e-300), "{left} is not {right}");
}

fn series(values: &[f64]) -> Series {
    Series::new(values.iter().copied()).expect("finite values")
}

#[test]
fn summaries_agree_with_numpy() {
    let values = series(&[1.0, 2.5, 4.0, 7.0, 11.0, 2.0, 3.5]);
    for (q, expected) in [(0.0, 1.0), (0.1, 1.6), (0.25, 2.25), (0.5, 3.5), (0.95, 9.8), (1.0, 11.0)] {
        close(values.quantile(q), expected, 1e-12);
    }
    close(values.mean(), 4.428_571_428_571_429, 1e-14);
    close(values.sd().unwrap(), 3.469_252_698_451_683, 1e-14);
    assert_eq!(series(&[4.0]).sd(), None);
    assert_eq!(Series::new([]), None);
    assert_eq!(Series::new([1.0, f64::NAN]), None);
}

/// Rows: degrees of freedom, then P(T ≤ x) for x of −8, −1.5, 0.3, 2, then quantiles at 0.8, 0.95, 0.99, 0.999.
const STUDENT: [[f64; 9]; 5] = [
    [
        1.0,
        0.039_583_424_161,
        0.187_167_041_811,
        0.592_773_579_078,
        0.852_416_382_350,
        1.376_381_920_471,
        6.313_751_514_675,
        31.820_515_953_774,
        318.308_838_985_550,
    ],
    [
        2.5,
        0.003_828_322_065_52,
        0.123_918_226_543,
        0.606_328_814_252,
        0.921_304_252_121,
        1.010_163_874_722,
        2.558_218_614_136,
        5.353_111_173_031,
        13.822_193_110_866,
    ],
    [
        4.0,
        0.000_661_948_454_609,
        0.104,
        0.610_439_285_861,
        0.941_941_738_242,
        0.940_964_577_235,
        2.131_846_786_327,
        3.746_947_387_979,
        7.173_182_219_782,
    ],
    [
        7.3,
        3.630_986_604_096e-5,
        0.087_781_546_401_5,
        0.613_729_731_910,
        0.958_029_480_333,
        0.893_671_357_180,
        1.882_930_017_956,
        2.963_940_447_584,
        4.688_865_993_538,
    ],
    [
        30.0,
        3.132_911_237_850e-9,
        0.072_032_964_564_3,
        0.616_876_947_358,
        0.972_687_477_519,
        0.853_767_261_471,
        1.697_260_886_594,
        2.457_261_542_401,
        3.385_184_866_829,
    ],
];

#[test]
fn student_agrees_with_scipy() {
    for [freedom, rest @ ..] in STUDENT {
        let (below, quantiles) = rest.split_at(4);
        for (x, &expected) in [-8.0, -1.5, 0.3, 2.0].into_iter().zip(below) {
            close(student_cdf(x, freedom), expected, 1e-9);
        }
        for (p, &expected) in [0.8, 0.95, 0.99, 0.999].into_iter().zip(quantiles) {
            close(student_quantile(p, freedom), expected, 1e-8);
        }
    }
    close(student_cdf(-1.5, f64::INFINITY), 0.066_807_201_268_858_07, 1e-9);
    close(student_quantile(0.95, 1e9), 1.644_853_626_951_472_6, 1e-8);
    assert!(
        student_cdf(0.0, 0.0).is_nan()
            && student_quantile(1.5, 3.0).is_nan()
            && student_cdf(f64::NAN, 3.0).is_nan()
    );
}

#[test]
fn welch_agrees_with_scipy() {
    let (left, right) = (series(&[3.1, 2.9, 3.4, 3.0, 3.7]), series(&[2.5, 2.6, 2.4, 2.9]));
    let part = |side: &Series| Part {
        variance: side.variance().unwrap() / side.count() as f64,
        freedom: side.count() as f64 - 1.0,
    };
    let (se, freedom) = satterthwaite(&[part(&left), part(&right)]);
    let contrast = Contrast { difference: left.mean() - right.mean(), se, freedom };
    close(contrast.standardised(), 3.409_545_424_246_424_2, 1e-12);
    close(freedom, 6.839_746_723_413_72, 1e-12);
    close(contrast.p_nonzero(), 0.011_702_361_977_453_841, 1e-9);
    let known = Part { variance: 4.0, freedom: f64::INFINITY };
    assert_eq!(satterthwaite(&[known]), (2.0, f64::INFINITY));
}

/// `t.sf((0.03 - 0.01) / 0.02, 6.5)`, `t.cdf((0.03 - 0.08) / 0.02, 6.5)`, `t.interval(0.9, 6.5, 0.03, 0.02)` and
/// `(t.ppf(0.95, 6.5) + t.ppf(0.8, 6.5)) * 0.02`.
#[test]
fn contrasts_agree_with_scipy() {
    let contrast = Contrast { difference: 0.03, se: 0.02, freedom: 6.5 };
    close(contrast.p_above(0.01), 0.176_536_136_818_173_4, 1e-9);
    close(contrast.p_below(0.08), 0.021_764_757_424_272_183, 1e-9);
    let (low, high) = contrast.interval(0.05);
    close(low, -0.008_334_717_830_498_536, 1e-8);
    close(high, 0.068_334_717_830_498_52, 1e-8);
    close(contrast.reach(0.05, 0.8), 0.056_344_168_470_834_524, 1e-8);
}

#[test]
fn clopper_and_pearson_agree_with_scipy() {
    for (hits, trials, low, high) in [
        (0, 59, 0.0, 0.049_507_609_888_468_34),
        (1, 93, 0.000_551_388_729_204_2, 0.049_993_978_387_988_344),
        (4, 181, 0.007_583_091_838_190_245, 0.049_855_317_948_884_87),
        (9, 311, 0.015_178_325_910_183_412, 0.049_955_044_250_007_17),
        (10, 10, 0.741_134_449_106_652_8, 1.0),
        (37, 200, 0.141_073_259_690_905_5, 0.236_080_447_503_530_63),
    ] {
        let (found_low, found_high) = clopper_pearson(hits, trials, 0.05);
        close(found_low, low, 1e-8);
        close(found_high, high, 1e-8);
    }
    assert_eq!(clopper_pearson(0, 0, 0.05), (0.0, 1.0));
}

#[test]
fn thin_percentiles_are_mlperf_s() {
    for (q, expected) in [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6_636), (0.05, 130)] {
        assert_eq!(thin_below(q), Some(expected), "{q}");
    }
    assert_eq!((thin_below(0.0), thin_below(1.0), thin_below(f64::NAN)), (None, None, None));
}

/// Holm's own order of tests: 0.005 ≤ 0.05/4 and 0.01 ≤ 0.05/3 are rejected, 0.03 > 0.05/2 stops the rest, 0.04 included.
#[test]
fn multiplicity_by_hand_and_by_scipy() {
    assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
    // false_discovery_control gives 0.025, 0.05, 0.05, 0.025, 0.2.
    let p = [0.01, 0.04, 0.03, 0.005, 0.2];
    assert_eq!(benjamini_hochberg(&p, 0.051), [true, true, true, true, false]);
    assert_eq!(benjamini_hochberg(&p, 0.049), [true, false, false, true, false]);
    assert_eq!((holm(&[], 0.05), benjamini_hochberg(&[], 0.1)), (vec![], vec![]));
}

/// The first twelve by numerical integration of the order statistics' densities (`scipy.integrate.quad` and `dblquad`).
#[test]
fn median_variances_are_between_the_mean_s_and_laplace_s() {
    let exact = [
        1.0,
        0.5,
        0.448_671_1,
        0.298_199_6,
        0.286_833_7,
        0.214_742_7,
        0.210_446_9,
        0.168_180_9,
        0.166_101_3,
        0.138_326_4,
        0.137_162_4,
        0.117_516_2,
    ];
    for (n, expected) in (1..).zip(exact) {
        close(median_variance(n), expected, 5e-6);
    }
    for n in 3..40 {
        let scaled = median_variance(n) * n as f64;
        assert!(1.0 < scaled && scaled <= std::f64::consts::FRAC_PI_2 + 1e-12, "{n}: {scaled}");
    }
    assert_eq!(
        pooled_variance(&[series(&[1.0, 3.0]), series(&[5.0]), series(&[0.0, 0.0, 3.0])]),
        Some((8.0 / 3.0, 3.0))
    );
    assert_eq!(pooled_variance(&[series(&[1.0])]), None);
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.001..1e6_f64, 2..20)
}

proptest! {
    #[test]
    fn quantiles_rise_and_ignore_order(mut values in values(), q in 0.0..1.0_f64, step in 0.0..0.5_f64) {
        let forward = series(&values);
        prop_assert!(forward.quantile(q) <= forward.quantile(q + step));
        values.reverse();
        prop_assert_eq!(forward, series(&values));
    }

    #[test]
    fn summaries_scale(values in values(), scale in 0.01..100.0_f64, q in 0.0..1.0_f64) {
        let plain = series(&values);
        let scaled = Series::new(values.iter().map(|value| value * scale)).unwrap();
        close(scaled.quantile(q), plain.quantile(q) * scale, 1e-9);
        prop_assert!((scaled.sd().unwrap() - plain.sd().unwrap() * scale).abs() <= 1e-6 * scaled.mean());
    }

    #[test]
    fn quantile_inverts_cdf(p in 0.001..0.999_f64, freedom in 1.0..200.0_f64) {
        let x = student_quantile(p, freedom);
        prop_assert!((student_cdf(x, freedom) - p).abs() < 1e-8);
        prop_assert!(student_quantile((p + 0.0005).min(1.0), freedom) > x);
    }

    #[test]
    fn swapping_sides_mirrors_a_contrast(difference in -1.0..1.0_f64, se in 0.001..1.0_f64, freedom in 1.0..50.0_f64, limit in -0.5..0.5_f64) {
        let forward = Contrast { difference, se, freedom };
        let mirrored = Contrast { difference: -difference, ..forward };
        prop_assert!((forward.p_above(limit) - mirrored.p_below(-limit)).abs() < 1e-12);
        prop_assert!((forward.p_above(limit) + forward.p_below(limit) - 1.0).abs() < 1e-9);
        let (low, high) = forward.interval(0.05);
        let (mirrored_low, mirrored_high) = mirrored.interval(0.05);
        prop_assert!((low + mirrored_high).abs() < 1e-9 && (high + mirrored_low).abs() < 1e-9);
        // In another unit, and against a higher limit.
        let scaled = Contrast { difference: difference * 1e3, se: se * 1e3, freedom };
        prop_assert!((scaled.p_above(limit * 1e3) - forward.p_above(limit)).abs() < 1e-9);
        prop_assert!(forward.p_above(limit + 0.01) >= forward.p_above(limit));
        prop_assert!(forward.p_below(limit + 0.01) <= forward.p_below(limit));
    }

    #[test]
    fn more_level_and_smaller_p_never_reject_less(p in prop::collection::vec(0.0..0.2_f64, 1..12), which in 0..12_usize, shrink in 0.0..1.0_f64) {
        let mut smaller = p.clone();
        smaller[which % p.len()] *= shrink;
        for procedure in [holm, benjamini_hochberg] {
            for (wide, tight) in procedure(&p, 0.1).into_iter().zip(procedure(&p, 0.05)) {
                prop_assert!(wide || !tight);
            }
            for (after, before) in procedure(&smaller, 0.05).into_iter().zip(procedure(&p, 0.05)) {
                prop_assert!(after || !before);
            }
        }
        // Holm rejects whatever Bonferroni rejects, and never a p-value above alpha.
        for (rejected, p_value) in holm(&p, 0.05).into_iter().zip(&p) {
            prop_assert!(rejected || *p_value > 0.05 / p.len() as f64);
            prop_assert!(!rejected || *p_value <= 0.05);
        }
    }
}
