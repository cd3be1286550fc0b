//! The GPUs of this machine, by NVML, which is loaded at run time where a driver has installed it.

use std::ffi::OsStr;

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use crate::record::Gpu;

/// What NVML says. Without a driver the list is empty and the note says why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GpuFacts {
    /// In NVML's order. A memory of 0 is unknown.
    pub gpus: Vec<Gpu>,
    /// The driver's version, for example `570.86.15`.
    pub driver: Option<String>,
    /// One short sentence on what could not be read.
    pub note: Option<String>,
}

/// The GPUs visible to this process. Never fails and never prints.
pub fn gpus() -> GpuFacts {
    facts(load())
}

fn facts(nvml: Result<Nvml, NvmlError>) -> GpuFacts {
    let nvml = match nvml {
        Ok(nvml) => nvml,
        Err(error) => {
            return GpuFacts { note: Some(absence(&error)), ..GpuFacts::default() };
        }
    };
    let mut facts = GpuFacts { driver: nvml.sys_driver_version().ok(), ..GpuFacts::default() };
    for index in 0..nvml.device_count().unwrap_or(0) {
        match gpu(&nvml, index) {
            Ok(gpu) => facts.gpus.push(gpu),
            Err(error) => facts.note = Some(format!("GPU {index} could not be read: {error}")),
        }
    }
    facts
}

/// Drivers and container runtimes install `libnvidia-ml.so.1`; the name without a version comes only with the toolkit.
fn load() -> Result<Nvml, NvmlError> {
    Nvml::builder().lib_path(OsStr::new("libnvidia-ml.so.1")).init().or_else(|_| Nvml::init())
}

fn gpu(nvml: &Nvml, index: u32) -> Result<Gpu, NvmlError> {
    let device = nvml.device_by_index(index)?;
    Ok(Gpu {
        name: device.name()?,
        // GPUs that share the system's memory have none of their own to report.
        memory: device.memory_info().map_or(0, |memory| memory.total),
    })
}

fn absence(error: &NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) => "no NVIDIA driver is visible here".to_owned(),
        other => format!("NVML does not answer: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_driver_is_a_note_and_nothing_more() {
        let missing = Nvml::builder().lib_path(OsStr::new("no-such-library.so")).init();
        assert_eq!(
            facts(missing),
            GpuFacts { note: Some("no NVIDIA driver is visible here".to_owned()), ..GpuFacts::default() }
        );
        let driver = facts(Err(NvmlError::DriverNotLoaded));
        assert!(driver.gpus.is_empty() && driver.note.is_some());
    }

    #[test]
    fn this_machine_has_gpus_or_a_reason() {
        let facts = gpus();
        assert!(!facts.gpus.is_empty() || facts.note.is_some() || facts.driver.is_some());
    }
}
