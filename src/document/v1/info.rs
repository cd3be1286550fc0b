//! What a bug report needs, as `info --json` prints it. Secrets are starred before they come here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GpusDocument;
use super::format::{Format, Kind, write};

/// The tool, the machine, its GPUs, and every setting with its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InfoDocument {
    pub format: Format,
    /// `llm-loadtest` version.
    pub tool: String,
    pub system: SystemDocument,
    pub gpus: GpusDocument,
    /// Empty where the settings could not be resolved.
    pub settings: Vec<SettingDocument>,
}

/// The machine. What it does not say is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemDocument {
    pub os: String,
    pub kernel: Option<String>,
    pub arch: String,
    pub cpu: String,
    /// Cores that this process may use.
    pub cpu_cores: u32,
    /// Cores that a cgroup allows; null where it sets no bound.
    pub cpu_quota: Option<f64>,
    /// What sets the clocks of the CPU.
    pub cpu_governors: Vec<String>,
    pub memory_bytes: u64,
    /// What a cgroup allows.
    pub memory_limit_bytes: Option<u64>,
    /// Whether we run inside a container.
    pub container: bool,
    /// Engines whose socket is here.
    pub container_engines: Vec<String>,
    pub ci: Option<String>,
    /// Soft limit; null where there is none or it is not known.
    pub open_files: Option<u64>,
    /// First and last port for connections of ours.
    pub local_ports: Option<(u16, u16)>,
}

/// One setting as it was resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingDocument {
    pub key: String,
    pub value: String,
    /// A flag, a variable, a line of a file, or `default`.
    pub origin: String,
}

impl InfoDocument {
    pub fn new(
        tool: &str,
        system: SystemDocument,
        gpus: GpusDocument,
        settings: Vec<SettingDocument>,
    ) -> Self {
        Self { format: Format::current(Kind::Info), tool: tool.to_owned(), system, gpus, settings }
    }

    /// Over many lines, with a newline at the end.
    pub fn to_json(&self) -> String {
        write(self)
    }
}
