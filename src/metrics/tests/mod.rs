//! Every metric against rows small enough to reckon by hand, and properties over rows of any kind.

mod course;
mod flows;
mod latencies;
mod properties;
mod rows;
