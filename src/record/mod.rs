//! What was asked, and what happened: the nouns of a measurement.

mod arm;
mod ask;
mod environment;
mod metric;
mod outcome;
mod row;
mod slo;

pub use arm::Arm;
pub use ask::{Ask, Cancel, Message, Prompt};
pub use environment::{Environment, Gpu};
pub use metric::{Better, Metric, MetricKey, ParseMetricError, Stat, Unit};
pub use outcome::{Failure, FailureClass, Outcome};
pub use row::{Chunk, Phase, Row, TokenSource, Usage};
pub use slo::Slo;
