//! What to ask and when: lengths, prompts, arrivals and token counting, as data that exists before the first byte.

mod arrivals;
mod dataset;
mod pace;
mod schedule;
mod shape;
mod synthetic;
mod tokens;

pub use arrivals::{ArrivalsError, due};
pub use dataset::{DatasetError, JsonlPrompt, JsonlPrompts};
pub use pace::{Pace, Starts};
pub use schedule::{Schedule, ScheduleError, Turn, Visit};
pub use shape::{Arrivals, Dataset, Lengths, Level, Limit, Load, Workload};
pub use synthetic::SyntheticPrompts;
pub use tokens::{TokenCounter, TokenizerError};

#[cfg(test)]
mod tests;
