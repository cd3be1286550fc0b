//! Measurements of the hardware under test: GPUs by NVML, which is loaded at run time where a driver has installed it.

mod course;
mod gpus;
mod logs;
mod reading;
mod sampler;

pub use gpus::{GpuFacts, Gpus, gpus};
pub use logs::{LogCourse, LogFollower};
pub use sampler::{GpuCourses, GpuSampler};
