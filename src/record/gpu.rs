//! GPUs as they are at one moment.

/// One GPU as it is now. What it does not tell is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GpuNow {
    pub index: u32,
    pub name: String,
    pub uuid: Option<String>,
    /// Share of the time in which a kernel ran, and in which memory was read or written, in `0..=1`.
    pub utilization: Option<f64>,
    pub memory_utilization: Option<f64>,
    /// Bytes.
    pub memory_used: Option<f64>,
    pub memory_total: Option<u64>,
    /// Watts.
    pub power: Option<f64>,
    pub power_limit: Option<f64>,
    pub power_limit_default: Option<f64>,
    /// Joules since the driver was loaded.
    pub energy: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// MHz.
    pub sm_clock: Option<f64>,
    pub memory_clock: Option<f64>,
    /// Why its clocks are what they are, idleness and clocks that somebody set included.
    pub reasons: Option<Vec<&'static str>>,
    /// Uncorrected memory errors since the driver was loaded.
    pub ecc_errors: Option<u64>,
    /// Whether it is cut into MIG instances.
    pub mig: Option<bool>,
    /// Those with a compute context.
    pub processes: Option<Vec<GpuProcess>>,
    /// It does not answer any more.
    pub lost: bool,
}

/// A process with a compute context on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GpuProcess {
    pub pid: u32,
    /// Bytes.
    pub memory: Option<u64>,
}
