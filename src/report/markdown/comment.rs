//! The comment: marker, headline, what next, one table, then folds; the most important parts survive any limit.

use std::iter;

use super::folds;
use crate::document::v1::{
    DecisionDocument, JudgementDocument, LevelDocument, RunDocument, SearchDocument, VerdictDocument,
};
use crate::record::Metric;
use crate::report::cell::{Cell, Standing, confidence, gates};
use crate::report::curve::knee;
use crate::report::number::{percent, plural, quantity, significant};
use crate::report::search::{self, sentence as sentence_of};
use crate::report::text::{clip, markdown};

/// GitHub takes 65,536 characters; the rest is room for what the caller adds.
pub(super) const LENGTH_MAX: usize = 60_000;

/// Sentences that may hold names of any length.
const SENTENCE_MAX: usize = 1_000;

/// What the document does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarkdownOptions {
    /// In front of the headline, for example `Serving gate`.
    pub title: String,
    /// A command that repeats the measurement.
    pub reproduce: Option<String>,
}

/// The text, at most 60,000 characters: folds go first, then rows of the table, the verdict never.
pub fn render(run: &RunDocument, options: &MarkdownOptions) -> String {
    let head = head(run, options);
    let (top, rows) = table(run);
    let folds = folds::all(run, options.reproduce.as_deref());
    let foot = format!("\n<sub>llm-loadtest {} · {}</sub>\n", short(&run.tool), short(&run.created));
    let mut room = LENGTH_MAX.saturating_sub(length(&head) + length(&top) + length(&foot) + 200);
    let mut text = format!("{head}{top}");
    let mut dropped = 0_u64;
    for row in rows {
        let needed = length(&row);
        if dropped == 0 && needed <= room {
            room -= needed;
            text.push_str(&row);
        } else {
            dropped += 1;
        }
    }
    if dropped > 0 {
        let line = format!("\n{} did not fit.\n", plural(dropped, "more row"));
        text.push_str(&line);
    }
    text.push('\n');
    let mut left_out = 0_u64;
    for fold in folds {
        let needed = length(&fold);
        if needed <= room {
            room -= needed;
            text.push_str(&fold);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let line =
            format!("\n{} did not fit; the result file has everything.\n", plural(left_out, "section"));
        text.push_str(&line);
    }
    text.push_str(&foot);
    text
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn short(text: &str) -> String {
    markdown(&clip(text, 100))
}

fn sentence(text: &str) -> String {
    markdown(&clip(text, SENTENCE_MAX))
}

fn head(run: &RunDocument, options: &MarkdownOptions) -> String {
    let title = short(&options.title);
    let colon = if title.is_empty() { "" } else { ": " };
    let marker = marker(run);
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
    let emoji = match verdict.decision {
        DecisionDocument::Pass => "✅",
        DecisionDocument::Fail => "❌",
        DecisionDocument::Inconclusive => "⚪",
        DecisionDocument::Invalid => "⛔",
    };
    let mut head = format!(
        "{marker}\n### {emoji} {title}{colon}{}\n**Next:** {}\n\n",
        sentence(&verdict.headline),
        sentence(&verdict.next)
    );
    for rule in verdict.broken_rules.iter().take(10) {
        let line = format!("- ❌ {}\n", sentence(rule));
        head.push_str(&line);
    }
    if !verdict.broken_rules.is_empty() {
        head.push('\n');
    }
    head
}

/// A line that finds this comment again; only letters that cannot end an HTML comment.
fn marker(run: &RunDocument) -> String {
    let key = &run.fingerprint;
    let text = clip(&format!("{}/{}/{}", key.workload, key.model, key.hardware), 200);
    let mut safe = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/') {
            safe.push(c);
        } else if !safe.ends_with('-') {
            safe.push('-');
        }
    }
    format!("<!-- llm-loadtest key={} -->", safe.trim_end_matches('-'))
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

/// The table's first lines and its rows; without a verdict the measured levels.
fn table(run: &RunDocument) -> (String, Vec<String>) {
    match (&run.verdict, &run.search) {
        (Some(verdict), _) => judged(run, verdict),
        (None, Some(search)) => searched(run, search),
        (None, None) => measured(run),
    }
}

fn searched(run: &RunDocument, search: &SearchDocument) -> (String, Vec<String>) {
    let top =
        format!("| {} |\n|---|{}---|\n", search::HEADER.join(" | "), "--:|".repeat(search::HEADER.len() - 2));
    let rows = search::rows(run, search).into_iter().map(|cells| {
        let cells: Vec<String> = cells.iter().map(|cell| short(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    });
    (top, rows.collect())
}

fn judged(run: &RunDocument, verdict: &VerdictDocument) -> (String, Vec<String>) {
    let cells: Vec<&JudgementDocument> = verdict.cells.iter().filter(|cell| gates(cell)).collect();
    if cells.is_empty() {
        return (String::new(), Vec::new());
    }
    let top = format!(
        "| {} | baseline | now | change [{}] | limit | verdict |\n|---|--:|--:|--:|--:|---|\n",
        short(&run.name),
        confidence(verdict)
    );
    let many = run.levels.len() > 1;
    (top, cells.into_iter().map(|cell| row(cell, many)).collect())
}

fn row(judgement: &JudgementDocument, many: bool) -> String {
    let cell = Cell::new(judgement, many);
    let change = if cell.standing == Standing::Bad {
        format!("**{}** {}", cell.change, cell.interval)
    } else {
        format!("{} {}", cell.change, cell.interval)
    };
    format!(
        "| {} | {} | {} | {} | {} | {}{} |\n",
        short(&cell.title),
        cell.baseline,
        cell.now,
        change.trim_end(),
        cell.limit,
        cell.standing.emoji(),
        sentence(&cell.words)
    )
}

fn measured(run: &RunDocument) -> (String, Vec<String>) {
    let top = "| level | req/s | tok/s | TTFT p50 | TTFT p95 | TPOT p50 | TPOT p95 | E2E p95 | goodput | errors |\n\
               |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    let named = run.levels.iter().flat_map(|level| {
        let parts = level.parts.iter().map(move |part| (format!("{}: {}", level.label, part.label), part));
        iter::once((level.label.clone(), level)).chain(parts)
    });
    let rows = named.map(|(label, level)| {
        let dash = || "-".to_owned();
        let rate = |metric: Metric| {
            let value = level.values.get(metric.id());
            value.copied().map_or_else(dash, significant)
        };
        let quantiles = |metric: Metric| match level.metrics.get(metric.id()) {
            None => [dash(), dash()],
            Some(found) => [found.p50, found.p95]
                .map(|value| value.map_or_else(dash, |value| quantity(value, metric.unit()))),
        };
        let goodput = level.goodput.as_ref();
        let [ttft_p50, ttft_p95] = quantiles(Metric::Ttft);
        let [tpot_p50, tpot_p95] = quantiles(Metric::Tpot);
        let [_, e2e_p95] = quantiles(Metric::E2e);
        format!(
            "| {} | {} | {} | {ttft_p50} | {ttft_p95} | {tpot_p50} | {tpot_p95} | {e2e_p95} | {} | {} |\n",
            short(&label),
            rate(Metric::RequestThroughput),
            rate(Metric::OutputThroughput),
            goodput.map_or_else(dash, |goodput| percent(goodput.ratio)),
            level.failed()
        )
    });
    (top.to_owned(), rows.collect())
}
