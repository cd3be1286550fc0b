//! How long one step of a replica takes: bytes over bandwidth, operations over peak, and what goes over the links.

use super::{Efficiency, Gpu, KvPrecision, Model, Precision};

/// One copy of a model on `gpus` GPUs of a kind, which share each layer (tensor parallel).
#[derive(Debug, Clone, Copy)]
pub struct Replica<'a> {
    pub model: &'a Model,
    pub gpu: &'static Gpu,
    pub gpus: u32,
    pub precision: Precision,
    pub kv: KvPrecision,
}

/// What one step does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    /// Sequences that get a token.
    pub decoding: f64,
    /// Tokens that each of them attends to.
    pub context: f64,
    /// Tokens of prompts that are read.
    pub prefill: f64,
    /// Tokens that each of those attends to, on average.
    pub prefill_context: f64,
    /// Patches of images that are looked at.
    pub patches: f64,
}

impl Replica<'_> {
    /// Seconds of a step. Bound: the slowest of memory, arithmetic and links, as if they never waited for each other.
    /// Expectation: matrices first, bounded by either; then attention; then links; and the step's own cost.
    pub fn step(&self, efficiency: &Efficiency, work: &Work) -> f64 {
        let bandwidth = self.gpu.bandwidth * efficiency.memory;
        let half = self.gpu.bf16 * efficiency.compute;
        let peak = self.precision.peak(self.gpu).unwrap_or(self.gpu.bf16) * efficiency.compute;
        let tokens = work.decoding + work.prefill;
        let weights = self.weight_seconds(efficiency, tokens);
        let matrices = self.layer_flops(tokens) / peak + self.head_flops(work.decoding.max(1.0)) / half;
        let cache = self.kv_bytes_read(work) / bandwidth;
        let attention = self.attention_flops(work) / half + self.vision_flops(work.patches) / half;
        let link = self.link_seconds(efficiency, tokens);
        if efficiency.overlap {
            (weights + cache).max(matrices + attention).max(link)
        } else {
            weights.max(matrices)
                + cache.max(self.decode_attention_flops(work) / half)
                + self.prefill_attention_flops(work) / half
                + self.vision_flops(work.patches) / half
                + link
                + efficiency.step
                + efficiency.layer * self.model.layers as f64
        }
    }

    /// Bytes of weights that each GPU reads when this many tokens pass: all but the table of embeddings, and of the
    /// experts those that are chosen.
    pub fn weight_bytes_read(&self, tokens: f64) -> f64 {
        let model = self.model;
        let experts = (model.expert * model.experts) as f64 * model.experts_reached(tokens);
        (model.body as f64 * self.precision.layer_bytes()
            + experts * self.precision.expert_bytes()
            + model.head as f64 * 2.0)
            / f64::from(self.gpus)
    }

    /// Seconds in which each GPU reads its weights, were there nothing else to do.
    pub fn weight_seconds(&self, efficiency: &Efficiency, tokens: f64) -> f64 {
        let all = self.weight_bytes_read(tokens);
        let bandwidth = self.gpu.bandwidth * efficiency.memory;
        if matches!(self.precision, Precision::Int4) {
            let head = self.model.head as f64 * 2.0 / f64::from(self.gpus);
            return (all - head) / (bandwidth * efficiency.widening) + head / bandwidth;
        }
        all / bandwidth
    }

    /// Operations of each GPU on the layers' matrices: two per parameter and token (Kaplan et al. 2020, section 2.1).
    pub fn layer_flops(&self, tokens: f64) -> f64 {
        let model = self.model;
        2.0 * (model.body + model.expert * model.experts_per_token) as f64 * tokens / f64::from(self.gpus)
    }

    /// Operations of each GPU on the output matrix, which only tokens that are sampled pass.
    pub fn head_flops(&self, sampled: f64) -> f64 {
        2.0 * self.model.head as f64 * sampled / f64::from(self.gpus)
    }

    /// Bytes of KV cache that each GPU reads.
    pub fn kv_bytes_read(&self, work: &Work) -> f64 {
        work.decoding * self.model.kv_bytes(work.context, self.kv) * self.model.kv_share(self.gpus)
    }

    /// Operations of each GPU on pairs of tokens.
    pub fn attention_flops(&self, work: &Work) -> f64 {
        self.prefill_attention_flops(work) + self.decode_attention_flops(work)
    }

    fn prefill_attention_flops(&self, work: &Work) -> f64 {
        work.prefill * self.pairs(work.prefill_context) * self.model.attention_flops.0 as f64
            / f64::from(self.gpus)
    }

    fn decode_attention_flops(&self, work: &Work) -> f64 {
        work.decoding * self.pairs(work.context) * self.model.attention_flops.1 as f64 / f64::from(self.gpus)
    }

    /// Pairs of one token with those it attends to, over all layers.
    fn pairs(&self, context: f64) -> f64 {
        let (windowed, window) = self.model.windowed.unwrap_or((0, 0));
        (self.model.layers - windowed) as f64 * context + windowed as f64 * context.min(window as f64)
    }

    /// Operations of each GPU on images.
    pub fn vision_flops(&self, patches: f64) -> f64 {
        let parameters = self.model.vision.as_ref().map_or(0, |vision| vision.patch_parameters);
        2.0 * parameters as f64 * patches / f64::from(self.gpus)
    }

    /// Two all-reduces per layer, each of which moves 2(g − 1)/g of the activations past every GPU (Patarasuk and Yuan 2009).
    pub fn link_seconds(&self, efficiency: &Efficiency, tokens: f64) -> f64 {
        if self.gpus < 2 {
            return 0.0;
        }
        let gpus = f64::from(self.gpus);
        let bytes = tokens * self.model.hidden as f64 * 2.0 * 2.0 * (gpus - 1.0) / gpus;
        let each = efficiency.all_reduce + bytes / (self.gpu.link.bandwidth * efficiency.link);
        2.0 * self.model.layers as f64 * each
    }
}
