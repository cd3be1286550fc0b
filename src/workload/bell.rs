//! Bell curves by inversion: one uniform number gives one value, so draws stay countable and independent.

use crate::stats::{normal_cdf, normal_quantile};

/// A normal law, plain or of logarithms, between two probabilities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quantiles {
    /// Mean and standard deviation on the scale on which the law is normal.
    centre: f64,
    scale: f64,
    logarithmic: bool,
    from: f64,
    to: f64,
}

impl Quantiles {
    pub(super) fn normal(mean: f64, sd: f64) -> Self {
        Self { centre: mean, scale: sd, logarithmic: false, from: 0.0, to: 1.0 }
    }

    /// The lognormal law whose values have this mean and standard deviation: σ² = ln(1 + sd²/mean²), μ = ln mean − σ²/2
    /// (Crow and Shimizu 1988).
    pub(super) fn log_normal(mean: f64, sd: f64) -> Self {
        let variance = (sd / mean).powi(2).ln_1p();
        Self {
            centre: mean.ln() - variance / 2.0,
            scale: variance.sqrt(),
            logarithmic: true,
            from: 0.0,
            to: 1.0,
        }
    }

    /// The same law, given that the value lies between `low` and `high`.
    pub(super) fn between(self, low: f64, high: f64) -> Self {
        let cdf = |value: f64| {
            let value = if self.logarithmic { value.max(0.0).ln() } else { value };
            normal_cdf((value - self.centre) / self.scale)
        };
        Self { from: cdf(low), to: cdf(high), ..self }
    }

    /// The value below which the share `unit` of the law lies.
    pub(super) fn at(&self, unit: f64) -> f64 {
        let value = self.centre + self.scale * normal_quantile(self.from + unit * (self.to - self.from));
        if self.logarithmic { value.exp() } else { value }
    }
}

/// Uniform in `[0, 1)` from 64 uniform bits.
pub(super) fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}
