//! What was asked, and what happened: the nouns of a measurement.

mod arm;
mod ask;
mod environment;
mod gpu;
mod metric;
mod observed;
mod outcome;
mod row;
mod slo;

pub use arm::Arm;
pub use ask::{Ask, Cancel, Message, Prompt};
pub use environment::{Environment, Gpu};
pub use gpu::{GpuNow, GpuProcess};
pub use metric::{Better, Metric, MetricKey, ParseMetricError, Stat, Unit};
pub use observed::{Buckets, Course, Energy, EnergySource, EngineWindow, GpuWindow, LogWindow, Observed};
pub use outcome::{Failure, FailureClass, Outcome};
pub use row::{Chunk, Phase, Row, ServerTimes, TokenSource, Usage};
pub use slo::Slo;
