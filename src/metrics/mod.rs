//! Rows to numbers: windows, latencies, throughput, goodput, failures.

mod binned;
mod bins;
mod distribution;
mod energy;
mod flow;
mod fold;
mod goodput;
mod grid;
mod latencies;
mod latency;
mod points;
mod samples;
mod series;
mod summary;

pub use binned::HISTOGRAM_BOUNDS;
pub use distribution::Distribution;
pub use energy::{GpuMeans, gpu_values};
pub use fold::{Fold, Frame, Percentiles, SoFar, summarize};
pub use series::{Point, Series, Slice};
pub use summary::{Concurrency, Goodput, SloCount, Steady, Summary, TokenTotals, Window};

#[cfg(test)]
mod tests;
