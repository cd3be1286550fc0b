//! `info`: what a bug report needs of this machine and of the settings, and never a secret.

use std::path::Path;

use super::documents::WIDTH;
use super::gpu::GpuEye;
use crate::config::{Resolved, origins};
use crate::document::v1::{InfoDocument, SettingDocument, SystemDocument};
use crate::host::{self, MachineFacts, SystemFacts};
use crate::report::console::{Style, render_info};

/// This machine with its GPUs, and the settings where they could be resolved. `library` is the NVML library to load.
pub fn info(resolved: Option<&Resolved>, library: Option<&Path>) -> InfoDocument {
    let settings = resolved.map(origins).unwrap_or_default().into_iter();
    let settings = settings.map(|[key, value, origin]| SettingDocument { key, value, origin }).collect();
    InfoDocument::new(
        env!("CARGO_PKG_VERSION"),
        system(host::machine(), host::system()),
        GpuEye::open(library).look(),
        settings,
    )
}

/// As text: JSON, or for people.
pub fn render_info_text(info: &InfoDocument, json: bool, colour: bool) -> String {
    if json { info.to_json() } else { render_info(info, Style { color: colour, width: WIDTH }) }
}

fn system(machine: MachineFacts, facts: SystemFacts) -> SystemDocument {
    let MachineFacts { os, cpu, cpu_cores, memory_bytes, container } = machine;
    let SystemFacts {
        kernel,
        governors,
        cpu_quota_millis,
        memory_limit,
        open_files,
        ports,
        container_engines,
        ci,
    } = facts;
    SystemDocument {
        os,
        kernel,
        arch: std::env::consts::ARCH.to_owned(),
        cpu,
        cpu_cores,
        cpu_quota: cpu_quota_millis.map(|millis| millis as f64 / 1e3),
        cpu_governors: governors,
        memory_bytes,
        memory_limit_bytes: memory_limit,
        container,
        container_engines,
        ci: ci.map(str::to_owned),
        open_files: open_files.filter(|files| *files < u64::MAX),
        local_ports: ports,
    }
}
