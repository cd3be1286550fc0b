//! The simulator on a socket: the engines' APIs, declared here anew so that two readings check each other.

mod api;
mod clock;
mod complete;
mod declined;
mod driver;
mod grpc;
mod meta;
mod metrics;
mod prompt;
mod routes;
mod service;
mod stream;
mod truth;
mod voice;

#[cfg(test)]
mod tests;

pub use service::{Simulator, StartError, serve};
pub use truth::{TruthOutcome, TruthRow};
