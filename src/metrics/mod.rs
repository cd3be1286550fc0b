//! Rows to numbers: windows, latencies, throughput, goodput, failures.

mod distribution;
mod summary;

pub use distribution::Distribution;
pub use summary::{Concurrency, Goodput, SloCount, Steady, Summary, TokenTotals, Window};
