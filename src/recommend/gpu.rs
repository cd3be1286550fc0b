//! Published facts of GPUs. Peaks are dense: without the doubling that structured sparsity would give.

use super::RecommendError;

/// One kind of GPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gpu {
    /// Short name in flags.
    pub id: &'static str,
    pub name: &'static str,
    /// What drivers call it.
    pub driver_name: &'static str,
    /// Bytes that the driver reports.
    pub memory: f64,
    /// Bytes per second.
    pub bandwidth: f64,
    /// Dense operations per second in 16 bits with 32-bit sums.
    pub bf16: f64,
    /// Dense operations per second; none without such arithmetic.
    pub fp8: Option<f64>,
    /// Whether kernels exist that widen FP8 weights to 16 bits.
    pub widens_fp8: bool,
    pub int8: f64,
    /// Watts.
    pub power: f64,
    pub link: Link,
    pub generation: Generation,
    /// The document that these numbers stand in.
    pub source: &'static str,
}

/// How GPUs of one server reach each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    pub name: &'static str,
    /// Bytes per second in one direction.
    pub bandwidth: f64,
    /// Whether it goes through the host.
    pub pcie: bool,
}

/// GPUs that reach similar shares of their peaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    Turing,
    Ampere,
    Ada,
    Hopper,
    Blackwell,
    Cdna3,
}

impl Generation {
    pub fn name(self) -> &'static str {
        match self {
            Self::Turing => "Turing",
            Self::Ampere => "Ampere",
            Self::Ada => "Ada",
            Self::Hopper => "Hopper",
            Self::Blackwell => "Blackwell",
            Self::Cdna3 => "CDNA 3",
        }
    }
}

const MIB: f64 = 1024.0 * 1024.0;
const GB: f64 = 1e9;
const TERA: f64 = 1e12;
const NVLINK3: Link = Link { name: "NVLink 3", bandwidth: 300.0 * GB, pcie: false };
const NVLINK4: Link = Link { name: "NVLink 4", bandwidth: 450.0 * GB, pcie: false };
const NVLINK5: Link = Link { name: "NVLink 5", bandwidth: 900.0 * GB, pcie: false };
const FABRIC: Link = Link { name: "Infinity Fabric", bandwidth: 448.0 * GB, pcie: false };
const PCIE3: Link = Link { name: "PCIe 3.0 x16", bandwidth: 16.0 * GB, pcie: true };
const PCIE4: Link = Link { name: "PCIe 4.0 x16", bandwidth: 32.0 * GB, pcie: true };
const PCIE5: Link = Link { name: "PCIe 5.0 x16", bandwidth: 64.0 * GB, pcie: true };

/// Every GPU that is known. Memory is what nvidia-smi or rocm-smi report.
pub static GPUS: [Gpu; 14] = [
    Gpu {
        id: "b200",
        name: "B200 SXM 180 GB",
        driver_name: "NVIDIA B200",
        memory: 183_359.0 * MIB,
        bandwidth: 8_000.0 * GB,
        bf16: 2_250.0 * TERA,
        fp8: Some(4_500.0 * TERA),
        widens_fp8: true,
        int8: 4_500.0 * TERA,
        power: 1_000.0,
        link: NVLINK5,
        generation: Generation::Blackwell,
        source: "NVIDIA DGX B200 datasheet (per GPU, dense)",
    },
    Gpu {
        id: "h200",
        name: "H200 SXM 141 GB",
        driver_name: "NVIDIA H200",
        memory: 143_771.0 * MIB,
        bandwidth: 4_800.0 * GB,
        bf16: 989.4 * TERA,
        fp8: Some(1_978.9 * TERA),
        widens_fp8: true,
        int8: 1_978.9 * TERA,
        power: 700.0,
        link: NVLINK4,
        generation: Generation::Hopper,
        source: "NVIDIA H200 Tensor Core GPU datasheet (halved: dense)",
    },
    Gpu {
        id: "h100-sxm",
        name: "H100 SXM 80 GB",
        driver_name: "NVIDIA H100 80GB HBM3",
        memory: 81_559.0 * MIB,
        bandwidth: 3_350.0 * GB,
        bf16: 989.4 * TERA,
        fp8: Some(1_978.9 * TERA),
        widens_fp8: true,
        int8: 1_978.9 * TERA,
        power: 700.0,
        link: NVLINK4,
        generation: Generation::Hopper,
        source: "NVIDIA H100 Tensor Core GPU Architecture whitepaper, table 3",
    },
    Gpu {
        id: "h100-pcie",
        name: "H100 PCIe 80 GB",
        driver_name: "NVIDIA H100 PCIe",
        memory: 81_559.0 * MIB,
        bandwidth: 2_000.0 * GB,
        bf16: 756.0 * TERA,
        fp8: Some(1_513.0 * TERA),
        widens_fp8: true,
        int8: 1_513.0 * TERA,
        power: 350.0,
        link: PCIE5,
        generation: Generation::Hopper,
        source: "NVIDIA H100 Tensor Core GPU datasheet (halved: dense)",
    },
    Gpu {
        id: "a100-80g",
        name: "A100 SXM 80 GB",
        driver_name: "NVIDIA A100-SXM4-80GB",
        memory: 81_920.0 * MIB,
        bandwidth: 2_039.0 * GB,
        bf16: 312.0 * TERA,
        fp8: None,
        widens_fp8: true,
        int8: 624.0 * TERA,
        power: 400.0,
        link: NVLINK3,
        generation: Generation::Ampere,
        source: "NVIDIA A100 Tensor Core GPU datasheet",
    },
    Gpu {
        id: "a100-40g",
        name: "A100 SXM 40 GB",
        driver_name: "NVIDIA A100-SXM4-40GB",
        memory: 40_960.0 * MIB,
        bandwidth: 1_555.0 * GB,
        bf16: 312.0 * TERA,
        fp8: None,
        widens_fp8: true,
        int8: 624.0 * TERA,
        power: 400.0,
        link: NVLINK3,
        generation: Generation::Ampere,
        source: "NVIDIA A100 Tensor Core GPU Architecture whitepaper",
    },
    Gpu {
        id: "a100-pcie-80g",
        name: "A100 PCIe 80 GB",
        driver_name: "NVIDIA A100 80GB PCIe",
        memory: 81_920.0 * MIB,
        bandwidth: 1_935.0 * GB,
        bf16: 312.0 * TERA,
        fp8: None,
        widens_fp8: true,
        int8: 624.0 * TERA,
        power: 300.0,
        link: PCIE4,
        generation: Generation::Ampere,
        source: "NVIDIA A100 Tensor Core GPU datasheet",
    },
    Gpu {
        id: "l40s",
        name: "L40S 48 GB",
        driver_name: "NVIDIA L40S",
        memory: 46_068.0 * MIB,
        bandwidth: 864.0 * GB,
        bf16: 362.0 * TERA,
        fp8: Some(733.0 * TERA),
        widens_fp8: true,
        int8: 733.0 * TERA,
        power: 350.0,
        link: PCIE4,
        generation: Generation::Ada,
        source: "NVIDIA L40S datasheet",
    },
    Gpu {
        id: "rtx-6000-ada",
        name: "RTX 6000 Ada 48 GB",
        driver_name: "NVIDIA RTX 6000 Ada Generation",
        memory: 49_140.0 * MIB,
        bandwidth: 960.0 * GB,
        bf16: 364.2 * TERA,
        fp8: Some(728.5 * TERA),
        widens_fp8: true,
        int8: 728.5 * TERA,
        power: 300.0,
        link: PCIE4,
        generation: Generation::Ada,
        source: "NVIDIA RTX 6000 Ada Generation datasheet (halved: dense)",
    },
    Gpu {
        id: "rtx-4090",
        name: "GeForce RTX 4090 24 GB",
        driver_name: "NVIDIA GeForce RTX 4090",
        memory: 24_564.0 * MIB,
        bandwidth: 1_008.0 * GB,
        bf16: 165.2 * TERA,
        fp8: Some(330.3 * TERA),
        widens_fp8: true,
        int8: 660.6 * TERA,
        power: 450.0,
        link: PCIE4,
        generation: Generation::Ada,
        source: "NVIDIA Ada GPU Architecture whitepaper, appendix A",
    },
    Gpu {
        id: "l4",
        name: "L4 24 GB",
        driver_name: "NVIDIA L4",
        memory: 23_034.0 * MIB,
        bandwidth: 300.0 * GB,
        bf16: 121.0 * TERA,
        fp8: Some(242.5 * TERA),
        widens_fp8: true,
        int8: 242.5 * TERA,
        power: 72.0,
        link: PCIE4,
        generation: Generation::Ada,
        source: "NVIDIA L4 datasheet (halved: dense)",
    },
    Gpu {
        id: "a10g",
        name: "A10G 24 GB",
        driver_name: "NVIDIA A10G",
        memory: 23_028.0 * MIB,
        bandwidth: 600.0 * GB,
        bf16: 70.0 * TERA,
        fp8: None,
        widens_fp8: true,
        int8: 140.0 * TERA,
        power: 300.0,
        link: PCIE4,
        generation: Generation::Ampere,
        source: "NVIDIA A10G datasheet for AWS",
    },
    Gpu {
        id: "t4",
        name: "T4 16 GB",
        driver_name: "Tesla T4",
        memory: 15_360.0 * MIB,
        bandwidth: 320.0 * GB,
        bf16: 65.0 * TERA,
        fp8: None,
        widens_fp8: false,
        int8: 130.0 * TERA,
        power: 70.0,
        link: PCIE3,
        generation: Generation::Turing,
        source: "NVIDIA T4 datasheet (FP16: it has no BF16)",
    },
    Gpu {
        id: "mi300x",
        name: "Instinct MI300X 192 GB",
        driver_name: "AMD Instinct MI300X",
        memory: 196_592.0 * MIB,
        bandwidth: 5_300.0 * GB,
        bf16: 1_307.4 * TERA,
        fp8: Some(2_614.9 * TERA),
        widens_fp8: true,
        int8: 2_614.9 * TERA,
        power: 750.0,
        link: FABRIC,
        generation: Generation::Cdna3,
        source: "AMD Instinct MI300X datasheet",
    },
];

impl Gpu {
    /// By the name in flags.
    pub fn named(id: &str) -> Result<&'static Self, RecommendError> {
        let wanted = id.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        GPUS.iter().find(|gpu| gpu.id == wanted).ok_or_else(|| RecommendError::UnknownGpu {
            name: id.to_owned(),
            known: GPUS.iter().map(|gpu| gpu.id).collect::<Vec<_>>().join(", "),
        })
    }

    /// By the name that a driver gives.
    pub fn of_driver(name: &str) -> Option<&'static Self> {
        let fits = |gpu: &&Self| name.trim().eq_ignore_ascii_case(gpu.driver_name);
        GPUS.iter().find(fits)
    }
}
