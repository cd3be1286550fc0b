//! `compare`: results held against one of them, from files or from memory.

use std::path::{Path, PathBuf};

use super::documents::{read_result, whole_load};
use super::error::AppError;
use crate::document::v1::service::{
    BenchmarkDocument, ChartsDocument, CompareDocument, ComparedDocument, DifferenceDocument,
};
use crate::document::v1::{BaselineDocument, Candidate, FindingDocument, RunDocument, comparable};
use crate::gate::{Against, Decision, Evidence, LevelEvidence, SessionRounds, decide};
use crate::record::Environment;
use crate::validity::{Finding, Severity, check_environment};

/// A result with the verdict of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    pub document: RunDocument,
    pub decision: Decision,
    /// What was found about both results, and between their machines.
    pub findings: Vec<Finding>,
}

/// Judges one result against another by the rules of the candidate's own gate.
pub fn compare(baseline: &Path, candidate: &Path) -> Result<Compared, AppError> {
    hold((baseline, &read_whole(baseline)?), candidate)
}

/// Judges several results against one; the answers are in the order of the candidates.
pub fn compare_each(baseline: &Path, candidates: &[PathBuf]) -> Result<Vec<Compared>, AppError> {
    let old = read_whole(baseline)?;
    candidates.iter().map(|candidate| hold((baseline, &old), candidate)).collect()
}

fn hold((baseline, old): (&Path, &RunDocument), candidate: &Path) -> Result<Compared, AppError> {
    compare_documents(old, &read_whole(candidate)?).map_err(|reasons| {
        AppError::usage(
            format!(
                "{} and {} cannot be compared: {}",
                baseline.display(),
                candidate.display(),
                reasons.join("; ")
            ),
            "measure both with the same workload, model, hardware and version",
        )
    })
}

/// Judges one result against another, by the rules of the candidate's own gate; the error says why they must not be compared.
pub fn compare_documents(old: &RunDocument, new: &RunDocument) -> Result<Compared, Vec<String>> {
    for (side, run) in [("baseline", old), ("candidate", new)] {
        whole_load(run).map_err(|(why, _)| vec![format!("the {side} {why}")])?;
    }
    let reasons = comparable(&BaselineDocument::of_run(old), Candidate::of(new));
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let policy = new.plan.policy().map_err(|why| vec![why])?;
    let levels = new
        .labels()
        .into_iter()
        .map(|label| LevelEvidence {
            candidate: new.rounds_of(&label),
            against: Against::Result(SessionRounds { rounds: old.rounds_of(&label) }),
            label,
        })
        .collect();
    let findings = doubts(old, new);
    let verdict = decide(&Evidence { levels }, &policy, &findings);
    Ok(Compared { document: new.clone().judged(&verdict), decision: verdict.decision, findings })
}

/// What the server answers when several benchmarks are held against one.
pub fn compare_many(
    (baseline, old): (BenchmarkDocument, &RunDocument),
    candidates: Vec<(BenchmarkDocument, &RunDocument)>,
) -> CompareDocument {
    let held = |(benchmark, new): (BenchmarkDocument, &RunDocument)| {
        let (verdict, reasons, findings) = match compare_documents(old, new) {
            Ok(Compared { document, decision: _, findings }) => {
                let findings = findings.iter().map(FindingDocument::from).collect();
                (document.verdict, Vec::new(), findings)
            }
            Err(reasons) => (None, reasons, new.findings.clone()),
        };
        ComparedDocument {
            benchmark,
            charts: ChartsDocument::of(new),
            verdict,
            reasons,
            findings,
            differences: DifferenceDocument::between(old, new),
        }
    };
    CompareDocument {
        baseline,
        charts: ChartsDocument::of(old),
        candidates: candidates.into_iter().map(held).collect(),
    }
}

/// Reads a result of planned levels, all of them.
pub(super) fn read_whole(path: &Path) -> Result<RunDocument, AppError> {
    let document = read_result(path)?;
    whole_load(&document)
        .map_err(|(why, hint)| AppError::usage(format!("{} {why}", path.display()), hint))?;
    Ok(document)
}

/// What the candidate's run found, what forbids to use the other one, and how their machines differ.
fn doubts(old: &RunDocument, new: &RunDocument) -> Vec<Finding> {
    let here = new.findings.iter().map(Finding::from);
    let there =
        old.findings.iter().map(Finding::from).filter(|finding| finding.severity == Severity::Invalid);
    let machines =
        check_environment(&Environment::from(&old.environment), &Environment::from(&new.environment));
    here.chain(there).chain(machines).collect()
}
