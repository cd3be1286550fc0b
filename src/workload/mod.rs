//! What to ask and when: lengths, prompts, arrivals and token counting, as data that exists before the first byte.

mod arrivals;
mod curve;
mod dataset;
mod pace;
mod replay;
mod schedule;
mod shape;
mod synthetic;
mod tokens;
mod trace;

pub use arrivals::{ArrivalsError, due};
pub use curve::{Curve, Piece};
pub use dataset::{DatasetError, JsonlPrompt, JsonlPrompts};
pub use pace::{Pace, Shard, ShardError, Starts};
pub use replay::ReplayError;
pub use schedule::{Schedule, ScheduleError, Turn, Visit};
pub use shape::{Arrivals, Dataset, Lengths, Level, Limit, Load, Replay, TimeUnit, TraceFile, Workload};
pub use synthetic::SyntheticPrompts;
pub use tokens::{TokenCounter, TokenizerError};
pub use trace::{Trace, TraceError, TraceFormat};

#[cfg(test)]
mod tests;
