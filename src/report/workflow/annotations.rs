//! Annotations: what failed, at the line of the file that set its limit.

use std::collections::BTreeMap;

use super::command::command;
use crate::document::v1::{
    DecisionDocument, JudgementDocument, RuleDocument, RunDocument, StatusDocument, VerdictDocument,
};
use crate::report::cell::{Cell, gates};
use crate::report::found::{Found, grouped, rank};
use crate::report::text::plain;

/// The runner shows ten of each type; one of ours says how many more there are.
const SHOWN_MAX: usize = 8;

/// Where a limit was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the workspace.
    pub path: String,
    /// From 1.
    pub line: usize,
}

/// One line per annotation: an error for each failed number and broken rule, warnings for an answer that is none and for
/// warnings of the measurement, a notice for a pass. `places` are known by number (`ttft_p95`) or setting (`tolerance`).
pub fn annotations(run: &RunDocument, places: &BTreeMap<String, Place>) -> Vec<String> {
    let places = Places(places);
    let mut lines = Vec::new();
    let mut warnings = Vec::new();
    if let Some(verdict) = &run.verdict {
        match verdict.decision {
            DecisionDocument::Fail => lines.extend(capped("error", failures(run, verdict, &places))),
            DecisionDocument::Inconclusive => warnings.extend(open(run, verdict, &places)),
            DecisionDocument::Invalid => warnings.push(answer(run, verdict, "invalid", None)),
            DecisionDocument::Pass => lines.push(answer(run, verdict, "passed", None).line("notice")),
        }
    }
    warnings.extend(found(run));
    lines.extend(capped("warning", warnings));
    lines
}

/// One annotation before it has a type.
struct Note {
    title: String,
    message: String,
    place: Option<Place>,
}

impl Note {
    fn line(&self, kind: &'static str) -> String {
        let Self { title, message, place } = self;
        let (path, line) =
            place.as_ref().map_or_else(Default::default, |at| (plain(&at.path), at.line.to_string()));
        command(kind, &[("file", &path), ("line", &line), ("title", &plain(title))], message)
    }
}

fn capped(kind: &'static str, notes: Vec<Note>) -> impl Iterator<Item = String> {
    let more = notes.len().saturating_sub(SHOWN_MAX);
    let rest = (more > 0).then(|| {
        let message = format!("and {more} more; the comment, the summary and the result file have all");
        command(kind, &[("title", "llm-loadtest")], &message)
    });
    notes.into_iter().take(SHOWN_MAX).map(move |note| note.line(kind)).chain(rest)
}

/// The verdict as a whole.
fn answer(run: &RunDocument, verdict: &VerdictDocument, word: &str, place: Option<Place>) -> Note {
    Note {
        title: format!("gate '{}': {word}", run.name),
        message: format!("{}\nNext: {}", plain(&verdict.headline), plain(&verdict.next)),
        place,
    }
}

fn failures(run: &RunDocument, verdict: &VerdictDocument, places: &Places<'_>) -> Vec<Note> {
    let rules = verdict.broken_rules.iter().map(|rule| Note {
        title: format!("gate '{}': failed", run.name),
        message: format!("{}\nNext: {}", plain(rule), plain(&verdict.next)),
        place: places.of("max-error-rate"),
    });
    let failed = |cell: &&JudgementDocument| gates(cell) && cell.status == StatusDocument::Fail;
    let cells = verdict.cells.iter().filter(failed).map(|cell| judged(run, verdict, cell, places));
    let notes: Vec<Note> = rules.chain(cells).collect();
    if notes.is_empty() { vec![answer(run, verdict, "failed", None)] } else { notes }
}

/// The answer at the line of its worst number, then the other undecided ones.
fn open(run: &RunDocument, verdict: &VerdictDocument, places: &Places<'_>) -> Vec<Note> {
    let is_open =
        |cell: &&JudgementDocument| gates(cell) && matches!(cell.status, StatusDocument::Undecided { .. });
    let mut cells = verdict.cells.iter().filter(is_open);
    let worst = cells.next().and_then(|cell| places.limit(cell));
    let first = answer(run, verdict, "inconclusive", worst);
    std::iter::once(first).chain(cells.map(|cell| judged(run, verdict, cell, places))).collect()
}

fn judged(
    run: &RunDocument,
    verdict: &VerdictDocument,
    judgement: &JudgementDocument,
    places: &Places<'_>,
) -> Note {
    let Cell { title, baseline, now, change, interval, limit, standing: _, words } =
        Cell::new(judgement, run.levels.len() > 1);
    let moved = match &judgement.rule {
        RuleDocument::Objective { .. } => now,
        RuleDocument::Tolerance { .. } | RuleDocument::Report => {
            format!("{baseline} → {now}, {change} {interval}")
        }
    };
    Note {
        title: format!("{title}: {words} ({})", run.name),
        message: format!("{}, limit {limit}\nNext: {}", plain(&moved), plain(&verdict.next)),
        place: places.limit(judgement),
    }
}

/// What else must be read with care. The reason of an invalid verdict is in its headline already.
fn found(run: &RunDocument) -> Vec<Note> {
    let headline = run.verdict.as_ref().map_or("", |verdict| verdict.headline.as_str());
    let cut = run.partial && run.verdict.is_none();
    let partial = cut.then(|| Note {
        title: format!("run '{}': partial", run.name),
        message: "The run was interrupted or a shard is missing; these are the numbers that were measured."
            .to_owned(),
        place: None,
    });
    let findings = grouped(&run.findings)
        .into_iter()
        .filter(|found| rank(found.first) < 2 && !headline.contains(&found.first.message));
    let notes = findings.map(|Found { first, place }| {
        let hint = first.hint.as_ref().map(|hint| format!("\nHint: {}", plain(hint)));
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        Note {
            title: format!("{}{place}", first.severity),
            message: format!("{}{}", plain(&first.message), hint.unwrap_or_default()),
            place: None,
        }
    });
    partial.into_iter().chain(notes).collect()
}

struct Places<'a>(&'a BTreeMap<String, Place>);

impl Places<'_> {
    fn of(&self, key: &str) -> Option<Place> {
        self.0.get(key).cloned()
    }

    /// The line of a number's own limit, else that of the setting which holds it.
    fn limit(&self, judgement: &JudgementDocument) -> Option<Place> {
        let setting = match &judgement.rule {
            RuleDocument::Tolerance { .. } => "tolerance",
            RuleDocument::Objective { .. } => "objective",
            RuleDocument::Report => return None,
        };
        self.of(&judgement.metric).or_else(|| self.of(setting))
    }
}
