//! From file, flags, action inputs and environment to an immutable, checked `RunPlan`.

mod action;
mod error;
mod file;
mod fingerprint;
mod inputs;
mod launch;
mod layers;
mod mix;
mod origins;
mod parse;
mod plan;
mod resolve;
mod schema;
mod setting;
mod settings;
mod starter;
#[cfg(test)]
mod tests;

pub use action::{
    ActionCommand, ActionPlan, BaselinesFrom, CommentWhen, CommitReport, FailOn, resolve_action,
};
pub use error::{ConfigError, Entry, Origin};
pub use file::{DEFAULT_FILES, FOLDER_FILES, SourceFile, Variable, parse_env_file, prices};
pub use fingerprint::fingerprint;
pub use inputs::{action_environment, action_inputs, inputs_table};
pub use launch::{CONTAINER_PLACE, Gpus, Image, Launch, PORT_PLACE, Pull, Starter};
pub use layers::{Layers, Purpose, config_path};
pub use origins::origins;
pub use parse::parse_slos;
pub use plan::{
    BaselineServer, Bound, GatePolicy, GpuUse, MetricsSource, Objective, RunPlan, Sampling, SearchPlan,
    ServerMetrics, StartAt, Target, Timeouts, Validate, Warmup,
};
pub use resolve::{Outputs, Print, Resolved, ResultFiles, resolve};
pub use schema::json_schema;
pub use setting::{Group, Section, Setting, Shape};
pub use settings::{SETTINGS, named};
pub use starter::starter;
