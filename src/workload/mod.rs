//! What to ask and when: lengths, prompts, arrivals and token counting, as data that exists before the first byte.

mod arrivals;
mod bell;
mod cancel;
mod curve;
mod datasets;
mod draw;
mod lengths;
mod pace;
mod parts;
mod pause;
mod replay;
mod schedule;
mod shape;
mod sonnet;
mod source;
mod synthetic;
mod tokens;
mod trace;
mod work;

pub use arrivals::{ArrivalsError, due};
pub use cancel::{cancel_after, cancel_text};
pub use curve::{Curve, Piece};
pub use datasets::{DataFile, DataFormat, DatasetError, Place, Problem, Record, Records, Said};
pub use lengths::{Bell, Column, Lengths, TOKENS_MAX};
pub use pace::{Pace, Shard, ShardError, Starts};
pub use parts::{Part, Servers, UrlStrategy};
pub use pause::Pause;
pub use replay::ReplayError;
pub use schedule::{Schedule, ScheduleError, Turn, Visit};
pub use shape::{Arrivals, Level, Limit, Load, Replay, TimeUnit, TraceFile};
pub use source::{Source, SourceError, TURNS_MAX};
pub use synthetic::SyntheticPrompts;
pub use tokens::{TokenCounter, TokenizerError};
pub use trace::{Trace, TraceError, TraceFormat};
pub use work::{CacheLabel, Cancelling, Conversation, Dataset, Prefix, Weighted, Workload};

#[cfg(test)]
mod tests;
