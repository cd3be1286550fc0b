//! What was asked, and what happened: the nouns of a measurement.

mod ask;
mod environment;
mod metric;
mod outcome;
mod row;

pub use ask::Ask;
pub use environment::{Environment, Gpu};
pub use metric::{Better, Metric, MetricKey, ParseMetricError, Stat, Unit};
pub use outcome::{Failure, FailureClass, Outcome};
pub use row::{Chunk, Phase, Row, TokenSource, Usage};
