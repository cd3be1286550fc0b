//! What fits into the GPUs of one replica.

use super::{Efficiency, Lengths, Replica};

/// Bytes on each GPU, and what fits in what is left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    pub total: f64,
    pub weights: f64,
    /// Runtime, graphs, activations, and what the engine leaves alone.
    pub overhead: f64,
    /// Left for the KV cache; 0 where the weights alone are too much.
    pub kv: f64,
    /// KV bytes of one token that is attended by every layer.
    pub kv_per_token: f64,
    /// Sequences of the lengths that fit at once, each half way through its output.
    pub sequences: f64,
}

impl Memory {
    pub fn of(replica: &Replica<'_>, efficiency: &Efficiency, lengths: Lengths) -> Self {
        let Replica { model, gpu, gpus, precision, kv } = *replica;
        let total = gpu.memory;
        let weights = model.weight_bytes(precision) / f64::from(gpus);
        let overhead = total * (1.0 - efficiency.memory_used) + efficiency.runtime_bytes;
        let left = (total - weights - overhead).max(0.0);
        let share = model.kv_share(gpus);
        let each = model.kv_bytes(lengths.held(), kv) * share;
        Self {
            total,
            weights,
            overhead,
            kv: left,
            kv_per_token: model.layers as f64 * model.kv_elements as f64 * kv.bytes() * share,
            sequences: if each > 0.0 { left / each } else { 0.0 },
        }
    }
}
