//! A baseline: the sessions that a candidate is compared with, oldest first, in one file that diffs well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::format::{self, DEFINITIONS, DocumentError, DocumentProblem, Format, Kind};
use super::values::round_values;
use super::{EnvironmentDocument, Key, LevelDocument, RunDocument, WorkloadDocument, histogram};
use crate::config::fingerprint;
use crate::record::{Metric, MetricKey};

/// Sessions that a comparison uses at most, the newest ones.
const WINDOW_SESSIONS: usize = 15;

/// Distributions whose shape a baseline keeps, for later questions that its numbers do not answer.
const MAIN: [Metric; 4] = [Metric::Ttft, Metric::Tpot, Metric::Itl, Metric::E2e];

/// The sessions of one workload, model and hardware.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaselineDocument {
    pub format: Format,
    /// `llm-loadtest` version that wrote the file last.
    pub tool: String,
    pub definitions: String,
    pub key: Key,
    pub workload: WorkloadDocument,
    /// Id of the newest session that comparisons may use; null uses the newest.
    pub promoted: Option<String>,
    /// Oldest first.
    pub sessions: Vec<SessionDocument>,
}

/// The rounds of one job on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionDocument {
    pub id: String,
    /// RFC 3339.
    pub created: String,
    pub commit: Option<String>,
    pub tool: String,
    pub environment: EnvironmentDocument,
    pub seed: u64,
    pub levels: Vec<SessionLevel>,
    /// SHA-256 over the levels as they were measured, cut to 12 hexadecimal characters; null in older files.
    // A field that levels or rounds gain must stay out of the file where it says nothing, or older digests no longer hold.
    #[serde(default)]
    pub digest: Option<String>,
}

/// One level of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionLevel {
    pub label: String,
    pub rounds: Vec<SessionRound>,
    /// Merged over the rounds: `HdrHistogram` V2 deflate, base64, in thousandths of the metric's unit.
    pub histograms: BTreeMap<String, String>,
}

/// The numbers of one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRound {
    /// By name: `ttft_p95`, `goodput`.
    pub values: BTreeMap<String, f64>,
    /// Samples behind each distribution.
    pub samples: BTreeMap<String, u64>,
    pub offered: u64,
    pub succeeded: u64,
    /// Failed requests by class.
    pub failures: BTreeMap<String, u64>,
    pub good: Option<u64>,
    pub prompt_tokens: u64,
    pub output_tokens: u64,
}

/// What is about to be measured, asked before any load is sent.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub key: &'a Key,
    pub definitions: &'a str,
    pub workload: &'a WorkloadDocument,
}

impl<'a> Candidate<'a> {
    /// A result that was measured already.
    pub fn of(run: &'a RunDocument) -> Self {
        Self { key: &run.fingerprint, definitions: &run.definitions, workload: &run.plan.workload }
    }
}

/// Why a baseline and a candidate may not be compared; empty when they may.
pub fn comparable(baseline: &BaselineDocument, candidate: Candidate<'_>) -> Vec<String> {
    let Candidate { key, definitions, workload } = candidate;
    let mut reasons = Vec::new();
    for (what, stored, now) in [
        ("metric definitions", baseline.definitions.as_str(), definitions),
        ("workload name", &baseline.key.workload, &key.workload),
        ("model", &baseline.key.model, &key.model),
        ("hardware", &baseline.key.hardware, &key.hardware),
    ] {
        if stored != now {
            reasons.push(format!("{what}: baseline '{stored}', now '{now}'"));
        }
    }
    if baseline.key.workload_hash != key.workload_hash {
        let fields = differences(&baseline.workload, workload);
        reasons.push(if fields.is_empty() {
            "workload: the settings are the same, but the prompts of the dataset or the tokenizer are not"
                .to_owned()
        } else {
            format!("workload: {}", fields.join("; "))
        });
    }
    reasons
}

/// The settings that differ, each with both values.
fn differences(stored: &WorkloadDocument, now: &WorkloadDocument) -> Vec<String> {
    let fields = |workload: &WorkloadDocument| match serde_json::to_value(workload) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (stored, now) = (fields(stored), fields(now));
    // Some settings are left out where they say nothing.
    let names: BTreeSet<&String> = stored.keys().chain(now.keys()).collect();
    names
        .into_iter()
        .map(|name| (name, stored.get(name).unwrap_or(&Value::Null), now.get(name).unwrap_or(&Value::Null)))
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| format!("{name} was {before}, now {after}"))
        .collect()
}

impl BaselineDocument {
    /// A baseline that holds no session yet.
    pub fn empty(key: Key, workload: WorkloadDocument, tool: &str) -> Self {
        Self {
            format: Format::current(Kind::Baseline),
            tool: tool.to_owned(),
            definitions: DEFINITIONS.to_owned(),
            key,
            workload,
            promoted: None,
            sessions: Vec::new(),
        }
    }

    /// Reads the text of a file and checks what its types cannot say; `path` only names it in errors.
    pub fn from_json(path: &Path, text: &str) -> Result<Self, DocumentError> {
        let document: Self = format::read(Kind::Baseline, path, text)?;
        document.check().map_err(|cause| DocumentError {
            path: path.to_owned(),
            problem: DocumentProblem::Shape { kind: Kind::Baseline, cause },
        })?;
        Ok(document)
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        format::write(self)
    }

    /// Days after which a session of a real machine says nothing about today's.
    pub const WINDOW_DAYS: f64 = 30.0;

    /// Days after which the newest session of a real machine is one to read with care.
    pub const STALE_DAYS: f64 = 14.0;

    /// Days after which its sessions say nothing about today's machine; none where they always do: a simulated machine does
    /// not age, a real one changes under its baseline.
    pub fn max_age(&self) -> Option<f64> {
        let newest = self.sessions.last()?;
        (newest.environment.network_path != "simulated").then_some(Self::WINDOW_DAYS)
    }

    /// The sessions that a comparison made at `now` (RFC 3339) uses: from the promoted one on, at most `days` old, the newest of them.
    #[must_use]
    pub fn window(&self, now: &str, days: Option<f64>) -> Self {
        let is_promoted = |session: &SessionDocument| Some(&session.id) == self.promoted.as_ref();
        let first = self.sessions.iter().position(is_promoted).unwrap_or(0);
        let is_fresh = |session: &SessionDocument| match (days, session.age_days(now)) {
            (Some(days), Some(age)) => age <= days,
            _ => true,
        };
        let fresh: Vec<SessionDocument> =
            self.sessions[first..].iter().filter(|session| is_fresh(session)).cloned().collect();
        let skip = fresh.len().saturating_sub(WINDOW_SESSIONS);
        Self { sessions: fresh.into_iter().skip(skip).collect(), ..self.clone() }
    }

    fn check(&self) -> Result<(), String> {
        let mut ids = Vec::new();
        for session in &self.sessions {
            let SessionDocument { id, created, .. } = session;
            if ids.contains(&id) {
                return Err(format!("two sessions have the id '{id}'"));
            }
            ids.push(id);
            created
                .parse::<Timestamp>()
                .map_err(|error| format!("session '{id}' was created at '{created}': {error}"))?;
            for round in session.levels.iter().flat_map(|level| &level.rounds) {
                for name in round.values.keys() {
                    name.parse::<MetricKey>().map_err(|error| error.to_string())?;
                }
            }
            if session.digest.as_ref().is_some_and(|digest| *digest != session.fingerprint()) {
                return Err(format!(
                    "session '{id}' was edited: its numbers are not those that were measured"
                ));
            }
        }
        match &self.promoted {
            Some(id) if !ids.contains(&id) => Err(format!("the promoted session '{id}' is missing")),
            _ => Ok(()),
        }
    }
}

impl SessionDocument {
    /// A result as a session of a baseline.
    pub fn from_run(run: &RunDocument, id: &str, commit: Option<&str>) -> Self {
        let session = Self {
            digest: None,
            id: id.to_owned(),
            created: run.created.clone(),
            commit: commit.map(str::to_owned),
            tool: run.tool.clone(),
            environment: run.environment.clone(),
            seed: run.plan.seed,
            levels: run.levels.iter().map(|level| SessionLevel::from_run(run, &level.label)).collect(),
        };
        Self { digest: Some(session.fingerprint()), ..session }
    }

    /// What the session's numbers come to, whatever digest it carries.
    fn fingerprint(&self) -> String {
        fingerprint(&format::write(&self.levels))
    }

    /// Days between the session and `now` (RFC 3339), negative when it lies ahead; none when a text is no timestamp.
    pub fn age_days(&self, now: &str) -> Option<f64> {
        let (created, now): (Timestamp, Timestamp) = (self.created.parse().ok()?, now.parse().ok()?);
        Some((now.as_second() - created.as_second()) as f64 / 86_400.0)
    }
}

impl SessionLevel {
    fn from_run(run: &RunDocument, label: &str) -> Self {
        let levels: Vec<&LevelDocument> =
            run.rounds.iter().flat_map(|round| &round.levels).filter(|level| level.label == label).collect();
        let merged = |metric: Metric| {
            let texts = levels.iter().filter_map(|level| level.histograms.get(metric.id()));
            let merged = histogram::merge(texts.map(String::as_str))?;
            Some((metric.id().to_owned(), histogram::encode(&merged)))
        };
        Self {
            label: label.to_owned(),
            rounds: levels.iter().map(|level| SessionRound::from(&round_values(level))).collect(),
            histograms: MAIN.into_iter().filter_map(merged).collect(),
        }
    }
}
