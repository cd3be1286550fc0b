//! Flags in, exit code out.

pub mod args;
mod bisect;
mod dispatch;
mod exit;
mod history;
mod load;
mod panel;
mod printer;
mod progress;

pub use dispatch::main;
