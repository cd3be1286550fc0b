//! A step of a GitHub workflow: what started it, what it may use, and who is told how it ended.

mod baselines;
mod ending;
mod offer;
mod publish;
mod runner;
mod step;

pub use ending::{Ending, Finished};
pub use offer::Offered;
pub use runner::Runner;
pub use step::{Step, action_plan};
