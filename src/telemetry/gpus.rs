//! NVML, opened: which GPUs there are, and what they do now.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml, cuda_driver_version_major, cuda_driver_version_minor};

use super::reading::{Card, LIBRARY, Lost, OTHER_REASONS, Reading, THROTTLES, told};
use super::sampler::GpuSampler;
use crate::base::Nanos;
use crate::host::RealClock;
use crate::record::{Gpu, GpuNow, GpuProcess};

/// What NVML says. Without a driver the list is empty and the note says why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GpuFacts {
    /// In NVML's order. A memory of 0 is unknown.
    pub gpus: Vec<Gpu>,
    /// The driver's version, for example `570.86.15`.
    pub driver: Option<String>,
    /// The newest CUDA that the driver supports, for example `12.8`.
    pub cuda: Option<String>,
    /// One short sentence on what could not be read.
    pub note: Option<String>,
}

/// NVML, loaded. Clones share it.
#[derive(Debug, Clone)]
pub struct Gpus(Arc<Nvml>);

/// The GPUs visible to this process, by the system's library or the one named. Never fails and never prints.
pub fn gpus(library: Option<&Path>) -> GpuFacts {
    match Gpus::open(library) {
        Ok(gpus) => gpus.facts(),
        Err(note) => GpuFacts { note: Some(note), ..GpuFacts::default() },
    }
}

impl Gpus {
    /// Loads the system's library, or the one named. Without one, one short sentence says why.
    pub fn open(library: Option<&Path>) -> Result<Self, String> {
        let path = library.map_or_else(|| PathBuf::from(LIBRARY), Path::to_path_buf);
        let nvml = Nvml::builder().lib_path(path.as_os_str()).init();
        nvml.map(|nvml| Self(Arc::new(nvml))).map_err(|error| absence(&error, library))
    }

    pub fn facts(&self) -> GpuFacts {
        let nvml = &*self.0;
        let mut facts = GpuFacts {
            driver: nvml.sys_driver_version().ok(),
            cuda: nvml.sys_cuda_driver_version().ok().map(|version| {
                format!("{}.{}", cuda_driver_version_major(version), cuda_driver_version_minor(version))
            }),
            ..GpuFacts::default()
        };
        for index in 0..nvml.device_count().unwrap_or(0) {
            match self.card(index) {
                Ok((_, Card { name, memory_total, .. })) => {
                    facts.gpus.push(Gpu { name, memory: memory_total.unwrap_or(0) });
                }
                Err(error) => facts.note = Some(unreadable(index, &error)),
            }
        }
        facts
    }

    /// Every GPU as it is now, and a sentence on each that could not be read.
    pub fn now(&self) -> (Vec<GpuNow>, Vec<String>) {
        let (mut found, mut notes) = (Vec::new(), Vec::new());
        for index in 0..self.0.device_count().unwrap_or(0) {
            match self.card(index) {
                Ok((device, card)) => found.push(look(&device, card)),
                Err(error) => notes.push(unreadable(index, &error)),
            }
        }
        (found, notes)
    }

    /// Begins to look at them; instants are those of the clock. None where the system has no thread left for it.
    pub fn sample(&self, clock: RealClock) -> Option<GpuSampler> {
        GpuSampler::start(Arc::clone(&self.0), clock)
    }

    fn card(&self, index: u32) -> Result<(Device<'_>, Card), NvmlError> {
        let device = self.0.device_by_index(index)?;
        let card = Card::of(&device, index)?;
        Ok((device, card))
    }
}

fn look(device: &Device<'_>, card: Card) -> GpuNow {
    let reading = card.read(device, Nanos::ZERO, true);
    let processes = told(device.running_compute_processes()).ok().flatten();
    let processes = processes.map(|all| {
        all.into_iter()
            .map(|process| GpuProcess {
                pid: process.pid,
                memory: match process.used_gpu_memory {
                    UsedGpuMemory::Used(bytes) => Some(bytes),
                    UsedGpuMemory::Unavailable => None,
                },
            })
            .collect()
    });
    let lost = reading == Err(Lost);
    let Reading {
        at: _,
        utilization,
        memory_utilization,
        memory_used,
        power,
        energy,
        temperature,
        sm_clock,
        memory_clock,
        reasons,
        slow,
    } = reading.unwrap_or_default();
    let Card { index, name, uuid, memory_total, power_limit_default, mig, .. } = card;
    GpuNow {
        index,
        name,
        uuid,
        utilization,
        memory_utilization,
        memory_used,
        memory_total,
        power,
        power_limit: slow.power_limit,
        power_limit_default,
        energy,
        temperature,
        sm_clock,
        memory_clock,
        reasons: reasons.map(named),
        ecc_errors: slow.ecc_errors,
        mig,
        processes,
        lost,
    }
}

fn named(reasons: u64) -> Vec<&'static str> {
    let known = THROTTLES.into_iter().chain(OTHER_REASONS);
    known.filter(|(bit, _)| reasons & bit != 0).map(|(_, id)| id).collect()
}

fn unreadable(index: u32, error: &NvmlError) -> String {
    format!("GPU {index} could not be read: {error}")
}

fn absence(error: &NvmlError, library: Option<&Path>) -> String {
    match (error, library) {
        (NvmlError::LibloadingError(_), None) => "no NVIDIA driver is visible here".to_owned(),
        (NvmlError::LibloadingError(cause), Some(path)) => {
            format!("the NVML library {} cannot be loaded: {cause}", path.display())
        }
        (other, _) => format!("NVML does not answer: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_is_a_note_and_nothing_more() {
        let facts = gpus(Some(Path::new("no-such-library.so")));
        let note = facts.note.unwrap_or_default();
        assert!(note.starts_with("the NVML library no-such-library.so cannot be loaded: "), "{note}");
        assert_eq!((facts.gpus, facts.driver), (Vec::new(), None));
        assert_eq!(
            absence(&NvmlError::DriverNotLoaded, None),
            "NVML does not answer: NVIDIA driver is not loaded"
        );
    }

    #[test]
    fn this_machine_has_gpus_or_a_reason() {
        let facts = gpus(None);
        assert!(!facts.gpus.is_empty() || facts.note.is_some() || facts.driver.is_some());
    }

    #[test]
    fn bits_of_the_driver_have_names() {
        assert_eq!(named(0x04 | 0x01 | 0x100), ["sw_power_cap", "idle", "display_clocks"]);
        assert_eq!(named(0), Vec::<&str>::new());
    }
}
