//! What one look at a GPU says. Each number may be missing: cards, drivers and MIG instances differ in what they tell.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{Clock, EccCounter, MemoryError, TemperatureSensor};
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;

use crate::base::Nanos;

/// What drivers and container runtimes install; the name without a version comes only with the toolkit.
pub(super) const LIBRARY: &str = "libnvidia-ml.so.1";

/// `NVML_FI_DEV_POWER_INSTANT`: milliwatts now, where `nvmlDeviceGetPowerUsage` is a mean over a second on many cards.
const POWER_INSTANT: FieldId = FieldId(186);

/// `nvmlClocksEventReasons` that mean clocks below what was asked for. The others are idleness and clocks that somebody set.
pub(super) const THROTTLES: [(u64, &str); 6] = [
    (0x04, "sw_power_cap"),
    (0x08, "hw_slowdown"),
    (0x10, "sync_boost"),
    (0x20, "sw_thermal"),
    (0x40, "hw_thermal"),
    (0x80, "hw_power_brake"),
];

/// The rest of them, for whoever looks at a card.
pub(super) const OTHER_REASONS: [(u64, &str); 3] =
    [(0x01, "idle"), (0x02, "application_clocks"), (0x100, "display_clocks")];

/// What does not change while a level runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Card {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) uuid: Option<String>,
    /// Bytes.
    pub(super) memory_total: Option<u64>,
    /// Watts.
    pub(super) power_limit_default: Option<f64>,
    pub(super) mig: Option<bool>,
    pub(super) instant_power: bool,
}

/// One look, at an instant of the run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Reading {
    pub(super) at: Nanos,
    /// Shares in `0..=1`.
    pub(super) utilization: Option<f64>,
    pub(super) memory_utilization: Option<f64>,
    /// Bytes.
    pub(super) memory_used: Option<f64>,
    /// Watts.
    pub(super) power: Option<f64>,
    /// Joules since the driver was loaded.
    pub(super) energy: Option<f64>,
    /// Degrees Celsius.
    pub(super) temperature: Option<f64>,
    /// MHz.
    pub(super) sm_clock: Option<f64>,
    pub(super) memory_clock: Option<f64>,
    /// Bits of NVML.
    pub(super) reasons: Option<u64>,
    /// Read in some looks only.
    pub(super) slow: Slow,
}

/// What changes seldom, or takes the driver long to tell.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Slow {
    /// Watts that are enforced.
    pub(super) power_limit: Option<f64>,
    /// Uncorrected memory errors since the driver was loaded.
    pub(super) ecc_errors: Option<u64>,
    pub(super) processes: Option<u32>,
}

/// The GPU does not answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost;

impl Card {
    /// An error of NVML where not even the name can be read.
    pub(super) fn of(device: &Device<'_>, index: u32) -> Result<Self, NvmlError> {
        Ok(Self {
            index,
            name: device.name()?,
            uuid: device.uuid().ok(),
            // GPUs that share the system's memory have none of their own to report.
            memory_total: device.memory_info().ok().map(|memory| memory.total),
            power_limit_default: device.power_management_limit_default().ok().map(watts),
            mig: device.mig_mode().ok().map(|mode| mode.current == 1),
            instant_power: instant_power(device).is_some(),
        })
    }

    /// Looks at the device; `slow` reads also what is slow.
    pub(super) fn read(&self, device: &Device<'_>, at: Nanos, slow: bool) -> Result<Reading, Lost> {
        let used = told(device.utilization_rates())?;
        let share = |percent: u32| f64::from(percent) / 100.0;
        let power = if self.instant_power { instant_power(device) } else { None };
        let power = match power {
            None => told(device.power_usage())?.map(watts),
            known => known,
        };
        Ok(Reading {
            at,
            utilization: used.as_ref().map(|used| share(used.gpu)),
            memory_utilization: used.as_ref().map(|used| share(used.memory)),
            memory_used: told(device.memory_info())?.map(|memory| memory.used as f64),
            power,
            energy: told(device.total_energy_consumption())?.map(|millijoules| millijoules as f64 / 1e3),
            temperature: told(device.temperature(TemperatureSensor::Gpu))?.map(f64::from),
            sm_clock: told(device.clock_info(Clock::SM))?.map(f64::from),
            memory_clock: told(device.clock_info(Clock::Memory))?.map(f64::from),
            reasons: told(device.current_throttle_reasons())?.map(|reasons| reasons.bits()),
            slow: if slow { read_slow(device)? } else { Slow::default() },
        })
    }
}

fn read_slow(device: &Device<'_>) -> Result<Slow, Lost> {
    Ok(Slow {
        power_limit: told(device.enforced_power_limit())?.map(watts),
        ecc_errors: told(device.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile))?,
        processes: told(device.running_compute_processes_count())?,
    })
}

/// None for what the card does not tell.
pub(super) fn told<T>(answer: Result<T, NvmlError>) -> Result<Option<T>, Lost> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(NvmlError::GpuLost) => Err(Lost),
        Err(_) => Ok(None),
    }
}

fn instant_power(device: &Device<'_>) -> Option<f64> {
    let answer = device.field_values_for(&[POWER_INSTANT]).ok()?.pop()?.ok()?.value.ok()?;
    match answer {
        SampleValue::U32(milliwatts) => Some(watts(milliwatts)),
        SampleValue::U64(milliwatts) => Some(milliwatts as f64 / 1e3),
        SampleValue::I64(_) | SampleValue::F64(_) => None,
    }
}

fn watts(milliwatts: u32) -> f64 {
    f64::from(milliwatts) / 1e3
}
