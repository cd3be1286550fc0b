//! `llm-loadtest`: load-test an LLM server and gate a change against a stored baseline.
//!
//! The rooms stand on floors and import strictly lower ones; ARCHITECTURE.md is the map and `tests/it/tidy.rs` the guard.

pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod diagnosis;
pub mod document;
pub mod engine;
pub mod gate;
pub mod github;
pub mod host;
pub mod launch;
pub mod metrics;
pub mod protocol;
pub mod recommend;
pub mod record;
pub mod report;
pub mod search;
pub mod server;
pub mod simulator;
pub mod stats;
pub mod store;
pub mod telemetry;
pub mod transport;
pub mod validity;
pub mod workload;
