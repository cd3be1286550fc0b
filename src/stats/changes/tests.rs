//! Reference values come from `SciPy` 1.17: `rankdata`, `mannwhitneyu(method="asymptotic", use_continuity=False)` with the variance
//! corrected for ties, `cdist` and `pdist` for the energy distance; the best split by trying all of them.

use proptest::prelude::*;

use super::{ChangePoint, ChangePolicy, Splitter, change_points, energy, rank};
use crate::base::Seed;
use crate::stats::clopper_pearson;
use crate::stats::tests::noise;

/// `numpy.random.default_rng(3)`: `round(5 + 0.02·normal, 4)`, and 0.06 more from the 31st on.
const NIGHTS: [f64; 40] = [
    5.0408, 4.9489, 5.0084, 4.9886, 4.9909, 4.9957, 4.9596, 4.9954, 4.9827, 5.0665, 5.0045, 4.9929, 4.9944,
    4.9866, 4.9789, 4.9922, 5.0096, 4.9952, 5.0192, 4.996, 5.0005, 5.0309, 5.0109, 4.9899, 4.9963, 5.0108,
    5.0387, 4.9946, 4.9951, 5.02, 5.0423, 5.0542, 5.0777, 5.0716, 5.0618, 5.0734, 5.0034, 5.0804, 5.0408,
    5.0266,
];

const TIED: [f64; 11] = [3.0, 1.0, 2.0, 2.0, 5.0, 3.0, 7.0, 7.0, 6.0, 2.0, 8.0];

fn policy(splitter: Splitter) -> ChangePolicy {
    ChangePolicy { splitter, ..ChangePolicy::default() }
}

fn found(values: &[f64], splitter: Splitter) -> Vec<ChangePoint> {
    change_points(values, &policy(splitter), Seed(1))
}

fn close(left: f64, right: f64) {
    assert!((left - right).abs() <= 1e-12 * right.abs().max(1.0), "{left} is not {right}");
}

fn shifted(mut values: Vec<f64>, from: usize, by: f64) -> Vec<f64> {
    for value in &mut values[from..] {
        *value += by;
    }
    values
}

#[test]
fn splits_agree_with_scipy() {
    assert_eq!(rank::ranks(&TIED), [5.5, 1.0, 3.0, 3.0, 7.0, 5.5, 9.5, 9.5, 8.0, 3.0, 11.0]);
    for (values, at, statistic) in
        [(&TIED[..], 4, 2.203_551_872_426_113), (&NIGHTS, 29, 4.149_963_638_898_003)]
    {
        let best = rank::best_split(&rank::ranks(values), 2).unwrap();
        assert_eq!(best.at, at);
        close(best.statistic, statistic);
    }
    for (values, at, statistic) in
        [(&TIED[..], 6, 11.466_666_666_666_667), (&NIGHTS, 30, 0.429_889_920_424_403_77)]
    {
        let best = energy::best_split(values, 2).unwrap();
        assert_eq!(best.at, at);
        close(best.statistic, statistic);
    }
}

#[test]
fn a_step_is_found_where_it_is() {
    for splitter in [Splitter::RankMaxT, Splitter::Energy] {
        let found = found(&NIGHTS, splitter);
        assert_eq!(found.len(), 1, "{found:?}");
        let change = found[0];
        assert!((29..=30).contains(&change.index) && change.confidence >= 0.995, "{change:?}");
        assert!((0.05..0.07).contains(&change.shift), "{change:?}");
        assert!(change.between.0 <= 30 && 30 <= change.between.1, "{change:?}");
        assert!(change.between.1 - change.between.0 <= 6, "{change:?}");
    }
}

#[test]
fn steps_in_both_directions_are_found_apart() {
    let plain = noise(90, 0.01, 0.0, Seed(5));
    let values = shifted(shifted(plain, 30, 0.10), 60, -0.06);
    for splitter in [Splitter::RankMaxT, Splitter::Energy] {
        let found = found(&values, splitter);
        let places: Vec<usize> = found.iter().map(|change| change.index).collect();
        assert_eq!(places, [30, 60], "{splitter:?}");
        assert!(found[0].shift > 0.08 && found[1].shift < -0.04, "{found:?}");
    }
}

#[test]
fn what_is_small_short_constant_or_not_finite_is_no_change() {
    for splitter in [Splitter::RankMaxT, Splitter::Energy] {
        for values in [
            vec![],
            vec![1.0],
            vec![1.0, 2.0, 3.0],
            vec![0.0; 50],
            shifted(noise(60, 0.001, 0.0, Seed(6)), 30, 0.02),
            shifted([0.0, f64::NAN].repeat(30), 30, 1.0),
            shifted([0.0, f64::INFINITY].repeat(30), 30, 1.0),
        ] {
            assert_eq!(found(&values, splitter), [], "{splitter:?} {values:?}");
        }
    }
    // One wild night is neither a segment of its own nor a step.
    let mut values = noise(60, 0.01, 0.0, Seed(7));
    values[40] += 0.5;
    assert_eq!(found(&values, Splitter::RankMaxT), []);
}

/// How many of `count` series of 60 nights have any change point.
fn series_with_changes(splitter: Splitter, count: u64, correlation: f64) -> u64 {
    let root = Seed(11).child("false changes");
    let hit = |index: u64| {
        let values = noise(60, 0.025, correlation, root.at(index));
        !change_points(&values, &policy(splitter), root.at(index)).is_empty()
    };
    (0..count).filter(|&index| hit(index)).count() as u64
}

/// The permutation test is exact for nights without memory: 0.5 % of the series, and fewer after the magnitude. Nights that
/// remember each other make it worse: bounded here, not promised away.
#[test]
fn false_changes_are_as_rare_as_the_level_says() {
    for (splitter, series) in [(Splitter::RankMaxT, 1_000), (Splitter::Energy, 200)] {
        let white = series_with_changes(splitter, series, 0.0);
        let (low, _) = clopper_pearson(white, series, 0.01);
        assert!(low <= 0.005, "{splitter:?}: {white} of {series} series without memory");
    }
    let remembering = series_with_changes(Splitter::RankMaxT, 1_000, 0.3);
    let (_, high) = clopper_pearson(remembering, 1_000, 0.05);
    assert!(high <= 0.08, "{remembering} of 1000 series with a correlation of 0.3");
}

/// The interval of the place covers the true night in nine of ten series.
#[test]
fn intervals_of_the_place_cover_it() {
    let (mut covered, mut found, mut nights) = (0, 0, 0);
    for index in 0..120 {
        let seed = Seed(12).child("cover").at(index);
        let values = shifted(noise(50, 0.03, 0.0, seed), 25, 0.06);
        if let [change] = change_points(&values, &ChangePolicy::default(), seed)[..] {
            found += 1;
            covered += u64::from(change.between.0 <= 25 && 25 <= change.between.1);
            nights += change.between.1 - change.between.0 + 1;
        }
    }
    let (_, high) = clopper_pearson(covered, found, 0.05);
    assert!(found >= 100 && high >= 0.9, "{covered} of {found}");
    assert!((nights as f64 / found as f64) < 8.0, "{nights} nights in {found} intervals");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A larger step is never found with less confidence, and a unit never matters on a log scale.
    #[test]
    fn larger_steps_are_not_lost_and_units_do_not_matter(seed in 0..1_000_u64, step in 0.06..0.2_f64, unit in -8.0..8.0_f64) {
        let plain = noise(40, 0.01, 0.0, Seed(seed));
        let values = shifted(plain.clone(), 20, step);
        let larger = found(&shifted(plain, 20, 2.0 * step), Splitter::RankMaxT);
        let found_here = found(&values, Splitter::RankMaxT);
        prop_assert!(found_here.iter().any(|change| change.index == 20), "{:?}", found_here);
        prop_assert!(larger.iter().any(|change| change.index == 20 && change.confidence >= found_here[0].confidence - 1e-12));
        // Rounded to a billionth, so that equal values stay equal.
        let moved: Vec<f64> = values.iter().map(|value| ((value + unit) * 1e9).round() / 1e9).collect();
        let still: Vec<f64> = values.iter().map(|value| (value * 1e9).round() / 1e9).collect();
        let places = |values: &[f64]| -> Vec<usize> { found(values, Splitter::RankMaxT).iter().map(|change| change.index).collect() };
        prop_assert_eq!(places(&moved), places(&still));
    }

    #[test]
    fn equal_series_and_seeds_give_equal_answers(seed in 0..1_000_u64) {
        let values = shifted(noise(30, 0.02, 0.2, Seed(seed)), 12, 0.08);
        for splitter in [Splitter::RankMaxT, Splitter::Energy] {
            prop_assert_eq!(found(&values, splitter), found(&values, splitter));
        }
        let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
        let changes = |values: &[f64]| -> Vec<usize> { found(values, Splitter::RankMaxT).iter().map(|change| change.index).collect() };
        prop_assert_eq!(changes(&values), changes(&mirrored));
    }
}
