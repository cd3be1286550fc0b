//! Rows to numbers: windows, latencies, throughput, goodput, failures.

mod distribution;
mod flow;
mod goodput;
mod latency;
mod summarize;
mod summary;

pub use distribution::Distribution;
pub use summarize::summarize;
pub use summary::{Concurrency, Goodput, SloCount, Steady, Summary, TokenTotals, Window};

#[cfg(test)]
mod tests;
