//! `gate`: rounds, held against stored sessions, a baseline's server beside the candidate's, and absolute objectives.

use std::path::PathBuf;

use super::error::AppError;
use super::evidence::{Case, Reference};
use super::history::since_change;
use super::home;
use super::measurement::Measurement;
use super::noise;
use super::outputs;
use super::recognise::recognise;
use super::rounds;
use super::server::{self, Server};
use super::watch::Watcher;
use crate::base::Hint;
use crate::config::{Resolved, RunPlan};
use crate::document::v1::{
    BaselineDocument, Candidate, DEFINITIONS, Key, RunDocument, WorkloadDocument, comparable,
};
use crate::engine::Stop;
use crate::gate::{Basis, Decision, Verdict};
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
    let known = recognise(resolved, (&mut *watcher, stop)).await?;
    let resolved = known.as_ref().unwrap_or(resolved);
    let plan = &resolved.plan;
    if !plan.shard.is_whole() {
        return Err(AppError::usage(
            format!("a gate judges the whole load, and this is shard {}", plan.shard),
            "send the shards with `run`, merge their results, and judge those with `compare`; --shard 0/1 sends everything from here",
        ));
    }
    if plan.search.is_some() {
        return Err(unknown_levels());
    }
    let (bench, stage) = rounds::open(resolved, (&mut *watcher, stop)).await?;
    let candidate = &stage.candidate;
    let store = home::baselines(&resolved.outputs).baselines()?;
    let (reference, cut) = if plan.baseline.is_some() {
        (Reference::Server, None)
    } else {
        let (stored, cut) = find(&store, plan, &server::key(plan, candidate))?;
        (Reference::Stored(stored.map(Box::new)), cut)
    };
    for text in announce(&reference, resolved, candidate)?.iter().chain(&cut) {
        watcher.note(text);
    }
    if candidate.environment.hardware == "unknown" {
        watcher.note(
            "hardware: unknown; name it with --hardware, so that baselines of different machines never mix",
        );
    }
    let seen = match &reference {
        Reference::Stored(Some(own)) => noise::of_machine(&store, resolved, own)?,
        Reference::Stored(None) | Reference::Server => None,
    };
    let mut case = Case::open(resolved, candidate, reference)?;
    if let Some(seen) = seen {
        watcher.note(&seen.sentence(&candidate.environment.hardware));
        case.has_seen(seen.noise);
    }
    case.findings.extend(beforehand(plan, candidate, stage.baseline.as_ref()));
    for line in case.introduction() {
        watcher.note(&line);
    }
    let mut measured = if case.is_settled() {
        rounds::nothing(&bench, &stage)
    } else {
        stage.preflight(&bench, stop).await?;
        let from = case.carried + 1;
        let began = bench.clock.now();
        let enough = |measured: &Measurement, watcher: &mut dyn Watcher| {
            case.hear(measured, bench.clock.now() - began, watcher)
        };
        rounds::measure(&bench, stage, resolved, from, (watcher, stop), enough).await?
    };
    case.findings.extend(interrupted(plan, &measured, case.carried));
    let verdict = case.verdict(Some(&measured));
    measured.findings.extend(case.findings.iter().cloned());
    let mut document = measured.document(plan, Some(&verdict), u64::from(case.carried));
    if let Some(judged) = &mut document.verdict {
        judged.baseline = case.stored(judged);
    }
    watcher.measured(&document);
    outputs::write(&document, resolved)?;
    let known = plan.baseline.is_some() || verdict.basis != Basis::None;
    let saved = save_first(&store, resolved, commit, &document, &verdict, known)?;
    Ok(Judged { document, decision: verdict.decision, saved })
}

/// A search finds its levels, and a gate must know them.
pub(super) fn unknown_levels() -> AppError {
    AppError::usage(
        "a gate judges levels that are known before, and this workload searches for one",
        "search with `llm-loadtest run`, then gate at a rate that holds",
    )
}

/// The baseline for this plan on this server, and what was cut off it. One that must not be compared is refused now, before any load.
pub(super) fn find(
    store: &Store,
    plan: &RunPlan,
    key: &Key,
) -> Result<(Option<BaselineDocument>, Option<String>), AppError> {
    let Some(found) = store.find(key)? else {
        return Ok((None, None));
    };
    let workload = WorkloadDocument::from(plan);
    let reasons = comparable(&found, Candidate { key, definitions: DEFINITIONS, workload: &workload });
    if reasons.is_empty() {
        let window = found.window(&RealClock::wall(), found.max_age());
        let keys: Vec<MetricKey> = plan.gate.tolerances.keys().copied().collect();
        let (window, cut) = since_change(&found, window, &keys);
        return Ok(((!window.sessions.is_empty()).then_some(window), cut));
    }
    Err(AppError::usage(
        format!("the baseline {} cannot judge this run: {}", store.path(key).display(), reasons.join("; ")),
        "restore the plan, give the workload another name, or store a new baseline in another folder with --baselines",
    ))
}

/// What the run will be held against.
fn announce(reference: &Reference, resolved: &Resolved, server: &Server) -> Result<Option<String>, AppError> {
    let Reference::Stored(baseline) = reference else { return Ok(None) };
    let folder = home::baselines(&resolved.outputs);
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
fn interrupted(plan: &RunPlan, measured: &Measurement, carried: u32) -> Option<Finding> {
    let at = measured.rounds.len().max(measured.beside.as_ref().map_or(0, |beside| beside.rounds.len()));
    let what = if plan.baseline.is_some() { "pair" } else { "round" };
    measured.partial.then(|| Finding {
        severity: Severity::Invalid,
        code: "interrupted".to_owned(),
        message: format!(
            "the gate was interrupted in {what} {} of {}",
            carried as usize + at,
            plan.gate.looks.last()
        ),
        hint: Some(Hint::new("run it again to its end")),
        level: None,
        round: None,
    })
}

/// What is known of the two servers before any load.
fn beforehand(plan: &RunPlan, candidate: &Server, baseline: Option<&Server>) -> Vec<Finding> {
    let Some(baseline) = baseline else { return Vec::new() };
    // The change under test may be the model's very name; what else differs is no comparison.
    let renamed = Environment { model: candidate.environment.model.clone(), ..baseline.environment.clone() };
    let mut findings = check_environment(&renamed, &candidate.environment);
    if !candidate.restarts() {
        findings.push(Finding {
            severity: Severity::Info,
            code: "not_restarted".to_owned(),
            message: "the servers were not started anew for each round, so the luck of one start counts as a difference between the sides".to_owned(),
            hint: None,
            level: None,
            round: None,
        });
    }
    if plan.has_one_server() && !candidate.restarts() {
        findings.push(Finding {
            severity: Severity::Info,
            code: "one_server".to_owned(),
            message: "both sides are one server: each has prompts of its own, so that the second is not answered from the first one's cache, and pairs are noisier than those of two servers".to_owned(),
            hint: None,
            level: None,
            round: None,
        });
    }
    findings
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
