//! Sign flips: tests that need no normal law, only differences that are as likely to point one way as the other (Fisher 1935).
//!
//! Where the truth is the limit and the order inside a pair was drawn by chance, every pattern of signs of the differences
//! from the limit is as likely as the one seen. All of them are tried, so the p-values are exact.

use std::ops::RangeInclusive;

/// Differences whose sign patterns can all be tried: a trimmed mean needs three, and twenty have a million patterns.
const COUNTS: RangeInclusive<usize> = 3..=20;
/// Statistics that differ by less than this share of their scale are equal.
const TIE: f64 = 1e-12;
/// Doublings that reach any limit that could be accepted, and halvings that find it to the last digit worth having.
const STEPS_MAX: usize = 60;

/// One-sided p-values of "the centre is at most `limit`" and "it is at least `limit`": the share of all sign patterns whose
/// trimmed mean (without the smallest and the largest) lies as far above, or below, as the one seen. With k differences
/// neither falls below 2¹⁻ᵏ. None for fewer than 3 differences, more than 20, or any that is not finite.
pub fn sign_flip(differences: &[f64], limit: f64) -> Option<(f64, f64)> {
    let usable = COUNTS.contains(&differences.len()) && differences.iter().all(|value| value.is_finite());
    (usable && limit.is_finite()).then(|| shares(differences, limit))
}

/// The mean without the smallest and the largest value; none for fewer than 3.
pub fn trimmed_mean(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let inner = sorted.get(1..sorted.len().checked_sub(1)?).filter(|inner| !inner.is_empty())?;
    Some(inner.iter().sum::<f64>() / inner.len() as f64)
}

/// The limits that the sign-flip test rejects on neither side at the one-sided level `tail`; an end is infinite where no
/// limit is rejected on that side. None as for `sign_flip`.
///
/// A limit that rises lowers the trimmed mean by as much as it can change that of any pattern, so the p-values are monotone
/// in it and the ends are found by bisection.
pub fn flip_interval(differences: &[f64], tail: f64) -> Option<(f64, f64)> {
    sign_flip(differences, 0.0)?;
    let mirrored: Vec<f64> = differences.iter().map(|value| -value).collect();
    Some((lower_end(differences, tail), -lower_end(&mirrored, tail)))
}

/// Adjusted p-values of "the centre of this row is at most its limit", one per row, that hold for all rows together: the
/// step-down max-t procedure (Westfall and Young 1993, algorithm 4.1) over all sign patterns. A pattern flips the same
/// places of every row, which keeps the rows' correlation. Rows are differences of the same pairs, at least 2 and at most 20;
/// none when they differ in length, when their number is not that of the limits, or when a number is not finite.
pub fn max_t(rows: &[Vec<f64>], limits: &[f64]) -> Option<Vec<f64>> {
    let count = rows.first().map_or(2, Vec::len);
    let finite = rows.iter().flatten().chain(limits).all(|value| value.is_finite());
    let even = rows.len() == limits.len() && rows.iter().all(|row| row.len() == count);
    if !(finite && even && (2..=*COUNTS.end()).contains(&count)) {
        return None;
    }
    // Flips keep the sum of squares, so t orders patterns as the standardised sum does.
    let sums: Vec<Sums> =
        rows.iter().zip(limits).map(|(row, &limit)| Sums::standardised(row, limit)).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|&left, &right| sums[right].of(0).total_cmp(&sums[left].of(0)));
    let mut reached = vec![0_u32; rows.len()];
    for pattern in 0..1_u32 << count {
        let mut largest = f64::NEG_INFINITY;
        for (&row, reached) in order.iter().zip(&mut reached).rev() {
            largest = largest.max(sums[row].of(pattern));
            *reached += u32::from(largest >= sums[row].of(0) - TIE);
        }
    }
    let mut adjusted = vec![1.0; rows.len()];
    let mut before = 0.0_f64;
    for (&row, &reached) in order.iter().zip(&reached) {
        before = before.max(f64::from(reached) / f64::from(1_u32 << count));
        adjusted[row] = before;
    }
    Some(adjusted)
}

/// The p-values of usable differences.
fn shares(differences: &[f64], limit: f64) -> (f64, f64) {
    let mut distances: Vec<f64> = differences.iter().map(|value| value - limit).collect();
    distances.sort_by(|left, right| left.abs().total_cmp(&right.abs()));
    let seen = (0..)
        .zip(&distances)
        .filter(|(_, value)| value.is_sign_negative())
        .fold(0, |seen, (place, _)| seen | 1 << place);
    let sizes: Vec<f64> = distances.iter().map(|value| value.abs()).collect();
    let sums = Sums::new(&sizes);
    let patterns = 1_u32 << sizes.len();
    let trimmed = |pattern: u32| {
        sums.of(pattern) - largest(&sizes, pattern) + largest(&sizes, !pattern & (patterns - 1))
    };
    let (value, tie) = (trimmed(seen), TIE * sizes.iter().sum::<f64>());
    let (mut above, mut below) = (0_u32, 0_u32);
    for pattern in 0..patterns {
        let other = trimmed(pattern);
        above += u32::from(other >= value - tie);
        below += u32::from(other <= value + tie);
    }
    (f64::from(above) / f64::from(patterns), f64::from(below) / f64::from(patterns))
}

/// The largest of ascending sizes, of which those in the pattern are negative.
fn largest(sizes: &[f64], pattern: u32) -> f64 {
    let positive = !pattern & ((1 << sizes.len()) - 1);
    match positive.checked_ilog2() {
        Some(place) => sizes[place as usize],
        None => -sizes[0],
    }
}

/// The largest limit that is rejected as too low; minus infinity when none is.
fn lower_end(differences: &[f64], tail: f64) -> f64 {
    let rejected = |limit: f64| shares(differences, limit).0 <= tail;
    let least = differences.iter().copied().fold(f64::INFINITY, f64::min);
    let most = differences.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut step = (most - least).max(least.abs() * TIE).max(f64::MIN_POSITIVE);
    let mut low = least;
    for _ in 0..STEPS_MAX {
        if rejected(low) {
            break;
        }
        low -= step;
        step *= 2.0;
    }
    if !rejected(low) {
        return f64::NEG_INFINITY;
    }
    // At the largest difference none is positive, and every pattern reaches as far.
    let mut high = most;
    for _ in 0..STEPS_MAX {
        let middle = f64::midpoint(low, high);
        if rejected(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Sums over all sign patterns: a bit of the pattern makes its place negative. Two tables of halves give any sum by one addition.
struct Sums {
    low: Vec<f64>,
    high: Vec<f64>,
}

/// Places in the first table.
const HALF: usize = 10;

impl Sums {
    fn new(values: &[f64]) -> Self {
        let (low, high) = values.split_at(values.len().min(HALF));
        Self { low: table(low), high: table(high) }
    }

    /// Of a row, so that the sum is t over √(k − 1 + t²), which rises with t. Zero where every difference is the limit.
    fn standardised(row: &[f64], limit: f64) -> Self {
        let distances: Vec<f64> = row.iter().map(|value| value - limit).collect();
        let squares: f64 = distances.iter().map(|value| value * value).sum();
        let scale = (squares * row.len() as f64).sqrt();
        let scaled: Vec<f64> =
            distances.iter().map(|value| if scale > 0.0 { value / scale } else { 0.0 }).collect();
        Self::new(&scaled)
    }

    fn of(&self, pattern: u32) -> f64 {
        self.low[pattern as usize & (self.low.len() - 1)] + self.high[(pattern >> HALF) as usize]
    }
}

fn table(values: &[f64]) -> Vec<f64> {
    values.iter().fold(vec![0.0], |sums, value| {
        let (plus, minus) = (sums.iter().map(|sum| sum + value), sums.iter().map(|sum| sum - value));
        plus.chain(minus).collect()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `np.round(default_rng(4).normal(0.03, 0.05, 8), 4)`.
    const SEEN: [f64; 8] = [-0.0026, 0.0213, 0.1132, 0.063, -0.0521, 0.0297, -0.0012, 0.0374];

    /// Counts of 256 patterns by `scipy.stats.permutation_test((d - limit,), trim, permutation_type="samples",
    /// n_resamples=np.inf, alternative=…)` with `trim = lambda x: np.sort(x)[1:-1].mean()`.
    #[test]
    fn flips_agree_with_scipy() {
        for (limit, above, below) in
            [(0.0, 20.0, 237.0), (0.02, 104.0, 154.0), (0.05, 233.0, 25.0), (-0.02, 4.0, 253.0)]
        {
            assert_eq!(sign_flip(&SEEN, limit), Some((above / 256.0, below / 256.0)), "{limit}");
        }
        // Bisection of SciPy's p-values.
        let (low, high) = flip_interval(&SEEN, 0.05).unwrap();
        assert!((low + 0.0062).abs() < 1e-9 && (high - 0.059_15).abs() < 1e-9, "{low} {high}");
        assert!((flip_interval(&SEEN, 0.0227).unwrap().0 + 0.014_625).abs() < 1e-9);
    }

    /// Rows are `np.round(rng.multivariate_normal([0.05, 0.03, 0, 0.06], 0.0016 * (0.6 + 0.4 * np.eye(4)), 8).T, 4)` after the
    /// draws above; counts of 256 by the step-down maximum of t over `itertools.product([1, -1], repeat=8)` in `NumPy`.
    #[test]
    fn the_largest_t_agrees_with_numpy() {
        let rows = [
            [0.1383, 0.0888, 0.0948, 0.0696, -0.0192, 0.0286, 0.1217, 0.0134],
            [0.0722, -0.0263, 0.0796, 0.0681, 0.0136, 0.0284, 0.0605, 0.002],
            [0.0363, 0.0, 0.0712, 0.0188, -0.0333, -0.0093, 0.0335, -0.0095],
            [0.1084, 0.0352, 0.1508, 0.0714, -0.0196, -0.0116, 0.1229, 0.0056],
        ]
        .map(Vec::from);
        let adjusted = max_t(&rows, &[0.0, 0.01, 0.02, 0.015]).unwrap();
        assert_eq!(adjusted, [9.0, 25.0, 182.0, 26.0].map(|count| count / 256.0));
    }

    #[test]
    fn too_few_too_many_and_no_numbers_have_no_answer() {
        for differences in [&[0.1, 0.2][..], &[0.1; 21], &[0.1, f64::NAN, 0.2], &[]] {
            assert_eq!((sign_flip(differences, 0.0), flip_interval(differences, 0.1)), (None, None));
        }
        assert_eq!(max_t(&[vec![1.0, 2.0], vec![1.0]], &[0.0, 0.0]), None);
        assert_eq!(max_t(&[vec![1.0, 2.0]], &[]), None);
        assert_eq!(max_t(&[vec![1.0]], &[0.0]), None);
        assert_eq!(max_t(&[], &[]), Some(vec![]));
        // Five differences reject nothing below 2⁻⁴, and identical ones tie with every single flip.
        assert_eq!(flip_interval(&[0.1, 0.2, 0.3, 0.4, 0.5], 0.05), Some((f64::NEG_INFINITY, f64::INFINITY)));
        assert_eq!(sign_flip(&[0.0; 8], 0.0), Some((1.0, 1.0)));
        assert_eq!(sign_flip(&[0.1; 8], 0.0), Some((9.0 / 256.0, 1.0)));
        let (low, high) = flip_interval(&[0.1; 8], 0.05).unwrap();
        assert!((low - 0.1).abs() < 1e-9 && (high - 0.1).abs() < 1e-9, "{low} {high}");
        assert_eq!(max_t(&[vec![0.1; 5], vec![0.0; 5]], &[0.0, 0.0]), Some(vec![1.0 / 32.0, 1.0]));
    }

    fn differences() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-0.2..0.3_f64, 3..10)
    }

    proptest! {
        #[test]
        fn flips_are_symmetric_unit_free_and_monotone(values in differences(), limit in -0.1..0.1_f64, more in 0.0..0.1_f64) {
            let (above, below) = sign_flip(&values, limit).unwrap();
            let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
            prop_assert_eq!(sign_flip(&mirrored, -limit), Some((below, above)));
            let scaled: Vec<f64> = values.iter().rev().map(|value| value * 8.0).collect();
            prop_assert_eq!(sign_flip(&scaled, limit * 8.0), Some((above, below)));
            let (later_above, later_below) = sign_flip(&values, limit + more).unwrap();
            prop_assert!(later_above >= above && later_below <= below);
        }

        #[test]
        fn an_interval_agrees_with_the_test(values in differences(), limit in -0.3..0.3_f64, tail in 0.02..0.3_f64) {
            let (low, high) = flip_interval(&values, tail).unwrap();
            let (above, below) = sign_flip(&values, limit).unwrap();
            prop_assume!((limit - low).abs() > 1e-9 && (limit - high).abs() > 1e-9);
            prop_assert_eq!(above <= tail, limit < low);
            prop_assert_eq!(below <= tail, limit > high);
        }

        #[test]
        fn adjusted_values_are_never_smaller_and_keep_their_order(rows in prop::collection::vec(prop::collection::vec(-0.2..0.3_f64, 7), 1..5)) {
            let limits = vec![0.0; rows.len()];
            let joint = max_t(&rows, &limits).unwrap();
            for (row, &adjusted) in rows.iter().zip(&joint) {
                let alone = max_t(std::slice::from_ref(row), &[0.0]).unwrap()[0];
                prop_assert!(adjusted >= alone && adjusted <= 1.0);
            }
            // A row twice, in another unit, changes nothing but its own entry.
            let mut doubled = rows.clone();
            doubled.push(rows[0].iter().map(|value| value * 4.0).collect());
            let again = max_t(&doubled, &vec![0.0; doubled.len()]).unwrap();
            prop_assert_eq!(&again[..rows.len()], &joint[..]);
            prop_assert_eq!(&again[rows.len()..], &joint[..1]);
        }
    }
}
