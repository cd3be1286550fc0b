//! One binary for every test of the program as a whole.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot set its stage should stop there, and may read the machine it runs on"
)]

mod action;
mod analyze;
mod bisect;
mod containers;
mod data;
mod dcgm;
mod doctor;
mod examples;
mod gate;
mod generated;
mod github;
mod gpus;
mod history;
mod import;
mod launch;
mod loads;
mod merge;
mod planning;
mod recommend;
mod run;
mod search;
mod server;
mod stage;
mod store;
mod tidy;
mod validate;
