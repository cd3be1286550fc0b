//! How a step ended, and what its outputs say of it.

use std::path::PathBuf;

use super::offer::Offered;
use crate::app::error::AppError;
use crate::config::Resolved;
use crate::document::v1::{
    BasisDocument, DecisionDocument, RuleDocument, RunDocument, StatusDocument, VerdictDocument,
};

/// What a step did.
pub enum Ending {
    /// Measured or judged; with the settings that it followed, where it followed some.
    Result {
        document: Box<RunDocument>,
        resolved: Option<Box<Resolved>>,
    },
    /// Read results that are judged already, to be told together.
    Results(Vec<(PathBuf, RunDocument)>),
    /// Offered results as stored sessions.
    Offered(Offered),
    Failed(AppError),
}

/// An ending and the exit code that follows from it.
pub struct Finished {
    pub ending: Ending,
    pub code: u8,
}

/// The word of the output `verdict`.
pub(super) fn word(document: &RunDocument) -> &'static str {
    if document.partial {
        return "interrupted";
    }
    let Some(verdict) = &document.verdict else { return "none" };
    match verdict.decision {
        DecisionDocument::Pass if has_no_reference(verdict) => "no-baseline",
        DecisionDocument::Pass => "pass",
        DecisionDocument::Fail => "fail",
        DecisionDocument::Inconclusive => "inconclusive",
        DecisionDocument::Invalid => "invalid",
    }
}

/// Nothing to be held against: no baseline, and no objective.
fn has_no_reference(verdict: &VerdictDocument) -> bool {
    let by_objective = |rule: &RuleDocument| matches!(rule, RuleDocument::Objective { .. });
    verdict.basis == BasisDocument::None && !verdict.cells.iter().any(|cell| by_objective(&cell.rule))
}

/// The worst of several words.
pub(super) fn worst(documents: &[(PathBuf, RunDocument)]) -> &'static str {
    const ORDER: [&str; 7] =
        ["fail", "invalid", "interrupted", "inconclusive", "no-baseline", "none", "pass"];
    let place = |word: &str| ORDER.iter().position(|known| *known == word).unwrap_or(ORDER.len());
    let words = documents.iter().map(|(_, document)| word(document));
    words.min_by_key(|word| place(word)).unwrap_or("none")
}

/// Numbers and rules that failed.
pub(super) fn regressions(document: &RunDocument) -> usize {
    document.verdict.as_ref().map_or(0, |verdict| {
        let failed = verdict.cells.iter().filter(|cell| cell.status == StatusDocument::Fail);
        failed.count() + verdict.broken_rules.len()
    })
}

/// The verdict's sentence, or what stands in its place.
pub(super) fn headline(document: &RunDocument) -> String {
    match &document.verdict {
        Some(verdict) => verdict.headline.clone(),
        None if document.partial => "the run was interrupted".to_owned(),
        None => "measured; nothing was judged".to_owned(),
    }
}
