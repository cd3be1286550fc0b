//! The result of a run or a gate: `result.json`.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{self, DEFINITIONS, DocumentError, Format, Kind};
use super::import::Source;
use super::pool::in_turn;
use super::{
    EnvironmentDocument, FindingDocument, Key, LevelDocument, PlanDocument, SearchDocument, VerdictDocument,
};
use crate::base::Seed;
use crate::config::RunPlan;
use crate::gate::Verdict;
use crate::metrics::Summary;
use crate::record::{Arm, Environment, MetricKey};
use crate::search::Search;
use crate::validity::Finding;

/// Everything that is known about one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunDocument {
    pub format: Format,
    /// Id of the metric definitions.
    pub definitions: String,
    /// `llm-loadtest` version that wrote the file.
    pub tool: String,
    /// RFC 3339.
    pub created: String,
    /// RFC 3339 to the nanosecond: the wall clock at the zero of every instant in this file. Null in older files.
    #[serde(default)]
    pub clock_origin: Option<String>,
    /// Interrupted: what was measured until then. Merged: a shard is missing or was interrupted.
    pub partial: bool,
    /// Name of the workload.
    pub name: String,
    pub plan: PlanDocument,
    pub environment: EnvironmentDocument,
    pub fingerprint: Key,
    /// Where another tool measured this and we only read its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedDocument>,
    pub rounds: Vec<RoundDocument>,
    /// The baseline's side, where its server took turns with the candidate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairsDocument>,
    /// Rounds of earlier gates of the same question that the verdict rests on, too.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub carried: u64,
    /// Each level over all rounds: counts added, histograms merged, percentiles taken last.
    pub levels: Vec<LevelDocument>,
    pub findings: Vec<FindingDocument>,
    pub verdict: Option<VerdictDocument>,
    /// The search that chose the levels, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchDocument>,
}

/// Whose result this is. Its numbers follow the definitions that the document names, which are never compared with ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedDocument {
    /// `vllm`, `sglang`, `aiperf` or `guidellm`.
    pub source: String,
    /// That tool's version, where its file says.
    pub version: Option<String>,
    /// When it was measured, in the words of the file.
    pub measured: Option<String>,
    pub files: Vec<String>,
    /// Fields of this document that the files do not tell; they hold `unknown`, 0 or null.
    pub unsaid: Vec<String>,
}

impl ImportedDocument {
    /// The tool as people call it.
    pub fn title(&self) -> &str {
        Source::ALL
            .into_iter()
            .find(|source| source.id() == self.source)
            .map_or(&self.source, |source| source.title())
    }
}

/// One pass over all levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundDocument {
    /// From 1.
    pub round: u32,
    pub seed: u64,
    pub levels: Vec<LevelDocument>,
}

/// The baseline's rounds of every block. A block's two rounds have the same number, seed, prompts and arrivals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairsDocument {
    pub environment: EnvironmentDocument,
    /// Which side each block began with: `baseline` or `candidate`.
    pub first: Vec<String>,
    pub rounds: Vec<RoundDocument>,
    /// Each level over all rounds of the baseline.
    pub levels: Vec<LevelDocument>,
}

/// What a document is made from.
#[derive(Debug, Clone, Copy)]
pub struct RunParts<'a> {
    pub tool: &'a str,
    /// RFC 3339.
    pub created: &'a str,
    /// RFC 3339 to the nanosecond.
    pub clock_origin: &'a str,
    pub partial: bool,
    pub plan: &'a RunPlan,
    pub workload_hash: &'a str,
    pub environment: &'a Environment,
    pub rounds: &'a [RoundParts<'a>],
    pub pairs: Option<PairsParts<'a>>,
    pub carried: u64,
    pub findings: &'a [Finding],
    pub verdict: Option<&'a Verdict>,
    pub search: Option<&'a Search>,
}

/// The baseline's side of a measurement in pairs.
#[derive(Debug, Clone, Copy)]
pub struct PairsParts<'a> {
    pub environment: &'a Environment,
    pub first: &'a [Arm],
    pub rounds: &'a [RoundParts<'a>],
}

/// One round: its seed, and the levels that were measured, by label.
#[derive(Debug, Clone)]
pub struct RoundParts<'a> {
    pub round: u32,
    pub seed: Seed,
    pub levels: Vec<(String, &'a Summary)>,
}

impl RunDocument {
    pub fn new(parts: RunParts<'_>) -> Self {
        let RunParts {
            tool,
            created,
            clock_origin,
            partial,
            plan,
            workload_hash,
            environment,
            rounds,
            pairs,
            carried,
            findings,
            verdict,
            search,
        } = parts;
        let objectives = plan.gate.objectives.iter().map(|objective| objective.key);
        let gated: Vec<MetricKey> = plan.gate.tolerances.keys().copied().chain(objectives).collect();
        let documents = |rounds: &[RoundParts<'_>]| -> Vec<RoundDocument> {
            rounds.iter().map(|round| RoundDocument::new(round, &gated)).collect()
        };
        let rounds = documents(rounds);
        let pairs = pairs.map(|PairsParts { environment, first, rounds }| {
            let rounds = documents(rounds);
            PairsDocument {
                environment: environment.into(),
                first: first.iter().map(|arm| arm.id().to_owned()).collect(),
                levels: overall(&rounds),
                rounds,
            }
        });
        Self {
            format: Format::current(Kind::Run),
            definitions: DEFINITIONS.to_owned(),
            tool: tool.to_owned(),
            created: created.to_owned(),
            clock_origin: Some(clock_origin.to_owned()),
            partial,
            name: plan.name.clone(),
            plan: PlanDocument::new(plan, workload_hash),
            environment: environment.into(),
            fingerprint: Key {
                workload: plan.name.clone(),
                model: environment.model.clone(),
                hardware: environment.hardware.clone(),
                workload_hash: workload_hash.to_owned(),
            },
            imported: None,
            levels: overall(&rounds),
            rounds,
            pairs,
            carried,
            findings: findings.iter().map(FindingDocument::from).collect(),
            verdict: verdict.map(VerdictDocument::from),
            search: search.map(|search| SearchDocument::new(search, &plan.levels)),
        }
    }

    /// Reads the text of a file; `path` only names it in errors.
    pub fn from_json(path: &Path, text: &str) -> Result<Self, DocumentError> {
        format::read(Kind::Run, path, text)
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        format::write(self)
    }
}

impl RoundDocument {
    fn new(parts: &RoundParts<'_>, gated: &[MetricKey]) -> Self {
        let RoundParts { round, seed, levels } = parts;
        Self {
            round: *round,
            seed: seed.0,
            levels: levels.iter().map(|(label, summary)| LevelDocument::new(label, summary, gated)).collect(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Each level over all rounds, in the order of first appearance.
pub(super) fn overall(rounds: &[RoundDocument]) -> Vec<LevelDocument> {
    let mut labels: Vec<&str> = Vec::new();
    for level in rounds.iter().flat_map(|round| &round.levels) {
        if !labels.contains(&level.label.as_str()) {
            labels.push(&level.label);
        }
    }
    labels
        .into_iter()
        .filter_map(|label| {
            let parts: Vec<&LevelDocument> =
                rounds.iter().flat_map(|round| &round.levels).filter(|level| level.label == label).collect();
            in_turn(&parts)
        })
        .collect()
}
