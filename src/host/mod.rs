//! This machine: real clock, environment, files, signals, limits, own usage.

mod clock;
pub mod commands;
pub mod env;
pub mod files;
mod journal;
pub mod limits;
mod machine;
pub mod network;
mod nonce;
mod owner;
mod priority;
pub mod signals;
mod strain;
mod system;
pub mod usage;

pub use clock::{RealClock, epoch, http_date};
pub use journal::{Journal, JournalError};
pub use machine::{MachineFacts, machine};
pub use nonce::nonce;
pub use owner::Owner;
pub use priority::stand_back;
pub use strain::{Strain, ports, strain};
pub use system::{SystemFacts, system};
