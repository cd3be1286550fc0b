//! Measurements of the hardware under test.

mod gpus;

pub use gpus::{GpuFacts, gpus};
