//! A continuous-batching LLM server as pure arithmetic: no clock, no socket, and equal seeds give equal answers.

mod batch;
mod cost;
mod counters;
mod engine;
mod fault;
mod kv;
mod outbox;
mod profile;
mod sequence;
mod spec;

#[cfg(test)]
mod tests;

pub use batch::{Model, Refusal, SimAsk};
pub use counters::{Counters, Gauges, Histogram};
pub use engine::Engine;
pub use fault::FaultRates;
pub use kv::BLOCK_TOKENS;
pub use outbox::{Emission, Ticket, What};
pub use profile::Profile;
pub use spec::{SimSpec, SpecError};
