//! The highest load that holds its SLOs: which level to measure next, and what the windows measured so far say.

mod answer;
mod evidence;
mod next;
mod policy;
mod record;
#[cfg(test)]
mod tests;

pub use answer::{Answer, Outcome, answer};
pub use evidence::{Level, Standing, Window, disagree, levels};
pub use next::{Next, Stopped, next};
pub use policy::{ALPHA, Goal, Ground, Policy, WINDOWS_MAX};
pub use record::{Idle, Search};
