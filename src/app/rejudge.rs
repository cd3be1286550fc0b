//! A result that was measured elsewhere, judged by this configuration's rules and these baselines.

use std::path::Path;

use super::compare::read_whole;
use super::error::AppError;
use super::evidence::against;
use super::gate::find;
use super::home;
use super::noise;
use crate::config::Resolved;
use crate::document::v1::{
    BaselineDocument, Candidate, DEFINITIONS, FindingDocument, GateDocument, Key, RunDocument,
    StoredDocument, WorkloadDocument, comparable,
};
use crate::gate::{Against, Decision, Evidence, LevelEvidence, SessionRounds, decide};
use crate::host::RealClock;
use crate::record::Environment;
use crate::validity::{Finding, Severity};
use crate::workload::Level;

/// Only the measured numbers are taken from the file: the limits, the looks and the baseline are ours. A file whose workload is
/// not the one configured here is refused.
pub fn rejudge(resolved: &Resolved, path: &Path) -> Result<(RunDocument, Decision), AppError> {
    let document = read_whole(path)?;
    same_workload(resolved, &document, path)?;
    let mut policy = resolved.plan.gate.clone();
    let store = home::baselines(&resolved.outputs).baselines()?;
    let (baseline, _) = find(&store, &resolved.plan, &document.fingerprint)?;
    let paired = resolved.plan.baseline.is_some();
    let now = RealClock::wall();
    let mut found = doubts(&document);
    if let Some(own) = baseline.as_ref().filter(|_| !paired) {
        if let Some(seen) = noise::of_machine(&store, resolved, own)? {
            policy.assumed_noise = seen.noise;
        }
        found.extend(against(own, &Environment::from(&document.environment), &now));
    }
    let levels = resolved.plan.levels.iter().map(Level::label);
    let levels = levels
        .map(|label| {
            let mut candidate = document.rounds_of(&label);
            let against = if paired {
                let mut rounds = document.baseline_rounds_of(&label).unwrap_or_default();
                rounds.truncate(candidate.len());
                candidate.truncate(rounds.len());
                Against::Pairs(rounds)
            } else {
                Against::Sessions(sessions(baseline.as_ref(), &label))
            };
            LevelEvidence { label, candidate, against }
        })
        .collect();
    let known: Vec<Finding> = document.findings.iter().map(Finding::from).collect();
    let all: Vec<Finding> = known.into_iter().chain(found.iter().cloned()).collect();
    let verdict = decide(&Evidence { levels }, &policy, &all);
    let mut judged = document.judged(&verdict);
    judged.findings.extend(found.iter().map(FindingDocument::from));
    if let Some(verdict) = &mut judged.verdict {
        verdict.baseline =
            baseline.filter(|_| !paired).and_then(|own| StoredDocument::new(&own, &now, verdict));
    }
    judged.plan.gate = GateDocument::from(&policy);
    Ok((judged, verdict.decision))
}

fn sessions(baseline: Option<&BaselineDocument>, label: &str) -> Vec<SessionRounds> {
    let sessions = baseline.map(|baseline| baseline.sessions(label)).unwrap_or_default();
    sessions.into_iter().map(|rounds| SessionRounds { rounds }).collect()
}

/// The workload configured here, on whatever model and machine the file names.
fn same_workload(resolved: &Resolved, document: &RunDocument, path: &Path) -> Result<(), AppError> {
    let plan = &resolved.plan;
    let key = Key {
        workload: plan.name.clone(),
        workload_hash: plan.workload_hash(),
        ..document.fingerprint.clone()
    };
    let asked = BaselineDocument {
        definitions: DEFINITIONS.to_owned(),
        ..BaselineDocument::empty(key, WorkloadDocument::from(plan), env!("CARGO_PKG_VERSION"))
    };
    let reasons = comparable(&asked, Candidate::of(document));
    if reasons.is_empty() {
        return Ok(());
    }
    let reasons = reasons.join("; ").replace("baseline '", "configured '");
    Err(AppError::usage(
        format!("{} was not measured as this checkout's configuration says: {reasons}", path.display()),
        "measure with the same configuration, or name the one that it was measured with with --config",
    ))
}

/// What speaks against a file of which only the numbers are believed.
fn doubts(document: &RunDocument) -> Vec<Finding> {
    let invalid = |code: &str, message: &str| Finding {
        severity: Severity::Invalid,
        code: code.to_owned(),
        message: message.to_owned(),
        hint: None,
        level: None,
        round: None,
    };
    let partial = document.partial.then(|| invalid("interrupted", "the measurement was interrupted"));
    let imported = document
        .imported
        .is_some()
        .then(|| invalid("imported", "another tool measured this, by definitions of its own"));
    partial.into_iter().chain(imported).collect()
}
