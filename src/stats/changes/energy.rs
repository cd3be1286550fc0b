//! The split with the largest energy distance.

use super::Split;

/// The largest `Q(τ, κ) = nm/(n + m) · (2 E|X − Y| − E|X − X′| − E|Y − Y′|)` over all splits τ of all beginnings of length κ,
/// X the n nights before τ and Y the m nights from τ to κ (Matteson and James 2014, equations 2.5 to 2.7, exponent 1;
/// the means within a part are over distinct pairs). None where the series is too short or constant.
pub(super) fn best_split(values: &[f64], least: usize) -> Option<Split> {
    let count = values.len();
    let least = least.max(2);
    if count < 2 * least {
        return None;
    }
    let sums = distances(values);
    // The sum of distances between nights of `a..b` and nights of `c..d`.
    let width = count + 1;
    let block = |a: usize, b: usize, c: usize, d: usize| {
        sums[b * width + d] - sums[a * width + d] - sums[b * width + c] + sums[a * width + c]
    };
    let mut best: Option<Split> = None;
    for at in least..=count - least {
        let n = at as f64;
        let within_first = block(0, at, 0, at) / (n * (n - 1.0));
        for end in at + least..=count {
            let m = (end - at) as f64;
            let between = 2.0 * block(0, at, at, end) / (n * m);
            let within_second = block(at, end, at, end) / (m * (m - 1.0));
            let statistic = n * m / (n + m) * (between - within_first - within_second);
            if statistic > 0.0 && best.is_none_or(|best| statistic > best.statistic) {
                best = Some(Split { at, statistic });
            }
        }
    }
    best
}

/// Sums of |xᵢ − xⱼ| over i below the row and j below the column, one row after the other.
fn distances(values: &[f64]) -> Vec<f64> {
    let width = values.len() + 1;
    let mut sums = vec![0.0; width * width];
    for (row, left) in values.iter().enumerate() {
        let mut along = 0.0;
        for (column, right) in values.iter().enumerate() {
            along += (left - right).abs();
            sums[(row + 1) * width + column + 1] = sums[row * width + column + 1] + along;
        }
    }
    sums
}
