//! The checked plan of a run: everything the engine and the gate need, and nothing that is still a guess.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::launch::Launch;
use crate::base::{Nanos, Seed};
use crate::protocol::{Adapter, Api};
use crate::record::{MetricKey, Slo};
use crate::search::Policy;
use crate::stats::Looks;
use crate::workload::{CacheLabel, Level, Limit, Part, Shard, UrlStrategy};

/// A run that may start. Invariant: `levels` and `parts` are not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlan {
    pub target: Target,
    /// None: ask the server and take its only model. Where models are drawn by weight, the first of them.
    pub model: Option<String>,
    /// Name of the workload, for keys and titles; `default` when the flags alone describe it.
    pub name: String,
    pub api: Api,
    /// The engine that is asked; none has it recognised by its answers.
    pub adapter: Option<Adapter>,
    /// Whether every chunk is to say its tokens; none leaves it to the adapter.
    pub counts_chunks: Option<bool>,
    pub stream: bool,
    /// What is asked: the workloads of a mix by weight, or a single one.
    pub parts: Vec<Part>,
    /// One measured window each, in this order, in every round.
    pub levels: Vec<Level>,
    /// Which part of every level this machine sends.
    pub shard: Shard,
    /// When the first level starts; none starts it at once.
    pub start_at: Option<StartAt>,
    pub slos: Vec<Slo>,
    pub warmup: Warmup,
    pub seed: Seed,
    pub timeouts: Timeouts,
    pub sampling: Sampling,
    /// Encoding name (`cl100k_base`) or path of a `tokenizer.json`; none uses the word rule.
    pub tokenizer: Option<String>,
    /// How much of the prompt prefix is shared on purpose.
    pub cache: CacheLabel,
    pub gate: GatePolicy,
    /// The baseline's server, where one stands beside the candidate's.
    pub baseline: Option<BaselineServer>,
    /// Instead of measuring `levels`, search from there for the highest load that holds.
    pub search: Option<SearchPlan>,
}

/// The search for the highest load at which enough requests meet every SLO.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchPlan {
    pub policy: Policy,
    /// None: a probe of the idle server says where to start.
    pub start: Option<f64>,
    /// The end of every window; none leaves it to the evidence that is needed.
    pub limit: Option<Limit>,
}

impl RunPlan {
    /// Whether both sides of a gate are the same server, which is not started anew between them.
    pub fn has_one_server(&self) -> bool {
        let Self { target, baseline, .. } = self;
        baseline.as_ref().is_some_and(|baseline| {
            baseline.base_urls == target.base_urls && target.launch.is_none() && baseline.launch.is_none()
        })
    }

    /// The engine that is asked, as far as it is known.
    pub fn adapter(&self) -> Adapter {
        self.adapter.unwrap_or_default()
    }

    /// Whether one request asks for several answers (`n`, `best_of`).
    pub fn asks_for_several(&self) -> bool {
        let bodies =
            self.sampling.extra_body.iter().chain(self.parts.iter().filter_map(|part| part.body.as_ref()));
        let fields = bodies.filter_map(|text| serde_json::from_str::<Value>(text).ok());
        let several = |count: &Value| count.as_u64().is_some_and(|count| count > 1);
        fields
            .into_iter()
            .any(|fields| ["n", "best_of"].into_iter().filter_map(|name| fields.get(name)).any(several))
    }

    /// Whether every chunk of a stream is asked for its tokens.
    pub fn continuous_usage(&self) -> bool {
        let fields = self.adapter().fields_in(self.api);
        self.stream && fields.continuous_usage && self.counts_chunks.unwrap_or(true)
    }

    /// Whether any request asks for its exact output length. Parts that do not take the field out of their own bodies.
    pub fn ignores_eos(&self) -> bool {
        self.parts.iter().any(|part| part.workload.ignore_eos)
    }

    /// Whether every request does, so that lengths asked and got should agree.
    pub fn has_exact_outputs(&self) -> bool {
        let exact = |part: &Part| part.workload.ignore_eos && part.workload.cancel.is_none();
        self.api.takes_ignore_eos()
            && self.adapter().fields_in(self.api).ignore_eos
            && self.parts.iter().all(exact)
    }
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub name: String,
    /// Each is `sim:…` or an http(s) URL without `/v1`; the first is the main one. Invariant: not empty.
    pub base_urls: Vec<String>,
    /// How it is started, where it is this tool that starts it: then it has one URL.
    pub launch: Option<Launch>,
    pub url_strategy: UrlStrategy,
    /// Name of the environment variable that holds the key; the value is never in a plan.
    pub api_key_env: Option<String>,
    /// Extra headers, in order.
    pub headers: Vec<(String, String)>,
    pub insecure: bool,
    pub cacert: Option<PathBuf>,
    /// The user's word for the hardware under test, which baselines are keyed by.
    pub hardware: Option<String>,
    pub gpu: GpuUse,
    /// The NVML library to load instead of the system's.
    pub nvml: Option<PathBuf>,
    /// The log of a server that is not started here.
    pub log: Option<PathBuf>,
    pub metrics: ServerMetrics,
}

/// What is read of the server's own metrics, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerMetrics {
    pub source: MetricsSource,
    /// Pages of DCGM exporters whose GPUs are the server's.
    pub dcgm: Vec<String>,
    pub validate: Validate,
}

/// Where they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum MetricsSource {
    /// On each server, where its engine has them.
    #[default]
    Auto,
    /// On these pages, all of them together.
    Pages(Vec<String>),
    /// Nobody asks.
    Off,
}

/// What it means for a round where the server's numbers differ from the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validate {
    /// Nobody looks.
    #[default]
    Off,
    /// The round is doubtful.
    Warn,
    /// The round is invalid.
    Strict,
}

/// Whether this machine's GPUs are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GpuUse {
    /// Where they are visible and may be the server's.
    #[default]
    Auto,
    /// Wherever the server seems to be; it is an error where none is visible.
    Require,
    Off,
}

impl Target {
    /// The main address: it is asked for its models and named in titles.
    pub fn base_url(&self) -> &str {
        self.base_urls.first().map_or("", String::as_str)
    }
}

/// The server of the baseline: all that is not said here is as the target's.
#[derive(Debug, Clone, PartialEq)]
pub struct BaselineServer {
    /// Each is `sim:…` or an http(s) URL without `/v1`. Invariant: not empty.
    pub base_urls: Vec<String>,
    /// Its name for the model, where it differs.
    pub model: Option<String>,
    /// How it is started, where it is this tool that starts it.
    pub launch: Option<Launch>,
    /// Never run at the same time as the target: both are started for each of their rounds. Then both have a `launch`.
    pub in_turn: bool,
}

/// A start that several machines can share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// Since 1970-01-01T00:00:00Z on the wall clock.
    Epoch(Nanos),
    /// After everything is ready.
    After(Nanos),
}

/// Requests before the measured window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warmup {
    /// None: as many as the level's concurrency, at least 1 and at most 64.
    pub requests: Option<u64>,
}

/// The three limits of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Nanos,
    pub first_token: Nanos,
    pub stall: Nanos,
    pub total: Nanos,
}

/// Sampling parameters and free fields of the body.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sampling {
    pub temperature: Option<f64>,
    /// JSON object text whose members are merged into each body.
    pub extra_body: Option<String>,
}

/// How a gate judges.
#[derive(Debug, Clone, PartialEq)]
pub struct GatePolicy {
    /// After how many rounds, or pairs of rounds, the evidence is looked at; the last look ends the gate.
    pub looks: Looks,
    /// From eight pairs on: exact sign-flip tests instead of Student's t.
    pub robust: bool,
    /// No further round starts when so much time has passed since the first.
    pub budget: Option<Nanos>,
    /// The gating cells and their tolerances: relative for latencies and throughput, absolute for ratios.
    pub tolerances: BTreeMap<MetricKey, f64>,
    pub objectives: Vec<Objective>,
    /// One-sided level of each of the two errors.
    pub alpha: f64,
    /// Declared session-to-session noise (relative sd) while fewer than five sessions are stored.
    pub assumed_noise: f64,
    /// Highest share of failed requests that a round may have before it is a failure by rule.
    pub max_error_rate: Option<f64>,
    pub require_baseline: bool,
    /// Exit 4 on inconclusive instead of 0.
    pub strict: bool,
}

/// An absolute limit on a metric, for example `ttft_p99 < 500ms` or `goodput >= 95%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    pub key: MetricKey,
    pub bound: Bound,
    /// In the metric's unit: ms, tokens/s, or a ratio in 0..=1.
    pub limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    AtMost,
    AtLeast,
}
