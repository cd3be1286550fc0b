//! From file, flags, action inputs and environment to an immutable, checked `RunPlan`.

mod plan;

pub use plan::{Bound, CacheLabel, GatePolicy, Objective, RunPlan, Sampling, Slo, Target, Timeouts, Warmup};
