//! What the arithmetic needs to know of a model.

use super::{KvPrecision, Precision, RecommendError, Vision};

/// A model as counts. Parameters are counted once, wherever they are used.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub name: String,
    /// `config.json`, `built in` or `numbers`.
    pub source: &'static str,
    pub layers: u64,
    pub hidden: u64,
    /// Query heads: how many GPUs may share a layer.
    pub heads: u64,
    /// `mha`, `gqa`, `mqa` or `mla`.
    pub attention: &'static str,
    /// Parameters of the layers that every token uses.
    pub body: u64,
    /// Parameters of one routed expert, over all layers that have it; 0 without experts.
    pub expert: u64,
    pub experts: u64,
    pub experts_per_token: u64,
    /// Parameters of the table of input embeddings. A step reads a row of it per token.
    pub embedding: u64,
    /// Parameters of the output matrix, the same as `embedding` where they are tied.
    pub head: u64,
    pub tied: bool,
    /// Numbers that one token leaves in the KV cache of one layer.
    pub kv_elements: u64,
    /// Heads that GPUs can share those among; 1 where each GPU needs all of them.
    pub kv_heads: u64,
    /// Operations per query token and token attended, in one layer: while a prompt is read, and while tokens are made.
    pub attention_flops: (u64, u64),
    /// Layers that attend to a window only, and its tokens.
    pub windowed: Option<(u64, u64)>,
    pub vision: Option<Vision>,
    /// As the weights are published, where the configuration says so.
    pub published: Option<Precision>,
    /// What the configuration left open, and what was taken.
    pub assumed: Vec<String>,
}

/// A model as far as flags tell it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Numbers {
    pub parameters: Option<f64>,
    pub active_parameters: Option<f64>,
    pub layers: Option<u32>,
    pub kv_heads: Option<u32>,
    pub head_dim: Option<u32>,
    pub hidden_size: Option<u32>,
}

impl Model {
    /// All parameters, those of a vision tower included.
    pub fn parameters(&self) -> u64 {
        let head = if self.tied { 0 } else { self.head };
        let vision = self.vision.as_ref().map_or(0, |vision| vision.parameters);
        self.body + self.expert * self.experts + self.embedding + head + vision
    }

    /// Parameters that one token of text uses.
    pub fn active(&self) -> u64 {
        let head = if self.tied { 0 } else { self.head };
        self.body + self.expert * self.experts_per_token + self.embedding + head
    }

    /// Bytes of all weights. Embeddings, output matrix and vision tower stay in 16 bits, as quantised checkpoints keep them.
    pub fn weight_bytes(&self, precision: Precision) -> f64 {
        let head = if self.tied { 0 } else { self.head };
        let whole = self.embedding + head + self.vision.as_ref().map_or(0, |vision| vision.parameters);
        self.body as f64 * precision.layer_bytes()
            + (self.expert * self.experts) as f64 * precision.expert_bytes()
            + whole as f64 * 2.0
    }

    /// Bytes that the KV cache of one sequence of this many tokens holds, over all GPUs, each counted once.
    pub fn kv_bytes(&self, tokens: f64, kv: KvPrecision) -> f64 {
        let (windowed, window) = self.windowed.unwrap_or((0, 0));
        let whole = (self.layers - windowed) as f64 * tokens + windowed as f64 * tokens.min(window as f64);
        whole * self.kv_elements as f64 * kv.bytes()
    }

    /// Share of the KV cache that each of `gpus` holds: more than its part where there are fewer heads than GPUs.
    pub fn kv_share(&self, gpus: u32) -> f64 {
        self.kv_heads.div_ceil(u64::from(gpus)) as f64 / self.kv_heads as f64
    }

    /// Share of the experts that `tokens` tokens reach, when each chooses evenly: 1 − (1 − k/E)^tokens.
    pub fn experts_reached(&self, tokens: f64) -> f64 {
        if self.experts == 0 {
            return 0.0;
        }
        1.0 - (1.0 - self.experts_per_token as f64 / self.experts as f64).powf(tokens.max(0.0))
    }

    /// From flags; what they leave out is taken from models of that size, and said.
    pub fn of_numbers(name: &str, numbers: &Numbers) -> Result<Self, RecommendError> {
        let Numbers { parameters, active_parameters, layers, kv_heads, head_dim, hidden_size } = *numbers;
        let all = needed("--parameters", parameters, 1e15)?;
        let layers = needed("--layers", layers.map(f64::from), 1_000.0)? as u64;
        let kv_heads = needed("--kv-heads", kv_heads.map(f64::from), 4_096.0)? as u64;
        let head_dim = needed("--head-dim", head_dim.map(f64::from), 65_536.0)? as u64;
        let hidden_size = hidden_size
            .map(|width| needed("--hidden-size", Some(f64::from(width)), 262_144.0))
            .transpose()?;
        let active = active_parameters.unwrap_or(all);
        if !(active > 0.0 && active <= all) {
            return Err(RecommendError::Value {
                field: "--active-parameters",
                value: active.to_string(),
                problem: "not between 0 and all parameters".to_owned(),
                hint: "give the parameters that one token uses, or leave it out",
            });
        }
        let mut assumed = Vec::new();
        let hidden = hidden_size.map_or_else(
            || {
                // A dense layer has about 12 hidden² parameters.
                let hidden = ((active / layers as f64 / 12.0).sqrt() / 128.0).round().max(1.0) as u64 * 128;
                assumed.push(format!("hidden size {hidden}, from the parameters of a layer"));
                hidden
            },
            |width| width as u64,
        );
        let heads = (hidden / head_dim).max(kv_heads);
        // What is not used by every token is spread over experts of which one token uses one in so many.
        let (body, expert, experts) = match (all / active).round() as u64 {
            0 | 1 => (all, 0.0, 0),
            ratio => {
                let expert = (all - active) / (ratio as f64 - 1.0);
                (active - expert, expert, ratio)
            }
        };
        Ok(Self {
            name: name.to_owned(),
            source: "numbers",
            layers,
            hidden,
            heads,
            attention: attention_name(heads, kv_heads),
            body: body.max(0.0) as u64,
            expert: expert as u64,
            experts,
            experts_per_token: u64::from(experts > 0),
            embedding: 0,
            head: 0,
            tied: true,
            kv_elements: 2 * kv_heads * head_dim,
            kv_heads,
            attention_flops: (4 * heads * head_dim, 4 * heads * head_dim),
            windowed: None,
            vision: None,
            published: None,
            assumed,
        })
    }
}

/// By how many query heads share a KV head.
pub(super) fn attention_name(heads: u64, kv_heads: u64) -> &'static str {
    match kv_heads {
        1 => "mqa",
        kv if kv == heads => "mha",
        _ => "gqa",
    }
}

fn needed(field: &'static str, value: Option<f64>, most: f64) -> Result<f64, RecommendError> {
    const HINT: &str =
        "--parameters, --layers, --kv-heads and --head-dim describe a model; or give --config-json";
    match value {
        Some(value) if (1.0..=most).contains(&value) => Ok(value),
        Some(value) => Err(RecommendError::Value {
            field,
            value: value.to_string(),
            problem: format!("not between 1 and {most}"),
            hint: HINT,
        }),
        None => Err(RecommendError::Value {
            field,
            value: "is missing".to_owned(),
            problem: "the model's shape is not known without it".to_owned(),
            hint: HINT,
        }),
    }
}
