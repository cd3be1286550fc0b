//! A page of NVIDIA's DCGM exporter: one reading for each GPU.

use super::page::{Page, Series};

/// One GPU as the exporter tells of it (field names of DCGM; units as its default list of counters gives them). What the exporter
/// was not told to export is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DcgmGpu {
    /// Its number on its own machine.
    pub index: u32,
    pub uuid: Option<String>,
    pub name: String,
    /// Shares in `0..=1`.
    pub utilization: Option<f64>,
    pub memory_utilization: Option<f64>,
    /// Bytes.
    pub memory_used: Option<f64>,
    pub memory_total: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
    /// Joules since its driver was loaded.
    pub energy: Option<f64>,
    /// Degrees Celsius.
    pub temperature: Option<f64>,
    /// MHz.
    pub sm_clock: Option<f64>,
    pub memory_clock: Option<f64>,
    /// The last critical error of its driver; 0 is none.
    pub xid: Option<u64>,
}

const MIB: f64 = 1_048_576.0;

/// The GPUs of a page, in its order; empty where it is no page of the exporter's. Series of MIG instances are left out: what they
/// would add to is the card's.
pub fn dcgm(page: &Page<'_>) -> Vec<DcgmGpu> {
    let mut gpus: Vec<DcgmGpu> = Vec::new();
    let whole = |series: &&Series<'_>| {
        series.name.starts_with("DCGM_FI_") && series.label("GPU_I_ID").is_none() && series.value.is_finite()
    };
    for series in page.series.iter().filter(whole) {
        let (uuid, index) = (series.label("UUID"), series.label("gpu").and_then(|gpu| gpu.parse().ok()));
        let same = |gpu: &DcgmGpu| match (uuid, &gpu.uuid) {
            (Some(uuid), Some(known)) => uuid == known,
            _ => index == Some(gpu.index),
        };
        let at = gpus.iter().position(same).unwrap_or_else(|| {
            gpus.push(DcgmGpu {
                index: index.unwrap_or(0),
                uuid: uuid.map(str::to_owned),
                name: series.label("modelName").unwrap_or("GPU").to_owned(),
                ..DcgmGpu::default()
            });
            gpus.len() - 1
        });
        book(&mut gpus[at], series.name, series.value);
    }
    gpus
}

fn book(gpu: &mut DcgmGpu, name: &str, value: f64) {
    match name {
        "DCGM_FI_DEV_GPU_UTIL" => gpu.utilization = Some(value / 100.0),
        // Under MIG the card's own utilisation is missing.
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE" => gpu.utilization = gpu.utilization.or(Some(value)),
        "DCGM_FI_DEV_MEM_COPY_UTIL" => gpu.memory_utilization = Some(value / 100.0),
        "DCGM_FI_DEV_FB_USED" => {
            gpu.memory_used = Some(value * MIB);
            gpu.memory_total = Some(gpu.memory_total.unwrap_or(0.0) + value * MIB);
        }
        "DCGM_FI_DEV_FB_FREE" | "DCGM_FI_DEV_FB_RESERVED" => {
            gpu.memory_total = Some(gpu.memory_total.unwrap_or(0.0) + value * MIB);
        }
        "DCGM_FI_DEV_POWER_USAGE" => gpu.power = Some(value),
        "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" => gpu.energy = Some(value / 1_000.0),
        "DCGM_FI_DEV_GPU_TEMP" => gpu.temperature = Some(value),
        "DCGM_FI_DEV_SM_CLOCK" => gpu.sm_clock = Some(value),
        "DCGM_FI_DEV_MEM_CLOCK" => gpu.memory_clock = Some(value),
        "DCGM_FI_DEV_XID_ERRORS" => gpu.xid = Some(value as u64),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the exporter's documentation shows a page of it.
    const PAGE: &str = r#"# HELP DCGM_FI_DEV_SM_CLOCK SM clock frequency (in MHz).
# TYPE DCGM_FI_DEV_SM_CLOCK gauge
DCGM_FI_DEV_SM_CLOCK{gpu="0",UUID="GPU-a",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="n"} 1980
DCGM_FI_DEV_SM_CLOCK{gpu="1",UUID="GPU-b",device="nvidia1",modelName="NVIDIA H100 80GB HBM3",Hostname="n"} 345
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",modelName="NVIDIA H100 80GB HBM3"} 97
DCGM_FI_PROF_GR_ENGINE_ACTIVE{gpu="1",UUID="GPU-b",modelName="NVIDIA H100 80GB HBM3"} 0.25
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-a",GPU_I_ID="1",GPU_I_PROFILE="1g.10gb"} 3
DCGM_FI_DEV_FB_USED{gpu="0",UUID="GPU-a"} 70000
DCGM_FI_DEV_FB_FREE{gpu="0",UUID="GPU-a"} 10000
DCGM_FI_DEV_FB_RESERVED{gpu="0",UUID="GPU-a"} 559
DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-a"} 612.5
DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-a"} 123456789
DCGM_FI_DEV_GPU_TEMP{gpu="0",UUID="GPU-a"} 61
DCGM_FI_DEV_XID_ERRORS{gpu="0",UUID="GPU-a"} 79
other_metric 1
"#;

    #[test]
    fn each_gpu_is_read_in_our_units() {
        let gpus = dcgm(&Page::parse(PAGE));
        let [first, second] = gpus.as_slice() else { panic!("{gpus:?}") };
        assert_eq!((first.index, first.uuid.as_deref(), second.index), (0, Some("GPU-a"), 1));
        assert_eq!(first.name, "NVIDIA H100 80GB HBM3");
        assert_eq!((first.utilization, second.utilization), (Some(0.97), Some(0.25)));
        assert_eq!(first.memory_used, Some(70_000.0 * MIB));
        assert_eq!(first.memory_total, Some(80_559.0 * MIB));
        assert_eq!((first.power, first.energy), (Some(612.5), Some(123_456.789)));
        assert_eq!((first.temperature, first.sm_clock, first.xid), (Some(61.0), Some(1_980.0), Some(79)));
        assert_eq!((second.power, second.memory_used), (None, None));
    }

    #[test]
    fn another_page_has_no_gpus() {
        assert_eq!(dcgm(&Page::parse("vllm:num_requests_running 1\n")), Vec::new());
    }
}
