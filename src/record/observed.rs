//! What was seen of the hardware, and of the server from inside, while one level was measured.

use std::collections::BTreeMap;

/// Everything but the client's own rows. Empty where nothing could be seen.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observed {
    /// By NVML, one for each visible GPU, in NVML's order.
    pub gpus: Vec<GpuWindow>,
    /// By the server's own metrics; several servers are added up.
    pub engine: Option<EngineWindow>,
    /// By the server's own log.
    pub log: Option<LogWindow>,
    /// One short sentence each on what could not be read.
    pub notes: Vec<String>,
}

/// What the server's log says about a window: means over its lines, each alike. What it does not say is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogWindow {
    /// Whose lines they are: `vllm`, `sglang` or `llama-server`.
    pub source: String,
    /// Lines that said something.
    pub lines: u64,
    /// Tokens per second of the whole server.
    pub prompt_throughput: Option<Course>,
    pub generation_throughput: Option<Course>,
    /// Tokens per second of one request while it was answered.
    pub request_speed: Option<Course>,
    /// Requests.
    pub running: Option<Course>,
    pub waiting: Option<Course>,
    /// Share of the KV cache in use, in `0..=1`.
    pub kv_usage: Option<Course>,
    /// Share of the prompt tokens that were found in the prefix cache, in `0..=1`.
    pub prefix_hits: Option<Course>,
}

/// A reading that changes, over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// Weighted by time.
    pub mean: f64,
    pub min: f64,
    pub max: f64,
}

/// One GPU over a window. What the driver does not support is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GpuWindow {
    pub index: u32,
    pub uuid: Option<String>,
    pub name: String,
    /// Readings in the window.
    pub samples: u64,
    /// Seconds of the window that readings cover: fewer where the GPU was lost.
    pub seconds: f64,
    /// Share of the time in which a kernel ran, in `0..=1`.
    pub utilization: Option<Course>,
    /// Share of the time in which memory was read or written, in `0..=1`.
    pub memory_utilization: Option<Course>,
    /// Bytes in use.
    pub memory_used: Option<Course>,
    /// Bytes.
    pub memory_total: Option<u64>,
    /// Watts.
    pub power: Option<Course>,
    /// Watts that the driver enforces.
    pub power_limit: Option<f64>,
    /// Watts that the card comes with; a limit below it is a cap.
    pub power_limit_default: Option<f64>,
    /// In the window.
    pub energy: Option<Energy>,
    /// From the first request of the warm-up to the window's start.
    pub warmup_energy: Option<Energy>,
    /// In the steady state, where there is one.
    pub steady_energy: Option<Energy>,
    /// Degrees Celsius.
    pub temperature: Option<Course>,
    /// MHz.
    pub sm_clock: Option<Course>,
    pub memory_clock: Option<Course>,
    /// Reasons for lowered clocks, by their id, with the share of the time in which each held; none where the driver tells no
    /// reasons. Idleness and clocks that somebody set are no reasons.
    pub throttled: Option<BTreeMap<String, f64>>,
    /// Uncorrected memory errors that the window brought.
    pub ecc_errors: Option<u64>,
    /// Critical errors that the driver told of in the window, by their Xid.
    pub xids: Vec<u64>,
    /// Processes with a compute context on it at most; more than one may be a neighbour.
    pub processes: Option<u64>,
    /// Whether the card is cut into MIG instances.
    pub mig: Option<bool>,
    /// It stopped answering.
    pub lost: bool,
}

impl GpuWindow {
    /// Whether nothing ran on it, as far as it says.
    pub fn is_idle(&self) -> bool {
        self.utilization.is_some_and(|utilization| utilization.max <= 0.0)
    }
}

/// Energy over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Energy {
    pub joules: f64,
    /// The time that they were spent in.
    pub seconds: f64,
    pub source: EnergySource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnergySource {
    /// The difference of two readings of the hardware's counter.
    Counter,
    /// The integral of sampled power.
    Power,
}

impl EnergySource {
    pub fn id(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Power => "power",
        }
    }
}

/// What a server's own metrics say about a window: differences of its counters, courses of its gauges. What it does not
/// export is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EngineWindow {
    /// The family of metric names that was found, for example `vllm`.
    pub family: String,
    /// Times at which the gauges were read in the window.
    pub samples: u64,
    /// Requests that ended, by the server's count.
    pub requests: Option<f64>,
    pub failed: Option<f64>,
    pub prompt_tokens: Option<f64>,
    pub output_tokens: Option<f64>,
    /// Prompt tokens found in the prefix cache, and those looked up.
    pub cached_tokens: Option<f64>,
    pub cache_queries: Option<f64>,
    pub preemptions: Option<f64>,
    /// Requests.
    pub running: Option<Course>,
    pub waiting: Option<Course>,
    /// Share of the KV cache in use, in `0..=1`.
    pub kv_usage: Option<Course>,
    /// Seconds.
    pub ttft: Option<Buckets>,
    pub itl: Option<Buckets>,
    pub tpot: Option<Buckets>,
    pub e2e: Option<Buckets>,
    pub queue: Option<Buckets>,
    pub prefill: Option<Buckets>,
    pub decode: Option<Buckets>,
    /// A counter fell: the server started anew in between, and differences say nothing.
    pub restarted: bool,
}

/// A Prometheus histogram over a window, in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Buckets {
    /// Upper bound (the last is infinite) and how many values lie at or below it; both rise.
    pub cumulative: Vec<(f64, f64)>,
    pub sum: f64,
    pub count: f64,
}
