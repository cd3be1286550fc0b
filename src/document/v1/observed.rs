//! What was seen of the hardware while a level was measured.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EngineDocument;
use super::number::six;
use crate::metrics::GpuMeans;
use crate::record::{Course, Energy, GpuWindow, LogWindow, Observed};

/// Everything but the client's own rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObservedDocument {
    /// By NVML, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<GpuWindowDocument>,
    /// By the server's own metrics; several servers are added up, and several rounds. Absent in the view over several shards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineDocument>,
    /// By the server's own log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogWindowDocument>,
    /// One short sentence each on what could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A reading that changes, over a window; the mean is weighted by time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseDocument {
    pub mean: f64,
    pub min: f64,
    pub max: f64,
}

/// Energy over a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnergyDocument {
    pub joules: f64,
    pub seconds: f64,
    /// `counter`: two readings of the hardware's counter; `power`: the integral of sampled power; `mixed` where rounds differ.
    pub source: String,
}

/// One GPU over the window. What its driver does not tell is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuWindowDocument {
    pub index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    pub name: String,
    /// Readings in the window.
    pub samples: u64,
    /// Time that they cover.
    pub seconds: f64,
    /// Share of the time in which a kernel ran, in 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilization: Option<CourseDocument>,
    /// Share of the time in which memory was read or written, in 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_utilization: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_bytes: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_w: Option<CourseDocument>,
    /// What the driver enforces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_limit_w: Option<f64>,
    /// What the card comes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_limit_default_w: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyDocument>,
    /// Before the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_energy: Option<EnergyDocument>,
    /// In the steady state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady_energy: Option<EnergyDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sm_clock_mhz: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_clock_mhz: Option<CourseDocument>,
    /// Reasons for lowered clocks with the share of the time in which each held: `sw_power_cap`, `hw_slowdown`, `sync_boost`,
    /// `sw_thermal`, `hw_thermal`, `hw_power_brake`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<BTreeMap<String, f64>>,
    /// Uncorrected memory errors that the window brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecc_errors: Option<u64>,
    /// Critical errors of the driver, by their Xid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xids: Vec<u64>,
    /// Processes with a compute context on it at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u64>,
    /// Whether it is cut into MIG instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mig: Option<bool>,
    /// It stopped answering.
    pub lost: bool,
}

/// What the server's log says about the window: means over its lines, each alike. What it does not say is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogWindowDocument {
    /// Whose lines they are: `vllm`, `sglang` or `llama-server`.
    pub source: String,
    /// Lines that said something.
    pub lines: u64,
    /// Tokens per second of the whole server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_throughput: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_throughput: Option<CourseDocument>,
    /// Tokens per second of one request while it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_speed: Option<CourseDocument>,
    /// Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<CourseDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<CourseDocument>,
    /// Share of the KV cache in use, in 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kv_usage: Option<CourseDocument>,
    /// Share of the prompt tokens that were found in the prefix cache, in 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_hits: Option<CourseDocument>,
}

impl ObservedDocument {
    /// None where nothing was seen.
    pub(super) fn of(observed: &Observed) -> Option<Self> {
        let Observed { gpus, engine, log, notes } = observed;
        let document = Self {
            gpus: gpus.iter().map(GpuWindowDocument::from).collect(),
            engine: engine.as_ref().map(EngineDocument::from),
            log: log.as_ref().map(LogWindowDocument::from),
            notes: notes.clone(),
        };
        (document != Self::default()).then_some(document)
    }

    /// What the level's values go by.
    pub(super) fn means(&self) -> Vec<GpuMeans> {
        self.gpus.iter().map(GpuMeans::from).collect()
    }
}

impl From<&GpuWindowDocument> for GpuMeans {
    fn from(gpu: &GpuWindowDocument) -> Self {
        let mean = |course: Option<CourseDocument>| course.map(|course| course.mean);
        Self {
            idle: gpu.utilization.is_some_and(|utilization| utilization.max <= 0.0),
            utilization: mean(gpu.utilization),
            memory: mean(gpu.memory_used_bytes),
            power: mean(gpu.power_w),
            energy: gpu.energy.as_ref().map(|energy| (energy.joules, energy.seconds)),
        }
    }
}

impl From<&Course> for CourseDocument {
    fn from(course: &Course) -> Self {
        let Course { mean, min, max } = course;
        Self { mean: six(*mean), min: six(*min), max: six(*max) }
    }
}

impl From<&LogWindow> for LogWindowDocument {
    fn from(log: &LogWindow) -> Self {
        let LogWindow {
            source,
            lines,
            prompt_throughput,
            generation_throughput,
            request_speed,
            running,
            waiting,
            kv_usage,
            prefix_hits,
        } = log;
        let course = |course: &Option<Course>| course.as_ref().map(CourseDocument::from);
        Self {
            source: source.clone(),
            lines: *lines,
            prompt_throughput: course(prompt_throughput),
            generation_throughput: course(generation_throughput),
            request_speed: course(request_speed),
            running: course(running),
            waiting: course(waiting),
            kv_usage: course(kv_usage),
            prefix_hits: course(prefix_hits),
        }
    }
}

impl From<&Energy> for EnergyDocument {
    fn from(energy: &Energy) -> Self {
        let Energy { joules, seconds, source } = energy;
        Self { joules: six(*joules), seconds: six(*seconds), source: source.id().to_owned() }
    }
}

impl From<&GpuWindow> for GpuWindowDocument {
    fn from(gpu: &GpuWindow) -> Self {
        let GpuWindow {
            index,
            uuid,
            name,
            samples,
            seconds,
            utilization,
            memory_utilization,
            memory_used,
            memory_total,
            power,
            power_limit,
            power_limit_default,
            energy,
            warmup_energy,
            steady_energy,
            temperature,
            sm_clock,
            memory_clock,
            throttled,
            ecc_errors,
            xids,
            processes,
            mig,
            lost,
        } = gpu;
        let course = |course: &Option<Course>| course.as_ref().map(CourseDocument::from);
        let spent = |energy: &Option<Energy>| energy.as_ref().map(EnergyDocument::from);
        Self {
            index: *index,
            uuid: uuid.clone(),
            name: name.clone(),
            samples: *samples,
            seconds: six(*seconds),
            utilization: course(utilization),
            memory_utilization: course(memory_utilization),
            memory_used_bytes: course(memory_used),
            memory_total_bytes: *memory_total,
            power_w: course(power),
            power_limit_w: *power_limit,
            power_limit_default_w: *power_limit_default,
            energy: spent(energy),
            warmup_energy: spent(warmup_energy),
            steady_energy: spent(steady_energy),
            temperature_c: course(temperature),
            sm_clock_mhz: course(sm_clock),
            memory_clock_mhz: course(memory_clock),
            throttled: throttled
                .as_ref()
                .map(|all| all.iter().map(|(id, share)| (id.clone(), six(*share))).collect()),
            ecc_errors: *ecc_errors,
            xids: xids.clone(),
            processes: *processes,
            mig: *mig,
            lost: *lost,
        }
    }
}
