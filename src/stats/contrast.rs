//! A difference with its standard error: what a test and an interval are read from.

use super::{student_cdf, student_quantile};

/// An estimate that is t-distributed around the truth. Invariant: `se` > 0, `freedom` > 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    pub difference: f64,
    pub se: f64,
    /// Degrees of freedom, fractional or infinite.
    pub freedom: f64,
}

impl Contrast {
    /// The difference over its standard error.
    pub fn standardised(&self) -> f64 {
        self.difference / self.se
    }

    /// One-sided p-value of "the truth is at most `limit`": small when it is shown to be above.
    pub fn p_above(&self, limit: f64) -> f64 {
        // The lower tail of the mirrored statistic keeps its digits where 1 − F loses them.
        student_cdf((limit - self.difference) / self.se, self.freedom)
    }

    /// One-sided p-value of "the truth is at least `limit`": small when it is shown to be below.
    pub fn p_below(&self, limit: f64) -> f64 {
        student_cdf((self.difference - limit) / self.se, self.freedom)
    }

    /// Two-sided p-value of "the truth is zero".
    pub fn p_nonzero(&self) -> f64 {
        (2.0 * student_cdf(-self.standardised().abs(), self.freedom)).min(1.0)
    }

    /// The interval that misses the truth on each side with probability `tail`.
    pub fn interval(&self, tail: f64) -> (f64, f64) {
        let half = student_quantile(1.0 - tail, self.freedom) * self.se;
        (self.difference - half, self.difference + half)
    }

    /// The distance above a limit that a one-sided test at `level` finds with about the probability `power`: (t₁₋ₐ + t₁₋ᵦ)·se.
    pub fn reach(&self, level: f64, power: f64) -> f64 {
        (student_quantile(1.0 - level, self.freedom) + student_quantile(power, self.freedom)) * self.se
    }
}

/// One independent part of a variance, with the degrees of freedom of its estimate: infinite when it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    pub variance: f64,
    pub freedom: f64,
}

/// Standard error and degrees of freedom of a sum of variances (Satterthwaite 1946; Welch 1947). Infinite freedom when every part is known.
pub fn satterthwaite(parts: &[Part]) -> (f64, f64) {
    let total: f64 = parts.iter().map(|part| part.variance).sum();
    let uncertainty: f64 = parts.iter().map(|part| part.variance.powi(2) / part.freedom).sum();
    let freedom = if uncertainty > 0.0 { total.powi(2) / uncertainty } else { f64::INFINITY };
    (total.sqrt(), freedom)
}
