//! The machine, the server and the key that a result is compared by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Environment, Gpu};

/// What two results must share before their numbers are compared; the first three name a baseline's file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub workload: String,
    pub model: String,
    pub hardware: String,
    /// Fingerprint of everything in the workload that moves the numbers.
    pub workload_hash: String,
}

/// Where a measurement was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentDocument {
    /// `llm-loadtest` version.
    pub tool: String,
    pub os: String,
    pub cpu: String,
    pub cpu_cores: u32,
    pub memory_bytes: u64,
    pub container: bool,
    pub gpus: Vec<GpuDocument>,
    pub gpu_driver: Option<String>,
    pub hardware: String,
    pub server: Option<String>,
    /// The image of a server that this tool started in a container, with its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// `simulated`; `loopback`; `bridge` to a container that this tool started; `host` from a container to its machine;
    /// `service` from a container to another one by its name; `network` otherwise.
    pub network_path: String,
    pub model: String,
}

/// One GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GpuDocument {
    pub name: String,
    pub memory_bytes: u64,
}

impl From<&Environment> for EnvironmentDocument {
    fn from(environment: &Environment) -> Self {
        let Environment {
            tool,
            os,
            cpu,
            cpu_cores,
            memory_bytes,
            container,
            gpus,
            gpu_driver,
            hardware,
            server,
            image,
            network_path,
            model,
        } = environment;
        Self {
            tool: tool.clone(),
            os: os.clone(),
            cpu: cpu.clone(),
            cpu_cores: *cpu_cores,
            memory_bytes: *memory_bytes,
            container: *container,
            gpus: gpus.iter().map(GpuDocument::from).collect(),
            gpu_driver: gpu_driver.clone(),
            hardware: hardware.clone(),
            server: server.clone(),
            image: image.clone(),
            network_path: network_path.clone(),
            model: model.clone(),
        }
    }
}

impl From<&Gpu> for GpuDocument {
    fn from(gpu: &Gpu) -> Self {
        let Gpu { name, memory } = gpu;
        Self { name: name.clone(), memory_bytes: *memory }
    }
}
