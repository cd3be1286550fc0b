//! The GPUs of this machine at one moment, as `gpu --json` prints them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{Format, Kind, write};
use crate::record::{GpuNow, GpuProcess};

/// What NVML says now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpusDocument {
    pub format: Format,
    pub tool: String,
    /// In UTC, to the second.
    pub at: String,
    /// The driver's version; null without a driver.
    pub driver: Option<String>,
    /// The newest CUDA that the driver supports.
    pub cuda: Option<String>,
    pub gpus: Vec<GpuNowDocument>,
    /// One short sentence each on what could not be read.
    pub notes: Vec<String>,
}

/// One GPU. What it does not tell is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuNowDocument {
    pub index: u32,
    pub name: String,
    pub uuid: Option<String>,
    /// Share of the time in which a kernel ran, in 0..=1.
    pub utilization: Option<f64>,
    /// Share of the time in which memory was read or written, in 0..=1.
    pub memory_utilization: Option<f64>,
    pub memory_used_bytes: Option<f64>,
    pub memory_total_bytes: Option<u64>,
    pub power_w: Option<f64>,
    /// What the driver enforces.
    pub power_limit_w: Option<f64>,
    /// What the card comes with.
    pub power_limit_default_w: Option<f64>,
    /// Since the driver was loaded.
    pub energy_j: Option<f64>,
    pub temperature_c: Option<f64>,
    pub sm_clock_mhz: Option<f64>,
    pub memory_clock_mhz: Option<f64>,
    /// Why the clocks are what they are, idleness and clocks that somebody set included.
    pub clock_reasons: Option<Vec<String>>,
    /// Uncorrected memory errors since the driver was loaded.
    pub ecc_errors: Option<u64>,
    /// Whether it is cut into MIG instances.
    pub mig: Option<bool>,
    /// Those with a compute context.
    pub processes: Option<Vec<GpuProcessDocument>>,
    /// It does not answer any more.
    pub lost: bool,
}

/// A process with a compute context on a GPU.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuProcessDocument {
    pub pid: u32,
    pub memory_bytes: Option<u64>,
}

impl GpusDocument {
    /// Nothing but the frame; `at` is RFC 3339.
    pub fn empty(tool: &str, at: &str) -> Self {
        Self {
            format: Format::current(Kind::Gpus),
            tool: tool.to_owned(),
            at: at.to_owned(),
            driver: None,
            cuda: None,
            gpus: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Over many lines, with a newline at the end.
    pub fn to_json(&self) -> String {
        write(self)
    }

    /// On one line, with a newline at the end: one look of many.
    pub fn to_line(&self) -> String {
        // Plain data with string keys always serialises.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

impl From<&GpuNow> for GpuNowDocument {
    fn from(gpu: &GpuNow) -> Self {
        let GpuNow {
            index,
            name,
            uuid,
            utilization,
            memory_utilization,
            memory_used,
            memory_total,
            power,
            power_limit,
            power_limit_default,
            energy,
            temperature,
            sm_clock,
            memory_clock,
            reasons,
            ecc_errors,
            mig,
            processes,
            lost,
        } = gpu;
        let process = |process: &GpuProcess| {
            let GpuProcess { pid, memory } = process;
            GpuProcessDocument { pid: *pid, memory_bytes: *memory }
        };
        Self {
            index: *index,
            name: name.clone(),
            uuid: uuid.clone(),
            utilization: *utilization,
            memory_utilization: *memory_utilization,
            memory_used_bytes: *memory_used,
            memory_total_bytes: *memory_total,
            power_w: *power,
            power_limit_w: *power_limit,
            power_limit_default_w: *power_limit_default,
            energy_j: *energy,
            temperature_c: *temperature,
            sm_clock_mhz: *sm_clock,
            memory_clock_mhz: *memory_clock,
            clock_reasons: reasons
                .as_ref()
                .map(|reasons| reasons.iter().map(|reason| (*reason).to_owned()).collect()),
            ecc_errors: *ecc_errors,
            mig: *mig,
            processes: processes.as_ref().map(|all| all.iter().map(process).collect()),
            lost: *lost,
        }
    }
}
