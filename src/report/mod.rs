//! Documents to text: pure, and without opinions of their own.

pub mod analysis;
pub mod command;
pub mod console;
pub mod csv;
pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod number;
pub mod vllm;
pub mod workflow;

mod cell;
mod curve;
mod doctor;
mod forecast;
mod found;
mod hardware;
mod history;
mod recommend;
mod search;
mod server;
mod text;

#[cfg(test)]
mod tests;

pub use text::plain;
