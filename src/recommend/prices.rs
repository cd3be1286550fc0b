//! What an hour of a GPU costs.

use std::collections::BTreeMap;

use super::{Gpu, RecommendError};

/// Round figures of the order of on-demand list prices in US dollars per GPU and hour. They are no quotes.
pub const EXAMPLE_PRICES: [(&str, f64); 14] = [
    ("b200", 5.5),
    ("h200", 3.8),
    ("h100-sxm", 3.0),
    ("h100-pcie", 2.5),
    ("a100-80g", 1.8),
    ("a100-40g", 1.3),
    ("a100-pcie-80g", 1.6),
    ("l40s", 1.1),
    ("rtx-6000-ada", 0.9),
    ("rtx-4090", 0.6),
    ("l4", 0.7),
    ("a10g", 1.0),
    ("t4", 0.5),
    ("mi300x", 3.0),
];

/// Prices by id of GPU, and where they are from.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices {
    pub usd_per_hour: BTreeMap<&'static str, f64>,
    pub origin: String,
}

impl Prices {
    /// Those of `EXAMPLE_PRICES`, called what they are.
    pub fn example() -> Self {
        Self {
            usd_per_hour: BTreeMap::from(EXAMPLE_PRICES),
            origin: "examples of 2025 in round figures, no quotes: give your own with --prices".to_owned(),
        }
    }

    /// Prices that were given, in US dollars per GPU and hour; GPUs without one have none.
    pub fn given<'a>(
        rows: impl IntoIterator<Item = (&'a str, f64)>,
        origin: String,
    ) -> Result<Self, RecommendError> {
        let mut usd_per_hour = BTreeMap::new();
        for (name, usd) in rows {
            let gpu = Gpu::named(name)?;
            if !(usd.is_finite() && usd > 0.0) {
                return Err(RecommendError::Value {
                    field: "--prices",
                    value: format!("{name}: {usd}"),
                    problem: "not a positive price".to_owned(),
                    hint: "write US dollars per GPU and hour, for example h100-sxm: 2.9",
                });
            }
            usd_per_hour.insert(gpu.id, usd);
        }
        Ok(Self { usd_per_hour, origin })
    }
}
