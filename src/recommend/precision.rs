//! How many bytes a number has, and which arithmetic works on it.

use super::Gpu;

/// How weights are stored, and by that which arithmetic multiplies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 16 bits; `FP16` where a GPU has no `BF16`.
    Bf16,
    Fp8,
    /// 8 bits for weights and activations.
    Int8,
    /// 4 bits for weights alone (AWQ, GPTQ); arithmetic in 16 bits.
    Int4,
    /// 4 bits for the experts alone, as gpt-oss is published; arithmetic in 16 bits.
    Mxfp4,
}

impl Precision {
    /// Those that one may ask for. `Mxfp4` is as some models are published, not a choice.
    pub const CHOICES: [Self; 4] = [Self::Bf16, Self::Fp8, Self::Int8, Self::Int4];

    pub fn id(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
            Self::Int4 => "int4",
            Self::Mxfp4 => "mxfp4",
        }
    }

    /// Bytes of one weight of a layer. Four bits come with a 16-bit scale and a zero point per group of 128 (AWQ), or an
    /// 8-bit scale per 32 (OCP microscaling formats 1.0): 4.25 bits.
    pub fn layer_bytes(self) -> f64 {
        match self {
            Self::Bf16 | Self::Mxfp4 => 2.0,
            Self::Fp8 | Self::Int8 => 1.0,
            Self::Int4 => 4.25 / 8.0,
        }
    }

    /// Bytes of one weight of a routed expert.
    pub fn expert_bytes(self) -> f64 {
        match self {
            Self::Mxfp4 => 4.25 / 8.0,
            other => other.layer_bytes(),
        }
    }

    /// Dense operations per second of the layers' arithmetic on one GPU; none where the GPU cannot run it.
    pub fn peak(self, gpu: &Gpu) -> Option<f64> {
        match self {
            Self::Bf16 | Self::Int4 | Self::Mxfp4 => Some(gpu.bf16),
            // Since Ampere, kernels widen FP8 weights to 16 bits where the GPU has no such arithmetic.
            Self::Fp8 => gpu.fp8.or_else(|| gpu.widens_fp8.then_some(gpu.bf16)),
            Self::Int8 => Some(gpu.int8),
        }
    }
}

/// How the KV cache is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvPrecision {
    Bf16,
    Fp8,
    Int8,
}

impl KvPrecision {
    pub const ALL: [Self; 3] = [Self::Bf16, Self::Fp8, Self::Int8];

    pub fn id(self) -> &'static str {
        match self {
            Self::Bf16 => "bf16",
            Self::Fp8 => "fp8",
            Self::Int8 => "int8",
        }
    }

    pub fn bytes(self) -> f64 {
        match self {
            Self::Bf16 => 2.0,
            Self::Fp8 | Self::Int8 => 1.0,
        }
    }
}
