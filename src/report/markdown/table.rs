//! The table: judged numbers, or the rates of a search, or measured levels.

use std::iter;

use super::comment::{sentence, short};
use super::fit::Part;
use crate::document::v1::{
    DecisionDocument, JudgementDocument, RunDocument, SearchDocument, VerdictDocument,
};
use crate::record::Metric;
use crate::report::cell::{Cell, Standing, confidence, gates};
use crate::report::number::{percent, quantity, significant};
use crate::report::search;

/// The table's first lines, which stay, and its rows, which may go.
pub(super) fn parts(run: &RunDocument) -> Vec<Part> {
    let (top, rows) = table(run);
    iter::once(Part::must(top)).chain(rows.into_iter().map(Part::row)).collect()
}

/// Without a verdict the measured levels.
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
    let invalid = verdict.decision == DecisionDocument::Invalid;
    (top, cells.into_iter().map(|cell| row(cell, many, invalid)).collect())
}

/// Of an invalid measurement the headline says once why nothing is judged.
fn row(judgement: &JudgementDocument, many: bool, invalid: bool) -> String {
    let cell = Cell::new(judgement, many);
    let words = if invalid && cell.standing == Standing::Open { "not judged" } else { &cell.words };
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
        sentence(words)
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
