//! This machine: real clock, environment, signals, limits, own usage.

pub mod clock;
pub mod env;
pub mod limits;
mod machine;
pub mod signals;
pub mod usage;

pub use machine::{MachineFacts, machine};
