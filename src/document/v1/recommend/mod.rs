//! What `recommend` is asked and what it answers: how many of which GPU a load needs.

mod answer;
mod ask;

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SloDocument;
use super::format::{self, DocumentError, Format, Kind};

/// A question of capacity. Everything but the model may be left out; the answer repeats what was assumed instead.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecommendAskDocument {
    /// As the hub names it, for example `Qwen/Qwen2.5-7B-Instruct`. May be empty where `config_json` or `numbers` tell the shape.
    pub model: String,
    /// The text of the model's `config.json`.
    pub config_json: Option<String>,
    /// The shape in numbers, where there is no `config.json`.
    pub numbers: Option<NumbersDocument>,
    /// People at once, each of whom reads the answer for `think_time_s` before asking again. Excludes `rate`.
    pub users: Option<f64>,
    /// Seconds between an answer's end and the same user's next request.
    pub think_time_s: Option<f64>,
    /// Requests per second, arriving at random.
    pub rate: Option<f64>,
    /// Text tokens of a prompt; those of images are added.
    pub input_len: Option<u32>,
    pub output_len: Option<u32>,
    /// Images of a prompt.
    pub images: Option<u32>,
    /// Width and height in pixels.
    pub image_size: Option<(u32, u32)>,
    /// Limits on `ttft`, `tpot` and `e2e`.
    pub goodput: Vec<SloDocument>,
    /// Share of requests that shall meet each limit, in 0..1.
    pub attainment: Option<f64>,
    /// Share of a replica's capacity that stays free, in 0..1.
    pub headroom: Option<f64>,
    /// Ids of GPUs, for example `h100-sxm`; empty for all that are known.
    pub gpus: Vec<String>,
    /// `auto`, `bf16`, `fp8`, `int8` or `int4`.
    pub precision: Option<String>,
    /// `auto`, `bf16`, `fp8` or `int8`.
    pub kv_precision: Option<String>,
    /// Most GPUs of an answer.
    pub max_gpus: Option<u32>,
    /// Instead of the example prices.
    pub prices: Vec<PriceDocument>,
    /// Results that calibrate the efficiencies: files on a command line, ids of benchmarks at a server.
    pub measured: Vec<String>,
}

/// A model in numbers, as far as they are known.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NumbersDocument {
    /// All parameters.
    pub parameters: Option<f64>,
    /// Parameters that one token uses; null where they are all.
    pub active_parameters: Option<f64>,
    pub layers: Option<u32>,
    pub kv_heads: Option<u32>,
    pub head_dim: Option<u32>,
    pub hidden_size: Option<u32>,
}

/// What an hour of one GPU costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceDocument {
    pub gpu: String,
    pub usd_per_hour: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendDocument {
    pub format: Format,
    pub tool: String,
    /// RFC 3339.
    pub created: String,
    pub model: ModelFactsDocument,
    pub load: AskedLoadDocument,
    /// What was taken for granted, each with its source; the ask's defaults among it.
    pub assumptions: Vec<AssumptionDocument>,
    /// The best configuration of each GPU that serves the load, cheapest first.
    pub options: Vec<OptionDocument>,
    /// GPUs that cannot, and why.
    pub rejected: Vec<RejectedDocument>,
    pub calibration: Option<CalibrationDocument>,
    /// Where the prices come from, and of when they are.
    pub prices: String,
    /// What a reader should know besides, one sentence each.
    pub notes: Vec<String>,
}

/// What is known of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelFactsDocument {
    pub name: String,
    /// `config.json`, `built in` or `numbers`.
    pub source: String,
    pub parameters: f64,
    /// Parameters that one token uses.
    pub active_parameters: f64,
    pub layers: u32,
    /// `mha`, `gqa`, `mqa` or `mla`.
    pub attention: String,
    pub experts: Option<u32>,
    /// Tokens that one image of the asked size becomes; null where no image was asked.
    pub tokens_per_image: Option<u32>,
    pub precision: String,
    pub kv_precision: String,
}

/// The load as it was computed with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedLoadDocument {
    pub users: Option<f64>,
    pub think_time_s: Option<f64>,
    pub rate: Option<f64>,
    /// Tokens of a prompt, those of images included.
    pub input_tokens: f64,
    pub output_tokens: f64,
    pub goodput: Vec<SloDocument>,
    pub attainment: f64,
    pub headroom: f64,
}

/// One thing taken for granted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssumptionDocument {
    pub name: String,
    pub value: String,
    pub source: String,
}

/// A number as physics bounds it, and as it is expected. No server does better than `bound` at what was asked;
/// `worst` and `best` are the expectation at both ends of the efficiencies assumed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeDocument {
    pub bound: Option<f64>,
    /// Null where the load cannot be served under that efficiency.
    pub worst: Option<f64>,
    pub expected: f64,
    pub best: Option<f64>,
}

/// One way to serve the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionDocument {
    /// Id, for example `h100-sxm`.
    pub gpu: String,
    pub gpu_name: String,
    pub precision: String,
    pub kv_precision: String,
    /// GPUs of one replica, which share each layer (tensor parallel).
    pub gpus_per_replica: u32,
    pub replicas: RangeDocument,
    /// GPUs in all.
    pub gpus: u32,
    /// Requests per second that one replica serves within the limits.
    pub capacity_rps: RangeDocument,
    /// What ends a replica's capacity: `ttft`, `tpot`, `e2e`, `memory` or `throughput`.
    pub limited_by: String,
    /// Under the asked load, spread over the replicas.
    pub served: ServedDocument,
    pub memory: MemoryDocument,
    /// Null without a price.
    pub usd_per_hour: Option<f64>,
    pub usd_per_million_output_tokens: Option<f64>,
    pub usd_per_million_tokens: Option<f64>,
    /// With every GPU at its rated power all the time: an upper bound.
    pub kwh_per_million_output_tokens: f64,
    /// How each number came about.
    pub formulas: Vec<FormulaDocument>,
}

/// What users get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServedDocument {
    /// Requests per second in all.
    pub rate: f64,
    pub output_tokens_per_s: f64,
    /// Share of a replica's capacity in use, in 0..=1.
    pub utilization: f64,
    /// Sequences that one replica generates at once, on average.
    pub batch: f64,
    /// At the asked attainment.
    pub ttft_ms: RangeDocument,
    pub tpot_ms: RangeDocument,
    pub e2e_ms: RangeDocument,
}

/// Memory of one GPU of a replica.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryDocument {
    pub total_bytes: f64,
    pub weights_bytes: f64,
    /// Runtime, graphs and activations.
    pub overhead_bytes: f64,
    /// What is left for the KV cache.
    pub kv_bytes: f64,
    pub kv_bytes_per_token: f64,
    /// Sequences of the asked lengths that fit at once, in a replica.
    pub sequences: u64,
}

/// One number with its derivation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormulaDocument {
    pub name: String,
    pub formula: String,
    pub inputs: Vec<InputDocument>,
    pub value: f64,
    pub unit: String,
    pub source: String,
}

/// What stands for a letter of a formula.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputDocument {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

/// A GPU that cannot serve the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectedDocument {
    pub gpu: String,
    pub gpu_name: String,
    /// `memory`, `ttft`, `tpot`, `e2e`, `throughput`, `precision` or `max_gpus`.
    pub bound: String,
    /// One sentence with the numbers.
    pub reason: String,
    /// Whether physics forbids it, rather than the efficiencies that are assumed.
    pub physics: bool,
}

/// What measured results say of the efficiencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationDocument {
    /// The GPU that was measured, and how many shared the model.
    pub gpu: String,
    pub gpus: u32,
    /// Levels of rounds that were fitted.
    pub observations: u64,
    /// Share of the memory bandwidth that was reached, with its 95 % interval.
    pub memory_efficiency: IntervalDocument,
    /// Share of the arithmetic that was reached; null where no time to the first token told it.
    pub compute_efficiency: Option<IntervalDocument>,
    /// Median of |predicted / measured − 1| before and after.
    pub error_before: f64,
    pub error_after: f64,
}

/// A value and its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntervalDocument {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl RecommendDocument {
    /// Reads the text of a file; `path` only names it in errors.
    pub fn from_json(path: &Path, text: &str) -> Result<Self, DocumentError> {
        format::read(Kind::Recommend, path, text)
    }

    pub fn to_json(&self) -> String {
        format::write(self)
    }
}
