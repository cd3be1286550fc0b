//! Rows to numbers: windows, latencies, throughput, goodput, failures.

mod bins;
mod distribution;
mod flow;
mod goodput;
mod grid;
mod latency;
mod points;
mod series;
mod summarize;
mod summary;

pub use distribution::Distribution;
pub use series::{Point, Series, Slice};
pub use summarize::summarize;
pub use summary::{Concurrency, Goodput, SloCount, Steady, Summary, TokenTotals, Window};

#[cfg(test)]
mod tests;
