//! The table of levels, and behind each level every number of it.

use maud::{Markup, html};

use super::figures::first_token;
use super::shown;
use crate::document::v1::{LevelDocument, MetricDocument, RunDocument};
use crate::record::Metric;
use crate::report::cell::slo;
use crate::report::number::{count, percent, quantity, significant};

pub(super) fn section(run: &RunDocument) -> Markup {
    html! {
        section aria-labelledby="levels" {
            h2 #levels { "Levels" }
            div.scroll tabindex="0" role="region" aria-label="Levels" {
                table {
                    thead {
                        tr {
                            th rowspan="2" scope="col" { "Level" }
                            th.n rowspan="2" scope="col" { "Requests" }
                            th.n rowspan="2" scope="col" { "Failed" }
                            th.n rowspan="2" scope="col" { "req/s" }
                            th.n rowspan="2" scope="col" { "tok/s" }
                            th.n rowspan="2" scope="col" { "In flight" }
                            th.group colspan="3" scope="colgroup" { "TTFT" }
                            th.group colspan="2" scope="colgroup" { "TPOT" }
                            th.group colspan="2" scope="colgroup" { "E2E" }
                            th.n rowspan="2" scope="col" { "Goodput" }
                        }
                        tr {
                            @for name in ["p50", "p95", "p99", "p50", "p95", "p50", "p95"] {
                                th.n scope="col" { (name) }
                            }
                        }
                    }
                    tbody { @for level in &run.levels { (row(level)) } }
                }
            }
            @if run.levels.iter().any(|level| level.metrics.values().any(|metric| !metric.thin.is_empty())) {
                p.sub { "~ too few samples to rely on (p50 needs 11, p90 64, p95 130, p99 662)" }
            }
            @for level in &run.levels { (behind(level)) }
        }
    }
}

fn row(level: &LevelDocument) -> Markup {
    let rate = |metric: Metric| level.values.get(metric.id()).map_or_else(dash, |value| significant(*value));
    html! {
        tr {
            th scope="row" { (shown(&level.label, 60)) }
            td.n { (count(level.offered)) }
            td class=(if level.failed() > 0 { "n bad" } else { "n" }) { (count(level.failed())) }
            td.n { (rate(Metric::RequestThroughput)) }
            td.n { (rate(Metric::OutputThroughput)) }
            td.n { (level.concurrency.mean.map_or_else(dash, significant)) }
            @for (metric, names) in [
                (first_token(level), &["p50", "p95", "p99"][..]),
                (Metric::Tpot, &["p50", "p95"]),
                (Metric::E2e, &["p50", "p95"]),
            ] {
                @for name in names { td.n { (quantile(level.metrics.get(metric.id()), metric, name)) } }
            }
            td.n { (level.goodput.as_ref().map_or_else(dash, |goodput| percent(goodput.ratio))) }
        }
    }
}

fn quantile(found: Option<&MetricDocument>, metric: Metric, name: &str) -> String {
    let Some(found) = found else { return dash() };
    let value = match name {
        "p50" => found.p50,
        "p90" => found.p90,
        "p95" => found.p95,
        _ => found.p99,
    };
    let thin = if found.thin.iter().any(|thin| thin == name) { "~" } else { "" };
    value.map_or_else(dash, |value| format!("{thin}{}", quantity(value, metric.unit())))
}

fn behind(level: &LevelDocument) -> Markup {
    html! {
        details {
            summary { "Every number of " (shown(&level.label, 60)) }
            div.scroll tabindex="0" role="region" aria-label={ "Every number of " (shown(&level.label, 60)) } {
                table {
                    thead {
                        tr {
                            th scope="col" { "Metric" }
                            @for name in ["mean", "p50", "p90", "p95", "p99", "min", "max", "samples"] {
                                th.n scope="col" { (name) }
                            }
                        }
                    }
                    tbody {
                        @for metric in Metric::ALL {
                            @if let Some(found) = level.metrics.get(metric.id()) { (distribution(metric, found)) }
                        }
                    }
                }
            }
            ul.plain { @for line in lines(level) { li { (shown(&line, 300)) } } }
        }
    }
}

fn distribution(metric: Metric, found: &MetricDocument) -> Markup {
    let value = |value: Option<f64>| value.map_or_else(dash, |value| quantity(value, metric.unit()));
    html! {
        tr {
            th scope="row" { (metric.title()) }
            td.n { (value(found.mean)) }
            @for name in ["p50", "p90", "p95", "p99"] { td.n { (quantile(Some(found), metric, name)) } }
            td.n { (value(found.min)) }
            td.n { (value(found.max)) }
            td.n { (found.n.map_or_else(dash, count)) }
        }
    }
}

/// What no table holds: rates, tokens, limits, failures.
fn lines(level: &LevelDocument) -> Vec<String> {
    let mut lines = Vec::new();
    for metric in Metric::ALL {
        if let Some(value) = level.values.get(metric.id()) {
            lines.push(format!("{}: {}", metric.title(), quantity(*value, metric.unit())));
        }
    }
    if let Some(steady) = &level.steady {
        lines.push(format!(
            "Steady for {} s: {} tok/s, {} req/s",
            significant(steady.window.measured_s),
            significant(steady.output_throughput),
            significant(steady.request_throughput)
        ));
    }
    let tokens = &level.tokens;
    lines.push(format!(
        "Tokens: {} prompt ({} cached), {} output of {} asked, counted by {}",
        count(tokens.prompt),
        count(tokens.cached),
        count(tokens.output),
        count(tokens.output_asked),
        tokens.source
    ));
    if let Some(goodput) = &level.goodput {
        for objective in &goodput.objectives {
            lines.push(format!("{}: met by {} of {}", slo(&objective.slo), objective.met, goodput.offered));
        }
    }
    for (class, number) in &level.failures {
        lines.push(format!("Failed as {class}: {}", count(*number)));
    }
    lines
}

fn dash() -> String {
    "–".to_owned()
}
