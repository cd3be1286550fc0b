//! Measurements of the hardware under test: GPUs by NVML, which is loaded at run time where a driver has installed it.

mod course;
mod gpus;
mod reading;
mod sampler;

pub use gpus::{GpuFacts, Gpus, gpus};
pub use reading::LIBRARY;
pub use sampler::{GpuCourses, GpuSampler};
