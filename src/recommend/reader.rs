//! A model's `config.json`, as hubs keep it, to a `Model`.

use serde::Deserialize;

use super::shape::{Attention, Experts, Shape};
use super::vision::{self, RawVision};
use super::{Model, Precision, RecommendError, Vision};

/// Reads the text of a `config.json`. `name` is what the model is called in the answer.
pub fn read_config(name: &str, text: &str) -> Result<Model, RecommendError> {
    read(name, text, "config.json")
}

pub(super) fn read(name: &str, text: &str, source: &'static str) -> Result<Model, RecommendError> {
    let raw: Raw = serde_json::from_str(text).map_err(|error| RecommendError::Config {
        problem: format!("not a model's configuration: {error}"),
    })?;
    let outer = raw.model_type.clone().unwrap_or_default();
    let tied = raw.tie_word_embeddings;
    let published = published(raw.quantization_config.as_ref());
    let vision = raw.vision_config.clone();
    // Models that see keep the language model's numbers one level deeper.
    let mut language = match (raw.text_config, raw.llm_config) {
        (Some(inner), _) | (None, Some(inner)) => *inner,
        (None, None) => Raw { text_config: None, llm_config: None, ..raw },
    };
    language.tie_word_embeddings = language.tie_word_embeddings.or(tied);
    let mut shape = language.shape()?;
    shape.published = published.or(shape.published);
    shape.vision = vision::read(&outer, vision.as_ref(), shape.hidden)?;
    Ok(shape.model(name, source))
}

/// The fields that are read; others may stand beside them. Older families have names of their own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Raw {
    model_type: Option<String>,
    #[serde(alias = "n_embd", alias = "d_model")]
    hidden_size: Option<u64>,
    #[serde(alias = "n_inner", alias = "ffn_hidden_size")]
    intermediate_size: Option<u64>,
    #[serde(alias = "n_layer")]
    num_hidden_layers: Option<u64>,
    #[serde(alias = "n_head")]
    num_attention_heads: Option<u64>,
    #[serde(alias = "num_kv_heads")]
    num_key_value_heads: Option<u64>,
    head_dim: Option<u64>,
    vocab_size: Option<u64>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    sliding_window: Option<u64>,
    sliding_window_pattern: Option<u64>,
    layer_types: Option<Vec<String>>,
    use_sliding_window: Option<bool>,
    #[serde(alias = "num_experts", alias = "n_routed_experts")]
    num_local_experts: Option<u64>,
    num_experts_per_tok: Option<u64>,
    moe_intermediate_size: Option<u64>,
    n_shared_experts: Option<u64>,
    shared_expert_intermediate_size: Option<u64>,
    first_k_dense_replace: Option<u64>,
    q_lora_rank: Option<u64>,
    kv_lora_rank: Option<u64>,
    qk_nope_head_dim: Option<u64>,
    qk_rope_head_dim: Option<u64>,
    v_head_dim: Option<u64>,
    quantization_config: Option<RawQuantization>,
    text_config: Option<Box<Raw>>,
    llm_config: Option<Box<Raw>>,
    vision_config: Option<RawVision>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct RawQuantization {
    quant_method: Option<String>,
    bits: Option<u64>,
}

fn published(quantization: Option<&RawQuantization>) -> Option<Precision> {
    let RawQuantization { quant_method, bits } = quantization?;
    match (quant_method.as_deref()?, bits) {
        ("fp8" | "fbgemm_fp8", _) => Some(Precision::Fp8),
        ("mxfp4", _) => Some(Precision::Mxfp4),
        (_, Some(8)) => Some(Precision::Int8),
        (_, Some(4)) | ("awq", None) => Some(Precision::Int4),
        _ => None,
    }
}

/// What sets families apart beyond their numbers.
#[expect(clippy::struct_excessive_bools, reason = "habits of families, each independent of the others")]
struct Family {
    matrices: u64,
    tied: bool,
    qkv_bias: bool,
    norms: u64,
    last_norm: u64,
    head_norms: bool,
    known: bool,
}

/// From the published modelling code of each family.
fn family(model_type: &str) -> Family {
    let plain = Family {
        matrices: 3,
        tied: false,
        qkv_bias: false,
        norms: 2,
        last_norm: 1,
        head_norms: false,
        known: true,
    };
    match model_type {
        "llama" | "mistral" | "mixtral" | "phi3" | "phi3_v" | "internlm2" | "deepseek_v2" | "deepseek_v3" => {
            plain
        }
        "qwen2" | "qwen2_moe" | "qwen2_vl" | "qwen2_5_vl" | "qwen2_vl_text" | "qwen2_5_vl_text"
        | "gpt_oss" => Family { qkv_bias: true, ..plain },
        "qwen3" | "qwen3_moe" => Family { head_norms: true, ..plain },
        "gemma2" => Family { tied: true, norms: 4, ..plain },
        "gemma3" | "gemma3_text" => Family { tied: true, norms: 4, head_norms: true, ..plain },
        "falcon" => Family { matrices: 2, tied: true, norms: 4, last_norm: 2, ..plain },
        "gptj" => Family { matrices: 2, norms: 2, last_norm: 2, ..plain },
        _ => Family { known: false, ..plain },
    }
}

impl Raw {
    fn shape(&self) -> Result<Shape, RecommendError> {
        let kind = self.model_type.as_deref().unwrap_or_default();
        let family = family(kind);
        let hidden = needed("hidden_size", self.hidden_size)?;
        let heads = needed("num_attention_heads", self.num_attention_heads)?;
        let layers = needed("num_hidden_layers", self.num_hidden_layers)?;
        let inner = match self.intermediate_size {
            None if family.matrices == 2 => 4 * hidden,
            inner => needed("intermediate_size", inner)?,
        };
        let mut assumed = Vec::new();
        if !family.known {
            let called =
                if kind.is_empty() { "without a model_type".to_owned() } else { format!("'{kind}'") };
            assumed.push(format!("the family {called} is not known: counted as Llama's layers"));
        }
        Ok(Shape {
            layers,
            hidden,
            heads,
            attention: self.attention(hidden, heads)?,
            inner,
            matrices: family.matrices,
            mlp_bias: kind == "gptj",
            experts: self.experts(kind, inner)?,
            vocabulary: needed("vocab_size", self.vocab_size)?,
            tied: self.tie_word_embeddings.unwrap_or(family.tied),
            head_bias: kind == "gptj",
            qkv_bias: family.qkv_bias || self.attention_bias == Some(true),
            output_bias: kind == "gpt_oss" || self.attention_bias == Some(true),
            sinks: kind == "gpt_oss",
            norms: family.norms,
            last_norm: family.last_norm,
            head_norms: family.head_norms,
            windowed: self.windowed(kind, layers),
            vision: None::<Vision>,
            published: published(self.quantization_config.as_ref()),
            assumed,
        })
    }

    fn attention(&self, hidden: u64, heads: u64) -> Result<Attention, RecommendError> {
        if let Some(kv_rank) = self.kv_lora_rank {
            return Ok(Attention::Latent {
                query_rank: bounded("q_lora_rank", self.q_lora_rank)?,
                kv_rank: needed("kv_lora_rank", Some(kv_rank))?,
                nope: needed("qk_nope_head_dim", self.qk_nope_head_dim)?,
                rope: needed("qk_rope_head_dim", self.qk_rope_head_dim)?,
                value: needed("v_head_dim", self.v_head_dim)?,
            });
        }
        let kv_heads = match self.num_key_value_heads {
            None => heads,
            kv => needed("num_key_value_heads", kv)?,
        };
        if kv_heads > heads {
            return Err(RecommendError::Config {
                problem: format!("num_key_value_heads is {kv_heads}, more than the {heads} heads"),
            });
        }
        let head_dim = needed("head_dim", self.head_dim.or(Some(hidden / heads)))?;
        Ok(Attention::Grouped { kv_heads, head_dim })
    }

    fn experts(&self, kind: &str, inner: u64) -> Result<Option<Experts>, RecommendError> {
        let Some(count) = self.num_local_experts.filter(|count| *count > 1) else { return Ok(None) };
        needed("num_local_experts", Some(count))?;
        let per_token = needed("num_experts_per_tok", self.num_experts_per_tok)?;
        if per_token > count {
            return Err(RecommendError::Config {
                problem: format!("num_experts_per_tok is {per_token}, more than the {count} experts"),
            });
        }
        let own = bounded("moe_intermediate_size", self.moe_intermediate_size)?.unwrap_or(inner);
        let shared = bounded("shared_expert_intermediate_size", self.shared_expert_intermediate_size)?;
        let shared_experts = self.n_shared_experts.filter(|count| *count > 0);
        Ok(Some(Experts {
            count,
            per_token,
            inner: own,
            shared_inner: shared
                .unwrap_or(bounded("n_shared_experts", shared_experts)?.map_or(0, |count| count * own)),
            shared_gate: shared.is_some(),
            dense_layers: self.first_k_dense_replace.unwrap_or(0),
            bias: kind == "gpt_oss",
            router_bias: matches!(kind, "gpt_oss" | "deepseek_v3"),
        }))
    }

    /// Layers with a window: as listed, else by the family's habit.
    fn windowed(&self, kind: &str, layers: u64) -> Option<(u64, u64)> {
        let window = self.sliding_window.filter(|window| *window > 0)?;
        let listed = self
            .layer_types
            .as_ref()
            .map(|types| types.iter().filter(|layer| *layer == "sliding_attention").count() as u64);
        let count = listed.unwrap_or_else(|| match kind {
            "gemma2" | "gpt_oss" => layers.div_ceil(2),
            "gemma3" | "gemma3_text" => layers - layers / self.sliding_window_pattern.unwrap_or(6).max(1),
            "mistral" => layers,
            _ if self.use_sliding_window == Some(true) => layers,
            _ => 0,
        });
        (count > 0).then_some((count.min(layers), window))
    }
}

/// The largest that a field may be: above every model there is, and small enough that no product of them overflows.
fn most(field: &str) -> u64 {
    match field.rsplit('.').next().unwrap_or(field) {
        "num_hidden_layers" | "depth" | "n_shared_experts" | "patch_size" => 1_000,
        "num_attention_heads" | "num_key_value_heads" | "num_local_experts" | "num_experts_per_tok" => 4_096,
        "vocab_size" | "intermediate_size" | "moe_intermediate_size" | "shared_expert_intermediate_size" => {
            4_194_304
        }
        "head_dim" | "v_head_dim" | "qk_nope_head_dim" | "qk_rope_head_dim" | "image_size" => 65_536,
        _ => 262_144,
    }
}

/// A count that must be there.
pub(super) fn needed(field: &str, value: Option<u64>) -> Result<u64, RecommendError> {
    bounded(field, value)?.ok_or_else(|| RecommendError::Config { problem: format!("{field} is missing") })
}

/// A count that may be absent.
pub(super) fn bounded(field: &str, value: Option<u64>) -> Result<Option<u64>, RecommendError> {
    let most = most(field);
    match value {
        Some(value) if !(1..=most).contains(&value) => {
            Err(RecommendError::Config { problem: format!("{field} is {value}, not between 1 and {most}") })
        }
        value => Ok(value),
    }
}
