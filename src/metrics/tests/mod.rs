//! Every metric against rows small enough to reckon by hand, and properties over rows of any kind.

mod course;
mod definition;
mod flows;
mod folding;
mod latencies;
mod properties;
mod rows;
