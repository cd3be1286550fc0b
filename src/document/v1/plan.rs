//! The plan of a run in a file: readable, complete, and without secrets.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asked::{AskedDocument, MannerDocument, PartDocument};
use super::load::LoadDocument;
use super::number::six;
use super::{BaselineServerDocument, ShardDocument, TargetDocument};
use crate::base::Nanos;
use crate::config::{Bound, GatePolicy, Objective, RunPlan, Sampling, Timeouts, Warmup};
use crate::record::Slo;
use crate::workload::Dataset;

/// What was asked of the tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    pub target: TargetDocument,
    /// As given; null when the server was asked.
    pub model: Option<String>,
    pub workload: WorkloadDocument,
    /// The engine that was asked, where it is known, for example `vllm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    pub seed: u64,
    /// The part of the schedule that was sent; null for all of it. Levels name the whole load.
    #[serde(default)]
    pub shard: Option<ShardDocument>,
    pub timeouts_ms: TimeoutsDocument,
    pub gate: GateDocument,
    /// The baseline's server, which took turns with the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_server: Option<BaselineServerDocument>,
    pub workload_hash: String,
}

/// Everything that moves the numbers, as opposed to where they were measured and how they are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadDocument {
    /// `chat` or `completions`.
    pub api: String,
    pub stream: bool,
    /// Tokens: `512`, `128-1024` for a uniform distribution, or another law as settings write it; `mix` where parts differ.
    pub input_tokens: String,
    /// Null leaves the length to the server.
    pub output_tokens: Option<String>,
    /// `synthetic`, `sonnet`, the path of a file or of the trace that is replayed, or `mix`.
    pub dataset: String,
    pub ignore_eos: bool,
    /// Prefixes, conversations, cancellation, models: what is not said of every workload.
    #[serde(default, skip_serializing_if = "MannerDocument::is_plain")]
    pub manner: MannerDocument,
    /// The workloads of a mix.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartDocument>,
    pub levels: Vec<LoadDocument>,
    pub slos: Vec<SloDocument>,
    /// Null: as many as the level's concurrency, 1 to 64.
    pub warmup_requests: Option<u64>,
    pub sampling: SamplingDocument,
    pub tokenizer: Option<String>,
    /// `cold`, `warm` or `mixed`.
    pub cache: String,
}

/// A limit per request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloDocument {
    pub metric: String,
    pub limit_ms: f64,
}

/// The limits of waiting, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeoutsDocument {
    pub connect: f64,
    pub first_token: f64,
    pub stall: f64,
    pub total: f64,
}

/// Sampling parameters and free fields of the body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamplingDocument {
    pub temperature: Option<f64>,
    pub extra_body: Option<String>,
}

/// How the result is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateDocument {
    /// The last look.
    pub rounds: u32,
    /// Numbers of rounds, or of pairs, after which the evidence is looked at; empty: after all rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<u32>,
    /// Sign-flip tests from eight pairs on.
    #[serde(default, skip_serializing_if = "is_off")]
    pub robust: bool,
    /// Seconds after which no further look is begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_s: Option<f64>,
    /// Relative, or absolute for shares.
    pub tolerances: BTreeMap<String, f64>,
    pub objectives: Vec<ObjectiveDocument>,
    pub alpha: f64,
    pub assumed_noise: f64,
    pub max_error_rate: Option<f64>,
    pub require_baseline: bool,
    pub strict: bool,
}

/// An absolute limit, in the metric's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveDocument {
    pub metric: String,
    /// `at_most` or `at_least`.
    pub bound: String,
    pub limit: f64,
}

impl PlanDocument {
    pub(super) fn new(plan: &RunPlan, workload_hash: &str) -> Self {
        let RunPlan {
            target,
            model,
            name: _,
            api: _,
            adapter,
            counts_chunks: _,
            stream: _,
            parts: _,
            levels: _,
            shard,
            start_at: _,
            slos: _,
            warmup: _,
            seed,
            timeouts,
            sampling: _,
            tokenizer: _,
            cache: _,
            gate,
            baseline,
            search: _,
        } = plan;
        Self {
            target: target.into(),
            model: model.clone(),
            workload: plan.into(),
            adapter: adapter.map(|adapter| adapter.id().to_owned()),
            seed: seed.0,
            shard: (!shard.is_whole()).then(|| ShardDocument { index: shard.index(), count: shard.count() }),
            timeouts_ms: timeouts.into(),
            gate: gate.into(),
            baseline_server: baseline.as_ref().map(BaselineServerDocument::from),
            workload_hash: workload_hash.to_owned(),
        }
    }
}

impl From<&RunPlan> for WorkloadDocument {
    fn from(plan: &RunPlan) -> Self {
        let RunPlan {
            target: _,
            model: _,
            name: _,
            api,
            adapter: _,
            counts_chunks: _,
            stream,
            parts,
            levels,
            shard: _,
            start_at: _,
            slos,
            warmup: Warmup { requests },
            seed: _,
            timeouts: _,
            sampling,
            tokenizer,
            cache,
            gate: _,
            baseline: _,
            search: _,
        } = plan;
        let AskedDocument { input_tokens, output_tokens, dataset, manner } = AskedDocument::of(parts);
        let trace = parts.iter().find_map(|part| match &part.workload.dataset {
            Dataset::Trace(file) => Some(file),
            Dataset::Synthetic | Dataset::Sonnet | Dataset::File(_) => None,
        });
        Self {
            api: api.id().to_owned(),
            stream: *stream,
            input_tokens,
            output_tokens,
            dataset,
            ignore_eos: plan.ignores_eos(),
            manner,
            parts: if parts.len() > 1 { parts.iter().map(PartDocument::from).collect() } else { Vec::new() },
            levels: levels
                .iter()
                .map(|level| match trace {
                    Some(file) => LoadDocument::from(level).with(file),
                    None => LoadDocument::from(level),
                })
                .collect(),
            slos: slos.iter().map(SloDocument::from).collect(),
            warmup_requests: *requests,
            sampling: sampling.into(),
            tokenizer: tokenizer.clone(),
            cache: cache.id().to_owned(),
        }
    }
}

impl From<&Slo> for SloDocument {
    fn from(slo: &Slo) -> Self {
        let Slo { metric, limit } = slo;
        Self { metric: metric.id().to_owned(), limit_ms: six(limit.ms()) }
    }
}

impl From<&Timeouts> for TimeoutsDocument {
    fn from(timeouts: &Timeouts) -> Self {
        let Timeouts { connect, first_token, stall, total } = timeouts;
        Self { connect: connect.ms(), first_token: first_token.ms(), stall: stall.ms(), total: total.ms() }
    }
}

impl From<&Sampling> for SamplingDocument {
    fn from(sampling: &Sampling) -> Self {
        let Sampling { temperature, extra_body } = sampling;
        Self { temperature: *temperature, extra_body: extra_body.clone() }
    }
}

impl From<&GatePolicy> for GateDocument {
    fn from(policy: &GatePolicy) -> Self {
        let GatePolicy {
            looks,
            robust,
            budget,
            tolerances,
            objectives,
            alpha,
            assumed_noise,
            max_error_rate,
            require_baseline,
            strict,
        } = policy;
        Self {
            rounds: looks.last(),
            looks: if looks.counts().len() > 1 { looks.counts().to_vec() } else { Vec::new() },
            robust: *robust,
            budget_s: budget.map(Nanos::secs),
            tolerances: tolerances
                .iter()
                .map(|(key, tolerance)| (key.to_string(), six(*tolerance)))
                .collect(),
            objectives: objectives.iter().map(ObjectiveDocument::from).collect(),
            alpha: six(*alpha),
            assumed_noise: six(*assumed_noise),
            max_error_rate: max_error_rate.map(six),
            require_baseline: *require_baseline,
            strict: *strict,
        }
    }
}

impl From<&Objective> for ObjectiveDocument {
    fn from(objective: &Objective) -> Self {
        let Objective { key, bound, limit } = objective;
        Self {
            metric: key.to_string(),
            bound: match bound {
                Bound::AtMost => "at_most",
                Bound::AtLeast => "at_least",
            }
            .to_owned(),
            limit: six(*limit),
        }
    }
}

/// Fields that are off say nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(super) fn is_off(switch: &bool) -> bool {
    !switch
}
