//! Which share of a GPU's peaks servers reach, and what else a step costs.

use super::Gpu;
use super::gpu::Generation;

/// Shares of peaks, and fixed costs. The bound is the case where every share is 1 and nothing is fixed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Efficiency {
    /// Share of the memory bandwidth that decoding reaches (MBU).
    pub memory: f64,
    /// Share of the dense peak that reading prompts reaches (MFU).
    pub compute: f64,
    /// Share of a link's bandwidth that an all-reduce reaches.
    pub link: f64,
    /// Share of `memory` that kernels reach which widen 4-bit weights as they read them.
    pub widening: f64,
    /// Seconds that each step costs beside its kernels: scheduling, sampling, sending.
    pub step: f64,
    /// Seconds that each layer costs beside its reads and its arithmetic: kernels that start and end.
    pub layer: f64,
    /// Seconds that one all-reduce takes, however small.
    pub all_reduce: f64,
    /// Share of a GPU's memory that the engine takes.
    pub memory_used: f64,
    /// Bytes of runtime, graphs and activations on each GPU.
    pub runtime_bytes: f64,
    /// Whether arithmetic, memory and links work at the same time without loss.
    pub overlap: bool,
}

/// What cannot be beaten, and what is expected with its range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Efficiencies {
    pub bound: Efficiency,
    pub low: Efficiency,
    pub expected: Efficiency,
    pub high: Efficiency,
}

/// What engines do unless they are told otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineDefaults {
    /// Tokens of a step at most.
    pub chunk: f64,
    /// Sequences of a step at most.
    pub sequences: f64,
}

impl EngineDefaults {
    /// vLLM's `max_num_batched_tokens` and `max_num_seqs` of an API server (V1, `EngineArgs`): more from 70 GiB of memory
    /// on, A100 apart.
    pub fn of(gpu: &Gpu) -> Self {
        let large = gpu.memory >= 70.0 * 1024.0_f64.powi(3) && gpu.generation != Generation::Ampere;
        if large {
            Self { chunk: 8_192.0, sequences: 1_024.0 }
        } else {
            Self { chunk: 2_048.0, sequences: 256.0 }
        }
    }
}

impl Efficiency {
    /// Physics alone.
    pub fn ideal() -> Self {
        Self {
            memory: 1.0,
            compute: 1.0,
            link: 1.0,
            widening: 1.0,
            step: 0.0,
            layer: 0.0,
            all_reduce: 0.0,
            memory_used: 1.0,
            runtime_bytes: 0.0,
            overlap: true,
        }
    }
}

impl Efficiencies {
    /// What is assumed of a GPU, from the published measurements that docs/RECOMMEND.md lists; generations without any
    /// there have a wider range.
    pub fn assumed(gpu: &Gpu) -> Self {
        let ([m_low, m, m_high], [c_low, c, c_high]) = shares(gpu.generation);
        // NCCL's and the engines' own all-reduces of a few hundred kilobytes take 10 to 40 µs over NVLink; the host's
        // bus takes two to three times as long.
        let all_reduce = if gpu.link.pcie { [100e-6, 50e-6, 25e-6] } else { [40e-6, 22e-6, 10e-6] };
        let case = |at: usize, memory, compute| Efficiency {
            memory,
            compute,
            link: [0.5, 0.7, 0.85][at],
            widening: [0.50, 0.65, 0.85][at],
            step: [2.0e-3, 1.0e-3, 0.3e-3][at],
            layer: [50e-6, 25e-6, 8e-6][at],
            all_reduce: all_reduce[at],
            // vLLM's gpu_memory_utilization, unless it is told otherwise.
            memory_used: [0.85, 0.90, 0.95][at],
            runtime_bytes: [3.0e9, 2.0e9, 1.0e9][at],
            overlap: false,
        };
        Self {
            bound: Efficiency::ideal(),
            low: case(0, m_low, c_low),
            expected: case(1, m, c),
            high: case(2, m_high, c_high),
        }
    }

    /// Without its bound, which no measurement moves.
    pub fn expectations_mut(&mut self) -> [&mut Efficiency; 3] {
        [&mut self.low, &mut self.expected, &mut self.high]
    }
}

/// Low, expected and high share of the bandwidth and of the arithmetic.
fn shares(generation: Generation) -> ([f64; 3], [f64; 3]) {
    match generation {
        Generation::Turing => ([0.50, 0.65, 0.80], [0.25, 0.40, 0.55]),
        Generation::Ampere => ([0.60, 0.76, 0.88], [0.45, 0.60, 0.70]),
        Generation::Ada => ([0.65, 0.78, 0.90], [0.40, 0.53, 0.65]),
        Generation::Hopper => ([0.60, 0.74, 0.88], [0.28, 0.42, 0.60]),
        Generation::Blackwell => ([0.45, 0.62, 0.82], [0.22, 0.38, 0.58]),
        Generation::Cdna3 => ([0.40, 0.58, 0.78], [0.20, 0.35, 0.52]),
    }
}
