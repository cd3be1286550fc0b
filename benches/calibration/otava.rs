//! Apache Otava's recipe for change points of a series: energy splits, a t-test, and a merge by p-value and magnitude.

use std::ops::Range;

use llm_loadtest::stats::student_cdf;

/// Nights that are split at once.
const WINDOW: usize = 50;
const WEAK: f64 = 0.01;
const STRONG: f64 = 0.001;
const MAGNITUDE: f64 = 0.05;
/// A change point so old is no news.
const RECENT: usize = 14;

/// Whether the series changed for the worse within the last nights. Values larger than zero; larger is worse.
pub(crate) fn alarm(values: &[f64]) -> bool {
    let values = &values[values.len().saturating_sub(WINDOW)..];
    let mut points = Vec::new();
    split(values, 0..values.len(), &mut points);
    points.sort_unstable();
    merge(values, &mut points);
    points.iter().enumerate().any(|(index, &at)| {
        let (left, right) = sides(values, &points, index);
        at + RECENT >= values.len() && mean(right) > mean(left)
    })
}

/// Splits where the energy distance is largest (Matteson and James 2014), as long as a t-test finds the sides different.
fn split(values: &[f64], range: Range<usize>, points: &mut Vec<usize>) {
    let Some(at) = best(&values[range.clone()]).map(|at| range.start + at) else { return };
    if p_value(&values[range.start..at], &values[at..range.end]) < WEAK {
        points.push(at);
        split(values, range.start..at, points);
        split(values, at..range.end, points);
    }
}

/// The split with the largest scaled energy distance; both sides have two values or more.
fn best(values: &[f64]) -> Option<usize> {
    let distance = |at: usize, range: Range<usize>| -> f64 {
        values[range].iter().map(|other| (values[at] - other).abs()).sum()
    };
    let count = values.len();
    let all: f64 = (0..count).map(|at| distance(at, at..count)).sum();
    let (mut left, mut between) = (0.0, 0.0);
    let mut best: Option<(usize, f64)> = None;
    for at in 1..count {
        // The value before `at` moves to the left side.
        let (back, ahead) = (distance(at - 1, 0..at - 1), distance(at - 1, at..count));
        left += back;
        between += ahead - back;
        let (m, n) = (at as f64, (count - at) as f64);
        if at < 2 || count - at < 2 {
            continue;
        }
        let right = all - left - between;
        let energy = 2.0 * between / (m * n) - 2.0 * left / (m * (m - 1.0)) - 2.0 * right / (n * (n - 1.0));
        let scaled = energy * m * n / (m + n);
        if best.is_none_or(|(_, most)| scaled > most) {
            best = Some((at, scaled));
        }
    }
    best.map(|(at, _)| at)
}

/// Takes out the weakest point as long as one is not significant or too small.
fn merge(values: &[f64], points: &mut Vec<usize>) {
    loop {
        let judged: Vec<(f64, f64)> = (0..points.len())
            .map(|index| {
                let (left, right) = sides(values, points, index);
                let ratio = mean(right) / mean(left);
                (p_value(left, right), ratio.max(1.0 / ratio) - 1.0)
            })
            .collect();
        let by = |key: fn(&(f64, f64)) -> f64| {
            let order = |left: &usize, right: &usize| key(&judged[*left]).total_cmp(&key(&judged[*right]));
            (0..judged.len()).max_by(order)
        };
        let (Some(unsure), Some(small)) = (by(|judged| judged.0), by(|judged| -judged.1)) else { return };
        if judged[unsure].0 >= STRONG {
            points.remove(unsure);
        } else if judged[small].1 <= MAGNITUDE {
            points.remove(small);
        } else {
            return;
        }
    }
}

/// The values between the neighbours of a point, on both sides of it.
fn sides<'a>(values: &'a [f64], points: &[usize], index: usize) -> (&'a [f64], &'a [f64]) {
    let from = if index == 0 { 0 } else { points[index - 1] };
    let to = points.get(index + 1).copied().unwrap_or(values.len());
    (&values[from..points[index]], &values[points[index]..to])
}

/// Student's two-sample test from population sds, as the tool computes it.
fn p_value(left: &[f64], right: &[f64]) -> f64 {
    let (m, n) = (left.len() as f64, right.len() as f64);
    let freedom = m + n - 2.0;
    if freedom <= 0.0 {
        return 1.0;
    }
    let population = |values: &[f64]| {
        let mean = mean(values);
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
    };
    let pooled = ((m - 1.0) * population(left) + (n - 1.0) * population(right)) / freedom;
    let t = (mean(left) - mean(right)).abs() / (pooled * (1.0 / m + 1.0 / n)).sqrt();
    if t.is_finite() { 2.0 * student_cdf(-t, freedom) } else { 1.0 }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
