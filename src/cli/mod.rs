//! Flags in, exit code out.

mod action;
mod analyze;
pub mod args;
mod bisect;
mod dispatch;
mod doctor;
mod exit;
mod first;
mod gpu;
mod history;
mod load;
mod panel;
mod printer;
mod progress;
mod recommend;
mod serve;

pub use dispatch::main;
