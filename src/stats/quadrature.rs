//! Integrals and interpolation of smooth functions on an interval.

use std::f64::consts::PI;

/// Nodes and weights of Gauss and Legendre on `-1..=1`.
#[derive(Debug, Clone)]
pub(super) struct Rule(Vec<(f64, f64)>);

impl Rule {
    /// `count` nodes by Newton's method from Tricomi's guess: exact for polynomials below degree 2·`count`.
    pub(super) fn new(count: usize) -> Self {
        let node = |index: usize| {
            let mut x = (PI * (index as f64 + 0.75) / (count as f64 + 0.5)).cos();
            let mut slope = 1.0;
            for _ in 0..8 {
                let (mut before, mut value) = (1.0, x);
                for degree in 2..=count {
                    let degree = degree as f64;
                    (before, value) =
                        (value, ((2.0 * degree - 1.0) * x * value - (degree - 1.0) * before) / degree);
                }
                slope = count as f64 * (x * value - before) / (x * x - 1.0);
                x -= value / slope;
            }
            (x, 2.0 / ((1.0 - x * x) * slope * slope))
        };
        Self((0..count).map(node).collect())
    }

    /// Nodes and weights on an interval, which is cut into equal panels no wider than `widest`. None when it is empty.
    pub(super) fn on(&self, low: f64, high: f64, widest: f64) -> impl Iterator<Item = (f64, f64)> {
        let panels = if high > low { ((high - low) / widest).ceil().max(1.0) } else { 0.0 };
        let half = (high - low) / panels / 2.0;
        (0..panels as u32).flat_map(move |panel| {
            let middle = low + half * (2.0 * f64::from(panel) + 1.0);
            self.0.iter().map(move |&(x, weight)| (middle + half * x, half * weight))
        })
    }
}

/// Coefficients of chances that change no digit.
const NEGLIGIBLE: f64 = 1e-12;

/// A function on an interval by its Chebyshev coefficients; constant beyond its ends.
#[derive(Debug, Clone)]
pub(super) struct Chebyshev {
    low: f64,
    high: f64,
    coefficients: Vec<f64>,
}

impl Chebyshev {
    /// Reads the function at `count` Chebyshev points.
    pub(super) fn fit(low: f64, high: f64, count: usize, function: impl Fn(f64) -> f64) -> Self {
        let angle = |point: usize| PI * (point as f64 + 0.5) / count as f64;
        let at = |point| function(f64::midpoint(low, high) + (high - low) / 2.0 * f64::cos(angle(point)));
        let values: Vec<f64> = (0..count).map(at).collect();
        let coefficient = |order: usize| {
            let sum: f64 = values
                .iter()
                .enumerate()
                .map(|(point, value)| value * (order as f64 * angle(point)).cos())
                .sum();
            2.0 * sum / count as f64
        };
        let mut coefficients: Vec<f64> = (0..count).map(coefficient).collect();
        let kept = coefficients.iter().rposition(|value| value.abs() > NEGLIGIBLE).map_or(1, |last| last + 1);
        coefficients.truncate(kept);
        Self { low, high, coefficients }
    }

    /// The value at `x` by Clenshaw's recurrence (1955).
    pub(super) fn at(&self, x: f64) -> f64 {
        let x = ((2.0 * x - self.low - self.high) / (self.high - self.low)).clamp(-1.0, 1.0);
        let (mut one, mut two) = (0.0, 0.0);
        for &coefficient in self.coefficients.iter().skip(1).rev() {
            (one, two) = (2.0 * x * one - two + coefficient, one);
        }
        x * one - two + self.coefficients.first().map_or(0.0, |first| first / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_integrated_and_smooth_functions_are_followed() {
        let integral: f64 = Rule::new(5).on(-1.0, 3.0, 9.0).map(|(x, weight)| weight * x.powi(9)).sum();
        assert!((integral - (3_f64.powi(10) - 1.0) / 10.0).abs() < 1e-9, "{integral}");
        let cut: f64 = Rule::new(8).on(0.0, PI, 0.4).map(|(x, weight)| weight * x.sin()).sum();
        assert!((cut - 2.0).abs() < 1e-14, "{cut}");
        assert_eq!(Rule::new(8).on(1.0, 1.0, 0.1).count() + Rule::new(8).on(1.0, 0.0, 0.1).count(), 0);
        let sine = Chebyshev::fit(-2.0, 1.0, 20, f64::sin);
        for x in [-2.0, -1.1, 0.0, 0.37, 1.0] {
            assert!((sine.at(x) - x.sin()).abs() < 1e-11, "{x}");
        }
        assert!((sine.at(5.0) - 1_f64.sin()).abs() < 1e-11);
    }
}
