//! The few numbers that most readers came for.

use maud::{Markup, html};

use super::shown;
use crate::document::v1::{LevelDocument, MetricDocument, RunDocument};
use crate::record::{Metric, Unit};
use crate::report::number::{count, percent, quantity};
use crate::report::server;

/// The numbers of the level with the most output tokens per second, or of the highest one that holds, where that was
/// searched for; the other levels stand in the table.
pub(super) fn section(run: &RunDocument) -> Markup {
    let rate = |level: &&LevelDocument| {
        let output = level.values.get(Metric::OutputThroughput.id());
        output.or(level.values.get(Metric::RequestThroughput.id())).copied().unwrap_or(0.0)
    };
    let level = match &run.search {
        Some(search) => {
            search.best().and_then(|best| run.levels.iter().find(|level| level.label == best.label))
        }
        None => run.levels.iter().max_by(|a, b| rate(a).total_cmp(&rate(b))),
    };
    let Some(level) = level else { return html! {} };
    html! {
        section aria-labelledby="figures" {
            h2 #figures {
                @if run.search.is_some() { "At " (shown(&level.label, 80)) ", the highest load that holds" }
                @else if run.levels.len() > 1 { "At " (shown(&level.label, 80)) ", the highest throughput" }
                @else { "At " (shown(&level.label, 80)) }
            }
            (list(level))
            @if let Some(engine) = server::engine(level) {
                h3 { "The server's own numbers" }
                dl.figures { @for (name, value) in server::facts(engine) { (figure(name, &shown(&value, 80), "")) } }
            }
            @for part in &level.parts {
                h3 { "Workload " (shown(&part.label, 80)) }
                (list(part))
            }
        }
    }
}

fn list(level: &LevelDocument) -> Markup {
    html! { dl.figures { @for (name, value, more) in figures(level) { (figure(name, &value, &more)) } } }
}

fn figure(name: &str, value: &str, more: &str) -> Markup {
    html! {
        div {
            dt { (name) }
            dd { (value) @if !more.is_empty() { small { (more) } } }
        }
    }
}

fn figures(level: &LevelDocument) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    let rate = |metric: Metric, unit: Unit| level.values.get(metric.id()).map(|value| quantity(*value, unit));
    let requests = rate(Metric::RequestThroughput, Unit::RequestsPerSecond);
    match rate(Metric::OutputThroughput, Unit::TokensPerSecond) {
        Some(tokens) => found.push(("Output", tokens, requests.unwrap_or_default())),
        None => found.extend(requests.map(|requests| ("Requests", requests, String::new()))),
    }
    for (metric, name) in [
        (first_token(level), "First token (p95)"),
        (Metric::Tpot, "Per output token (p95)"),
        (Metric::E2e, "Whole answer (p95)"),
    ] {
        found.extend(tail(level, metric).map(|(tail, median)| (name, tail, median)));
    }
    if let Some(goodput) = &level.goodput {
        found.push((
            "Goodput",
            percent(goodput.ratio),
            format!("{} of {} met every SLO", count(goodput.good), count(goodput.offered)),
        ));
    }
    let share = if level.offered == 0 { 0.0 } else { level.failed() as f64 / level.offered as f64 };
    found.push(("Failed", percent(share), format!("{} of {}", count(level.failed()), count(level.offered))));
    found
}

/// Where users wait from when they asked, so do the charts and figures (coordinated omission).
pub(super) fn first_token(level: &LevelDocument) -> Metric {
    if level.metrics.contains_key(Metric::TtftFromDue.id()) { Metric::TtftFromDue } else { Metric::Ttft }
}

/// p95 with the median beside it; where a file has no p95, the median alone would be taken for it.
fn tail(level: &LevelDocument, metric: Metric) -> Option<(String, String)> {
    let MetricDocument { p50, p95, .. } = level.metrics.get(metric.id())?;
    let words = |value: f64| quantity(value, metric.unit());
    Some((words((*p95)?), p50.map(|p50| format!("p50 {}", words(p50))).unwrap_or_default()))
}
