//! The arithmetic against published counts, laws, published measurements, and a simulated server.

mod calibration;
mod counts;
mod formulas;
mod laws;
mod published;
mod simulated;

use super::{Ask, Demand, GPUS, Gpu, KvPrecision, Lengths, Limits, Precision, Prices, named};

/// A question about one GPU, without limits.
fn ask(model: &str, gpu: &str, rate: f64) -> Ask {
    let model = named(model).unwrap();
    Ask {
        precision: model.published.unwrap_or(Precision::Bf16),
        model,
        demand: Demand::Rate(rate),
        lengths: Lengths { input: 1024.0, output: 256.0, patches: 0.0 },
        limits: Limits::default(),
        attainment: 0.95,
        headroom: 0.2,
        gpus: if gpu.is_empty() { GPUS.iter().collect() } else { vec![Gpu::named(gpu).unwrap()] },
        kv: KvPrecision::Bf16,
        max_gpus: None,
        prices: Prices::example(),
        calibration: None,
    }
}
