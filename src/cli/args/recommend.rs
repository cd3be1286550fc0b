//! `llm-loadtest recommend`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::base::{Nanos, parse_duration};
use crate::config::{ConfigError, parse_slos};
use crate::document::v1::{NumbersDocument, RecommendAskDocument, SloDocument};

#[derive(Debug, Args)]
pub struct RecommendArgs {
    /// Model as its hub names it, for example Qwen/Qwen2.5-VL-7B-Instruct
    #[arg(long, short, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub model: String,
    /// The model's config.json, for models that are not built in
    #[arg(long, value_name = "FILE")]
    pub config_json: Option<PathBuf>,
    #[command(flatten)]
    pub numbers: NumberFlags,
    #[command(flatten)]
    pub load: AskedLoad,
    /// GPUs to compare, for example h100-sxm,l40s,a100-80g; all that are known unless given
    #[arg(long = "gpu", value_name = "ID", value_delimiter = ',', help_heading = "Hardware")]
    pub gpus: Vec<String>,
    /// Most GPUs of an answer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Hardware")]
    pub max_gpus: Option<u32>,
    /// How weights are stored: auto (as they are published), bf16, fp8, int8 or int4
    #[arg(long, value_name = "PRECISION", default_value = "auto", help_heading = "Hardware")]
    pub precision: String,
    /// How the KV cache is stored: auto (bf16), bf16, fp8 or int8
    #[arg(long, value_name = "PRECISION", default_value = "auto", help_heading = "Hardware")]
    pub kv_precision: String,
    /// YAML of prices in US dollars per GPU and hour, a line per GPU: 'h100-sxm: 2.9'; example prices unless given
    #[arg(long, value_name = "FILE", help_heading = "Hardware")]
    pub prices: Option<PathBuf>,
    /// Results of this model on one of these GPUs, which calibrate the efficiencies
    #[arg(long, value_name = "RESULT", num_args = 1.., help_heading = "Hardware")]
    pub measured: Vec<PathBuf>,
    /// What to print
    #[arg(long, value_enum, default_value_t = RecommendFormat::Table)]
    pub format: RecommendFormat,
    /// Write to this file instead of the console
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The load, and what users expect of it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub struct AskedLoad {
    /// Requests per second, arriving at random; 1 unless it or --users is given
    #[arg(long, value_name = "RATE", conflicts_with = "users")]
    pub rate: Option<f64>,
    /// People at once, each of whom asks, waits, thinks and asks again
    #[arg(long, value_name = "N")]
    pub users: Option<f64>,
    /// How long each of them thinks, bare numbers in seconds; 10s unless given
    #[arg(long, value_name = "DURATION", value_parser = span, requires = "users")]
    pub think_time: Option<Nanos>,
    /// Text tokens of a prompt; 1024 unless given
    #[arg(long, value_name = "TOKENS")]
    pub input_len: Option<u32>,
    /// Tokens of an answer; 256 unless given
    #[arg(long, value_name = "TOKENS")]
    pub output_len: Option<u32>,
    /// Images of a prompt
    #[arg(long, value_name = "N")]
    pub images: Option<u32>,
    /// Their size in pixels; 1024x1024 unless given
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, requires = "images")]
    pub image_size: Option<(u32, u32)>,
    /// Limits on ttft, tpot and e2e, bare numbers in ms, for example ttft:500,tpot:50
    #[arg(long, value_name = "METRIC:LIMIT")]
    pub goodput: Option<String>,
    /// Share of requests that shall meet each limit, for example 99%; 95% unless given
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub attainment: Option<f64>,
    /// Share of a replica's capacity that stays free, for example 10%; 20% unless given
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub headroom: Option<f64>,
}

/// A model in numbers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model in numbers, instead of --config-json")]
pub struct NumberFlags {
    /// All parameters, for example 7.6e9
    #[arg(long, value_name = "COUNT")]
    pub parameters: Option<f64>,
    /// Parameters that one token uses, where there are experts
    #[arg(long, value_name = "COUNT")]
    pub active_parameters: Option<f64>,
    #[arg(long, value_name = "COUNT", help = "Layers")]
    pub layers: Option<u32>,
    /// Heads of keys and values in each layer
    #[arg(long, value_name = "COUNT")]
    pub kv_heads: Option<u32>,
    /// Dimension of a head
    #[arg(long, value_name = "COUNT")]
    pub head_dim: Option<u32>,
    /// Width of the layers; from the parameters unless given
    #[arg(long, value_name = "COUNT")]
    pub hidden_size: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecommendFormat {
    Table,
    Markdown,
    Json,
}

impl RecommendArgs {
    /// The question without what lies in files.
    pub fn ask(&self) -> Result<RecommendAskDocument, ConfigError> {
        let AskedLoad {
            rate,
            users,
            think_time,
            input_len,
            output_len,
            images,
            image_size,
            ref goodput,
            attainment,
            headroom,
        } = self.load;
        let goodput = goodput.as_deref().map(parse_slos).transpose()?.unwrap_or_default();
        Ok(RecommendAskDocument {
            model: self.model.clone(),
            config_json: None,
            numbers: self.numbers.document(),
            users,
            think_time_s: think_time.map(Nanos::secs),
            rate,
            input_len,
            output_len,
            images,
            image_size,
            goodput: goodput.iter().map(SloDocument::from).collect(),
            attainment,
            headroom,
            gpus: self.gpus.clone(),
            precision: Some(self.precision.clone()),
            kv_precision: Some(self.kv_precision.clone()),
            max_gpus: self.max_gpus,
            prices: Vec::new(),
            measured: self.measured.iter().map(|path| path.display().to_string()).collect(),
        })
    }
}

impl NumberFlags {
    /// None where no number was given.
    fn document(&self) -> Option<NumbersDocument> {
        let Self { parameters, active_parameters, layers, kv_heads, head_dim, hidden_size } = *self;
        let document =
            NumbersDocument { parameters, active_parameters, layers, kv_heads, head_dim, hidden_size };
        (document != NumbersDocument::default()).then_some(document)
    }
}

fn span(text: &str) -> Result<Nanos, String> {
    parse_duration(text, "s").map_err(|error| error.to_string())
}

/// `95%` or 0.95. Whether it is a share at all is for the question to say, whoever asks it.
fn share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let number =
        |text: &str| text.trim().parse::<f64>().map_err(|_| "write for example 95% or 0.95".to_owned());
    match text.strip_suffix('%') {
        Some(percent) => number(percent).map(|percent| percent / 100.0),
        None => number(text),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let read = |text: &str| text.trim().parse::<u32>().ok();
    text.split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((read(width)?, read(height)?)))
        .ok_or_else(|| "write width and height, for example 1024x768".to_owned())
}
