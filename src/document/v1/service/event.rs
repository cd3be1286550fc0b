//! What happens to a benchmark while one looks on: the messages of its WebSocket and of its event stream.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BenchmarkDocument;

/// One message. Who comes late is first told the state, the level under way and its ticks so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventDocument {
    /// It was queued, moved up, started or ended. Nothing follows one that is over.
    State { benchmark: Box<BenchmarkDocument> },
    /// A line worth reading.
    Note {
        /// RFC 3339.
        at: String,
        text: String,
    },
    /// A level begins.
    Level(LevelEvent),
    /// A level under way, a few times a second.
    Tick(TickEvent),
    /// A level ended, with its last counts.
    LevelEnd(TickEvent),
    /// This listener was too slow, and so many messages were left out.
    Missed { messages: u64 },
}

/// The level that begins, and where it stands in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelEvent {
    /// From 1; 0 for a question before the load.
    pub round: u32,
    pub rounds: u32,
    /// `baseline` or `candidate` where two servers alternate.
    pub arm: Option<String>,
    pub label: String,
    /// Labels of every level of the round, in order.
    pub labels: Vec<String>,
    /// Whether requests are due by the clock.
    pub open_loop: bool,
    /// Requests planned, where a number was given.
    pub requests: Option<u64>,
    /// Planned length, where one was given.
    pub duration_s: Option<f64>,
    pub model: String,
    pub hardware: String,
}

/// A level at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TickEvent {
    /// Since the window began; null while it warms up.
    pub elapsed_s: Option<f64>,
    /// Requests that are due and wait for a place.
    pub queued: u64,
    pub sent: u64,
    pub in_flight: u64,
    pub succeeded: u64,
    pub failed: u64,
    /// Output tokens so far.
    pub tokens: u64,
    /// Requests that were to be sent by now; open loop only.
    pub due: Option<u64>,
    /// From the due time in an open loop.
    pub ttft_ms: Option<PercentilesDocument>,
    pub itl_ms: Option<PercentilesDocument>,
    /// Failed requests by class.
    pub failures: BTreeMap<String, u64>,
    /// This machine's GPUs, where they are visible; once a second at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuGlance>,
}

/// Three percentiles of all successes so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentilesDocument {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

/// A GPU at one moment. What it does not tell is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuGlance {
    pub index: u32,
    pub name: String,
    /// Share in 0..=1.
    pub utilization: Option<f64>,
    pub memory_used_bytes: Option<f64>,
    pub memory_total_bytes: Option<u64>,
    pub power_w: Option<f64>,
    pub temperature_c: Option<f64>,
}
