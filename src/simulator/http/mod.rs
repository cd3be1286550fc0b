//! The simulator on a socket: vLLM's API, declared here anew so that two readings check each other.

mod answer;
mod clock;
mod driver;
mod metrics;
mod openai;
mod prompt;
mod routes;
mod service;
mod stream;
mod truth;

#[cfg(test)]
mod tests;

pub use service::{Simulator, StartError, serve};
pub use truth::{TruthOutcome, TruthRow};
