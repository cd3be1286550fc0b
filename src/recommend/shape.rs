//! From the layers of a transformer to counts of parameters.

use super::model::attention_name;
use super::{Model, Precision, Vision};

/// A transformer as its configuration draws it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "habits of families, each independent of the others")]
pub(super) struct Shape {
    pub layers: u64,
    pub hidden: u64,
    pub heads: u64,
    pub attention: Attention,
    /// Inner width of a dense layer, and its matrices: three where a gate multiplies, else two.
    pub inner: u64,
    pub matrices: u64,
    pub mlp_bias: bool,
    pub experts: Option<Experts>,
    pub vocabulary: u64,
    pub tied: bool,
    pub head_bias: bool,
    pub qkv_bias: bool,
    pub output_bias: bool,
    /// Learned sinks, one per head.
    pub sinks: bool,
    /// Parameters of a layer's norms over the hidden width, in hidden widths; and those of the last norm.
    pub norms: u64,
    pub last_norm: u64,
    /// Whether queries and keys are normed, per head dimension.
    pub head_norms: bool,
    /// Layers that see a window only, and its tokens.
    pub windowed: Option<(u64, u64)>,
    pub vision: Option<Vision>,
    pub published: Option<Precision>,
    pub assumed: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attention {
    /// Multi-head, grouped or multi-query.
    Grouped { kv_heads: u64, head_dim: u64 },
    /// Multi-head latent attention (DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1): tokens leave one compressed vector.
    Latent { query_rank: Option<u64>, kv_rank: u64, nope: u64, rope: u64, value: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Experts {
    pub count: u64,
    pub per_token: u64,
    pub inner: u64,
    /// Inner width of what every token uses beside them.
    pub shared_inner: u64,
    /// Whether the shared part has a gate of its own.
    pub shared_gate: bool,
    /// First layers that have none.
    pub dense_layers: u64,
    pub bias: bool,
    /// Whether the router adds a number per expert.
    pub router_bias: bool,
}

impl Shape {
    pub(super) fn model(self, name: &str, source: &'static str) -> Model {
        let sparse = self.experts.map_or(0, |experts| self.layers - experts.dense_layers.min(self.layers));
        let dense = self.layers - sparse;
        let shared = self.experts.map_or(0, |experts| self.beside_experts(&experts));
        let layer = self.attention_parameters() + self.norm_parameters();
        let body = self.layers * layer + dense * self.mlp(self.inner) + sparse * shared
            // The last norm belongs to no layer, yet every token passes it.
            + self.last_norm * self.hidden
            + if self.head_bias { self.vocabulary } else { 0 };
        let (kv_elements, kv_heads, attention_flops, attention) = self.attention_facts();
        Model {
            name: name.to_owned(),
            source,
            layers: self.layers,
            hidden: self.hidden,
            heads: self.heads,
            attention,
            body,
            expert: self.experts.map_or(0, |experts| sparse * self.one_expert(&experts)),
            experts: self.experts.map_or(0, |experts| experts.count),
            experts_per_token: self.experts.map_or(0, |experts| experts.per_token),
            embedding: self.vocabulary * self.hidden,
            head: self.vocabulary * self.hidden,
            tied: self.tied,
            kv_elements,
            kv_heads,
            attention_flops,
            windowed: self.windowed,
            vision: self.vision,
            published: self.published,
            assumed: self.assumed,
        }
    }

    fn attention_parameters(&self) -> u64 {
        let (hidden, heads) = (self.hidden, self.heads);
        match self.attention {
            Attention::Grouped { kv_heads, head_dim } => {
                let (query, kv) = (heads * head_dim, 2 * kv_heads * head_dim);
                2 * hidden * query
                    + hidden * kv
                    + if self.qkv_bias { query + kv } else { 0 }
                    + if self.output_bias { hidden } else { 0 }
                    + if self.sinks { heads } else { 0 }
            }
            Attention::Latent { query_rank, kv_rank, nope, rope, value } => {
                let query = heads * (nope + rope);
                let queries = query_rank.map_or(hidden * query, |rank| hidden * rank + rank + rank * query);
                queries
                    + hidden * (kv_rank + rope)
                    + kv_rank
                    + kv_rank * heads * (nope + value)
                    + heads * value * hidden
            }
        }
    }

    fn norm_parameters(&self) -> u64 {
        let head = match self.attention {
            Attention::Grouped { head_dim, .. } if self.head_norms => 2 * head_dim,
            _ => 0,
        };
        self.norms * self.hidden + head
    }

    fn mlp(&self, inner: u64) -> u64 {
        self.matrices * self.hidden * inner + if self.mlp_bias { inner + self.hidden } else { 0 }
    }

    fn one_expert(&self, experts: &Experts) -> u64 {
        self.matrices * self.hidden * experts.inner
            + if experts.bias { (self.matrices - 1) * experts.inner + self.hidden } else { 0 }
    }

    /// Router and shared experts of one layer.
    fn beside_experts(&self, experts: &Experts) -> u64 {
        experts.count * self.hidden
            + if experts.router_bias { experts.count } else { 0 }
            + self.matrices * self.hidden * experts.shared_inner
            + if experts.shared_gate { self.hidden } else { 0 }
    }

    /// Numbers per token and layer in the KV cache, heads that can be shared out, operations per pair of tokens, and its name.
    fn attention_facts(&self) -> (u64, u64, (u64, u64), &'static str) {
        match self.attention {
            Attention::Grouped { kv_heads, head_dim } => {
                let flops = 4 * self.heads * head_dim;
                (2 * kv_heads * head_dim, kv_heads, (flops, flops), attention_name(self.heads, kv_heads))
            }
            Attention::Latent { query_rank: _, kv_rank, nope, rope, value } => {
                let reading = 2 * self.heads * (nope + rope + value);
                // Tokens are made on the compressed vectors themselves.
                let making = 2 * self.heads * (2 * kv_rank + rope);
                (kv_rank + rope, 1, (reading, making), "mla")
            }
        }
    }
}
