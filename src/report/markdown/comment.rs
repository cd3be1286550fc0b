//! The comment: marker, headline, what next, notes, one table, then folds.

use super::fit::{Part, Rank, fit};
use super::options::{MarkdownOptions, Note, NoteKind};
use super::{folds, table};
use crate::document::v1::{DecisionDocument, LevelDocument, RunDocument, VerdictDocument};
use crate::report::cell::gates;
use crate::report::curve::knee;
use crate::report::number::plural;
use crate::report::search::sentence as sentence_of;
use crate::report::text::{clip, markdown};

/// Sentences that may hold names of any length.
const SENTENCE_MAX: usize = 1_000;
/// Broken rules and notes, so that a table is not pushed out of sight.
const LINES_MAX: usize = 10;

/// The text, within the limit: folds go first, then rows of the table, then notes; verdict, marker and next step never.
pub fn render(run: &RunDocument, options: &MarkdownOptions) -> String {
    let mut parts = vec![Part::must(head(run, options))];
    parts.extend(notes(&options.notes));
    parts.extend(run.verdict.iter().flat_map(broken));
    parts.extend(table::parts(run));
    parts.push(Part::must("\n"));
    parts.extend(folds::all(run, options).into_iter().map(Part::fold));
    parts.push(foot(&run.tool, &run.created, options));
    fit(&parts, options.limit, |rank, gone| missing(rank, gone, options))
}

/// The line that a comment begins with, and by which it is found again; elsewhere in a comment the same text proves
/// nothing. The key is written in letters that cannot end it, and no two keys in the same ones.
pub fn marker(key: &str) -> String {
    let mut safe: Vec<String> = Vec::new();
    for c in clip(key, 200).chars() {
        let is_safe = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
        let again = c == '-' && safe.last().is_some_and(|last| last == "-");
        safe.push(if is_safe && !again { c.to_string() } else { format!("={:X}", u32::from(c)) });
    }
    format!("<!-- llm-loadtest key={} -->", safe.concat())
}

/// The key of a result that was given none: workload, model and hardware.
pub fn key(run: &RunDocument) -> String {
    let key = &run.fingerprint;
    format!("{}/{}/{}", key.workload, key.model, key.hardware)
}

pub(super) fn short(text: &str) -> String {
    markdown(&clip(text, 100))
}

pub(super) fn sentence(text: &str) -> String {
    markdown(&clip(text, SENTENCE_MAX))
}

pub(super) fn missing(rank: Rank, gone: u64, options: &MarkdownOptions) -> String {
    let all = link("the job", options).unwrap_or_else(|| "the result file".to_owned());
    match rank {
        Rank::Must => String::new(),
        Rank::Note => format!("{} did not fit.\n\n", plural(gone, "more note")),
        Rank::Row => format!("\n{} did not fit.\n", plural(gone, "more row")),
        Rank::Fold => format!("\n{} did not fit; {all} has everything.\n", plural(gone, "section")),
    }
}

/// The job's page under these words; no link but to a plain address.
fn link(words: &str, options: &MarkdownOptions) -> Option<String> {
    let url = options.run_url.as_ref()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#=&%+".contains(c);
    let safe = url.starts_with("https://") || url.starts_with("http://");
    (safe && url.len() < 500 && url.chars().all(is_plain)).then(|| format!("[{words}]({url})"))
}

pub(super) fn foot(tool: &str, created: &str, options: &MarkdownOptions) -> Part {
    let job = link("job, log and files", options).map(|link| format!(" · {link}")).unwrap_or_default();
    Part::must(format!("\n<sub>llm-loadtest {} · {}{job}</sub>\n", short(tool), short(created)))
}

/// Quoted, so that they are seen and do not outshout the verdict.
pub(super) fn notes(notes: &[Note]) -> Vec<Part> {
    let lines = notes.iter().take(LINES_MAX).map(|Note { kind, text }| {
        let mark = match kind {
            NoteKind::Info => "ℹ️",
            NoteKind::Warning => "⚠️",
        };
        Part::note(format!("> {mark} {}\n\n", sentence(text)))
    });
    lines.collect()
}

fn broken(verdict: &VerdictDocument) -> Vec<Part> {
    // The headline is the first of them.
    let rules = verdict.broken_rules.iter().filter(|rule| **rule != verdict.headline).take(LINES_MAX);
    let mut parts: Vec<Part> = rules.map(|rule| Part::note(format!("- ❌ {}\n", sentence(rule)))).collect();
    parts.extend((!parts.is_empty()).then(|| Part::must("\n")));
    parts
}

fn head(run: &RunDocument, options: &MarkdownOptions) -> String {
    let title = short(&options.title);
    let colon = if title.is_empty() { "" } else { ": " };
    let marker = marker(options.key.as_ref().unwrap_or(&key(run)));
    let Some(verdict) = &run.verdict else {
        let what = format!("{} on {}", run.fingerprint.model, run.fingerprint.hardware);
        let knee = knee(&run.levels).filter(|_| run.search.is_none());
        let answer =
            run.search.as_ref().map(|search| format!("**{}**\n\n", markdown(&sentence_of(run, search))));
        return format!(
            "{marker}\n### {title}{colon}{} · {}\n{}{}{}\n\n",
            short(&run.name),
            short(&what),
            answer.unwrap_or_default(),
            requests(run),
            knee.map(|knee| format!("\n{}", sentence(&knee.sentence()))).unwrap_or_default()
        );
    };
    format!(
        "{marker}\n### {} {title}{colon}{}\n{}",
        emoji(verdict),
        sentence(&verdict.headline),
        next(verdict)
    )
}

/// What to do, as a sentence: hints begin with a small letter.
pub(super) fn next(verdict: &VerdictDocument) -> String {
    let mut letters = verdict.next.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("**Next:** {}\n\n", sentence(&format!("{first}{}", letters.as_str())))
}

/// A pass that judged nothing is no green light.
pub(super) fn emoji(verdict: &VerdictDocument) -> &'static str {
    match verdict.decision {
        DecisionDocument::Pass if verdict.cells.iter().any(gates) => "✅",
        DecisionDocument::Fail => "❌",
        DecisionDocument::Pass | DecisionDocument::Inconclusive => "⚪",
        DecisionDocument::Invalid => "⛔",
    }
}

fn requests(run: &RunDocument) -> String {
    let offered: u64 = run.levels.iter().map(|level| level.offered).sum();
    let failed: u64 = run.levels.iter().map(LevelDocument::failed).sum();
    let partial = if run.partial {
        " The run was interrupted or a shard is missing; these are the numbers that were measured."
    } else {
        ""
    };
    format!(
        "{} in {}, {failed} failed.{partial}",
        plural(offered, "request"),
        plural(run.rounds.len() as u64, "round")
    )
}
