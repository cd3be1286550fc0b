//! `gate`: several rounds, held against stored sessions and absolute objectives.

use std::path::PathBuf;

use super::error::AppError;
use super::outputs;
use super::preflight::preflight;
use super::rounds::{self, Measurement};
use super::server::Server;
use super::watch::Watcher;
use crate::base::Hint;
use crate::config::{Resolved, RunPlan};
use crate::document::v1::{
    BaselineDocument, Candidate, DEFINITIONS, Key, RunDocument, WorkloadDocument, comparable,
};
use crate::engine::Stop;
use crate::gate::{Decision, Evidence, EvidenceKind, LevelEvidence, SessionRounds, Verdict, decide};
use crate::host::RealClock;
use crate::record::{Environment, MetricKey};
use crate::store::{Store, StoreError};
use crate::validity::{Finding, Severity, check_environment};

/// What a gate answered and left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub document: RunDocument,
    pub decision: Decision,
    /// The baseline file, when this result became its first session.
    pub saved: Option<PathBuf>,
}

/// Checks the plan and the baseline, measures, judges, writes.
pub async fn gate(
    resolved: &Resolved,
    commit: Option<&str>,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<Judged, AppError> {
    let plan = &resolved.plan;
    if !plan.shard.is_whole() {
        return Err(AppError::usage(
            format!("a gate judges the whole load, and this is shard {}", plan.shard),
            "send the shards with `run`, merge their results, and judge those with `compare`; --shard 0/1 sends everything from here",
        ));
    }
    if plan.search.is_some() {
        return Err(AppError::usage(
            "a gate judges levels that are known before, and this workload searches for one",
            "search with `llm-loadtest run`, then gate at a rate that holds",
        ));
    }
    let (bench, server) = rounds::open(resolved).await?;
    let store = Store::open(&resolved.outputs.baselines);
    let baseline = find(&store, plan, &server)?;
    if let Some(text) = announce(baseline.as_ref(), resolved, &server)? {
        watcher.note(&text);
    }
    if server.environment.hardware == "unknown" {
        watcher.note(
            "hardware: unknown; name it with --hardware, so that baselines of different machines never mix",
        );
    }
    preflight(&bench, &server, stop).await?;
    let mut measured = rounds::measure(&bench, server, resolved, watcher, stop).await?;
    measured.findings.extend(interrupted(plan, &measured));
    let environment = baseline.as_ref().map(|baseline| against(baseline, &measured)).unwrap_or_default();
    measured.findings.extend(environment);
    let verdict = judge(plan, &measured, baseline.as_ref());
    let document = measured.document(plan, Some(&verdict));
    outputs::write(&document, &resolved.outputs)?;
    let saved = save_first(&store, resolved, commit, &document, &verdict, baseline.is_some())?;
    Ok(Judged { document, decision: verdict.decision, saved })
}

/// The baseline for this plan on this server. One that must not be compared is refused now, before any load.
fn find(store: &Store, plan: &RunPlan, server: &Server) -> Result<Option<BaselineDocument>, AppError> {
    let key = Key {
        workload: plan.name.clone(),
        model: server.model.clone(),
        hardware: server.environment.hardware.clone(),
        workload_hash: plan.workload_hash(),
    };
    let Some(found) = store.find(&key)? else {
        return Ok(None);
    };
    let workload = WorkloadDocument::from(plan);
    let reasons = comparable(&found, Candidate { key: &key, definitions: DEFINITIONS, workload: &workload });
    if reasons.is_empty() {
        // A simulated machine does not age; a real one changes under its baseline.
        let max_age =
            (server.environment.network_path != "simulated").then_some(BaselineDocument::WINDOW_DAYS);
        let window = found.window(&RealClock::wall(), max_age);
        return Ok((!window.sessions.is_empty()).then_some(window));
    }
    Err(AppError::usage(
        format!("the baseline {} cannot judge this run: {}", store.path(&key).display(), reasons.join("; ")),
        "restore the plan, give the workload another name, or store a new baseline in another folder with --baselines",
    ))
}

/// What the run will be held against.
fn announce(
    baseline: Option<&BaselineDocument>,
    resolved: &Resolved,
    server: &Server,
) -> Result<Option<String>, AppError> {
    let folder = resolved.outputs.baselines.display();
    let who = format!("'{}' of {} on {}", resolved.plan.name, server.model, server.environment.hardware);
    match baseline {
        Some(baseline) => Ok(Some(format!(
            "baseline: {} stored session{} for {who}",
            baseline.sessions.len(),
            if baseline.sessions.len() == 1 { "" } else { "s" }
        ))),
        None if resolved.plan.gate.require_baseline => Err(AppError::usage(
            format!("{folder} holds no usable baseline for {who}"),
            "store one: run the gate once without --require-baseline, or `llm-loadtest baseline save RESULT`",
        )),
        None => {
            Ok(Some(format!("baseline: none in {folder} for {who}; this run can only be held to objectives")))
        }
    }
}

/// An interrupted gate has no verdict: the rounds that are missing were not chosen by chance.
fn interrupted(plan: &RunPlan, measured: &Measurement) -> Option<Finding> {
    measured.partial.then(|| Finding {
        severity: Severity::Invalid,
        code: "interrupted".to_owned(),
        message: format!(
            "the gate was interrupted in round {} of {}",
            measured.rounds.len(),
            plan.gate.rounds
        ),
        hint: Some(Hint::new("run it again to its end")),
        level: None,
        round: None,
    })
}

/// What differs between the newest stored session's machine and this one.
fn against(baseline: &BaselineDocument, measured: &Measurement) -> Vec<Finding> {
    baseline
        .sessions
        .last()
        .map(|session| check_environment(&Environment::from(&session.environment), &measured.environment))
        .unwrap_or_default()
}

fn judge(plan: &RunPlan, measured: &Measurement, baseline: Option<&BaselineDocument>) -> Verdict {
    let keys: Vec<MetricKey> = plan
        .gate
        .tolerances
        .keys()
        .copied()
        .chain(plan.gate.objectives.iter().map(|objective| objective.key))
        .collect();
    let levels = plan
        .levels
        .iter()
        .map(|level| {
            let label = level.label();
            let sessions = baseline.map(|baseline| baseline.sessions(&label)).unwrap_or_default();
            LevelEvidence {
                candidate: measured.values(&label, &keys),
                sessions: sessions.into_iter().map(|rounds| SessionRounds { rounds }).collect(),
                label,
            }
        })
        .collect();
    let evidence = Evidence { levels, kind: EvidenceKind::StoredBaseline };
    decide(&evidence, &plan.gate, &measured.findings)
}

/// The first result of a workload becomes its first session, if nothing speaks against it.
fn save_first(
    store: &Store,
    resolved: &Resolved,
    commit: Option<&str>,
    document: &RunDocument,
    verdict: &Verdict,
    known: bool,
) -> Result<Option<PathBuf>, AppError> {
    if known || !resolved.outputs.save_baseline || document.partial || verdict.decision != Decision::Pass {
        return Ok(None);
    }
    let id = resolved.outputs.session_id.clone().unwrap_or_else(|| session_id(document));
    Ok(Some(store.append(document, &id, commit)?))
}

/// When and with which chance: unique enough, and readable.
pub(super) fn session_id(document: &RunDocument) -> String {
    format!("{}-seed{}", document.created, document.plan.seed)
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        let hint = error.hint().0;
        if error.is_usage() {
            Self::usage(error.to_string(), hint)
        } else {
            Self::environment(error.to_string(), hint)
        }
    }
}
