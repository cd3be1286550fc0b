//! How many of which GPU a model, a load and its limits need: arithmetic from published facts, with every step shown.
//!
//! A *bound* is physics: bytes over bandwidth and operations over peak, which no server beats. An *expectation* divides
//! them by efficiencies that are assumed, or that measured results calibrate.

mod calibrate;
mod efficiency;
mod error;
mod formula;
mod gpu;
mod known;
mod laws;
mod memory;
mod model;
mod option;
mod plan;
mod precision;
mod prices;
mod reader;
mod serve;
mod shape;
mod step;
#[cfg(test)]
mod tests;
mod vision;

pub use calibrate::{Calibration, Interval, Observation, calibrate};
pub use efficiency::{Efficiencies, Efficiency, EngineDefaults};
pub use error::RecommendError;
pub use formula::{Formula, Input};
pub use gpu::{GPUS, Gpu, Link};
pub use known::{known_names, named};
pub use laws::{open_rate, users_of};
pub use memory::Memory;
pub use model::{Model, Numbers};
pub use option::{Choice, Range, Served};
pub use plan::{Ask, Assumption, Demand, Recommendation, Refusal, recommend};
pub use precision::{KvPrecision, Precision};
pub use prices::{EXAMPLE_PRICES, Prices};
pub use reader::read_config;
pub use serve::{Ends, Lengths, Limits, Point, Station};
pub use step::{Replica, Work};
pub use vision::{Tokens, Vision};
