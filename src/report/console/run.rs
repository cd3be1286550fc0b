//! The measured numbers: an overview of the levels, then each level.

use super::style::{Paint, Style, table};
use crate::document::v1::{
    ConcurrencyDocument, LevelDocument, MetricDocument, RunDocument, SteadyDocument, TokensDocument,
};
use crate::record::{FailureClass, Metric, Unit};
use crate::report::cell::slo;
use crate::report::curve::{knee, shape};
use crate::report::found::origin;
use crate::report::hardware;
use crate::report::number::{count, percent, plural, quantity, significant};
use crate::report::server;
use crate::report::text::plain;

/// The distributions that most readers came for; the files hold them all.
const SHOWN: [Metric; 9] = [
    Metric::SendLag,
    Metric::Ttft,
    Metric::TtftFromDue,
    Metric::Tpot,
    Metric::Itl,
    Metric::Icl,
    Metric::MaxStall,
    Metric::E2e,
    Metric::E2eFromDue,
];

/// Least share of the window that a steady state is shown for.
const PLATEAU: f64 = 0.1;

const THIN: &str = " ~ too few samples to rely on (p50 needs 11, p90 64, p95 130, p99 662)";

pub(super) fn write(out: &mut Vec<String>, run: &RunDocument, style: Style) {
    write_head(out, run, style);
    if run.levels.len() > 1 {
        out.push(String::new());
        out.extend(overview("level", &run.levels, style));
        write_shape(out, &run.levels);
        out.extend(knee(&run.levels).map(|knee| format!(" {}", plain(&knee.sentence()))));
    }
    for level in &run.levels {
        write_level(out, level, run.rounds.len() as u64, run.imported.is_some(), style);
    }
}

/// What was measured where.
pub(super) fn write_head(out: &mut Vec<String>, run: &RunDocument, style: Style) {
    let what = format!(
        "{} · {} on {}",
        plain(&run.name),
        plain(&run.fingerprint.model),
        plain(&run.fingerprint.hardware)
    );
    if let Some(imported) = &run.imported {
        out.push(style.paint(Paint::Bold, &what));
        out.push(origin(imported));
    } else {
        out.push(style.paint(Paint::Bold, &format!("{what} · seed {}", run.plan.seed)));
        out.push(format!("target {}", plain(&run.plan.target.url)));
    }
    if run.partial {
        let note = "partial: the run was interrupted or a shard is missing; these are the numbers that were measured";
        out.push(style.paint(Paint::Yellow, note));
    }
}

/// The curve in one line, where the levels make one.
pub(super) fn write_shape(out: &mut Vec<String>, levels: &[LevelDocument]) {
    if let Some((blocks, low, high)) = shape(levels) {
        let [low, high] = [low, high].map(|mean| quantity(mean, Unit::Milliseconds));
        out.push(format!(" mean E2E by level, from {low} to {high}: {blocks}"));
    }
}

fn overview(first: &str, levels: &[LevelDocument], style: Style) -> Vec<String> {
    let header =
        [first, "req/s", "tok/s", "TTFT p50", "p95", "TPOT p50", "p95", "E2E p95", "goodput", "errors"];
    let rows: Vec<Vec<String>> = levels.iter().map(overview_row).collect();
    table(&header, &rows, None, style)
}

fn overview_row(level: &LevelDocument) -> Vec<String> {
    let rate = |metric: Metric| {
        let value = level.values.get(metric.id());
        value.map_or_else(dash, |value| significant(*value))
    };
    let time = |metric: Metric, pick: fn(&MetricDocument) -> Option<f64>| {
        let found = level.metrics.get(metric.id()).and_then(pick);
        found.map_or_else(dash, |found| quantity(found, metric.unit()))
    };
    let goodput = level.goodput.as_ref();
    vec![
        level.label.clone(),
        rate(Metric::RequestThroughput),
        rate(Metric::OutputThroughput),
        time(Metric::Ttft, |metric| metric.p50),
        time(Metric::Ttft, |metric| metric.p95),
        time(Metric::Tpot, |metric| metric.p50),
        time(Metric::Tpot, |metric| metric.p95),
        time(Metric::E2e, |metric| metric.p95),
        goodput.map_or_else(dash, |goodput| percent(goodput.ratio)),
        count(level.failed()),
    ]
}

fn dash() -> String {
    "-".to_owned()
}

pub(super) fn write_level(
    out: &mut Vec<String>,
    level: &LevelDocument,
    rounds: u64,
    imported: bool,
    style: Style,
) {
    let title = format!(
        "{} · {} in {} s over {}",
        plain(&level.label),
        plural(level.offered, "request"),
        significant(level.window.measured_s),
        plural(rounds, "round")
    );
    out.push(String::new());
    out.push(style.paint(Paint::Bold, &title));
    let shown: Vec<(Metric, &MetricDocument)> = SHOWN
        .into_iter()
        .filter(|metric| !(*metric == Metric::Itl && level.tokens.itl_is_icl))
        .filter(|metric| *metric != Metric::Icl || level.tokens.itl_is_icl)
        .filter_map(|metric| Some((metric, level.metrics.get(metric.id())?)))
        .collect();
    if !shown.is_empty() {
        let header = ["metric", "mean", "p50", "p90", "p95", "p99", "max", "n"];
        let rows: Vec<Vec<String>> = shown.iter().map(|(metric, found)| row(*metric, found)).collect();
        out.extend(table(&header, &rows, None, style));
        if shown.iter().any(|(_, found)| !found.thin.is_empty()) {
            out.push(THIN.to_owned());
        }
    }
    out.push(String::new());
    write_totals(out, level);
    write_tokens(out, &level.tokens, imported);
    out.extend(hardware::energy(level).map(|sentence| format!(" Energy: {}", plain(&sentence))));
    out.extend(hardware::log(level).map(|sentence| format!(" Server's log: {}", plain(&sentence))));
    out.extend(server::engine(level).map(|engine| format!(" {}", server::line(engine))));
    write_goodput(out, level, style);
    write_failures(out, level, style);
    write_gpus(out, level, style);
    if !level.parts.is_empty() {
        out.push(String::new());
        out.extend(overview("workload", &level.parts, style));
    }
}

fn write_gpus(out: &mut Vec<String>, level: &LevelDocument, style: Style) {
    let rows: Vec<Vec<String>> = hardware::rows(level).into_iter().map(Vec::from).collect();
    if !rows.is_empty() {
        out.push(String::new());
        out.extend(table(&hardware::HEADER, &rows, None, style));
    }
    out.extend(hardware::remarks(level).iter().map(|remark| format!(" {}", plain(remark))));
}

fn row(metric: Metric, found: &MetricDocument) -> Vec<String> {
    let time = |value: Option<f64>| value.map_or_else(dash, |value| quantity(value, metric.unit()));
    let quantile = |id: &str, value: Option<f64>| {
        let thin = if found.thin.iter().any(|thin| thin == id) { "~" } else { "" };
        value.map_or_else(dash, |value| format!("{thin}{}", quantity(value, metric.unit())))
    };
    vec![
        metric.title().to_owned(),
        time(found.mean),
        quantile("p50", found.p50),
        quantile("p90", found.p90),
        quantile("p95", found.p95),
        quantile("p99", found.p99),
        time(found.max),
        found.n.map_or_else(dash, count),
    ]
}

fn write_totals(out: &mut Vec<String>, level: &LevelDocument) {
    let rate = |metric: Metric, unit: Unit| {
        let value = level.values.get(metric.id());
        value.map(|value| quantity(*value, unit))
    };
    let mut rates: Vec<String> = [
        rate(Metric::RequestThroughput, Unit::RequestsPerSecond),
        rate(Metric::OutputThroughput, Unit::TokensPerSecond).map(|rate| format!("{rate} output")),
        rate(Metric::TotalThroughput, Unit::TokensPerSecond).map(|rate| format!("{rate} total")),
    ]
    .into_iter()
    .flatten()
    .collect();
    // Random arrivals have a peak but no plateau: a sliver around the peak would be no steady state.
    let plateau = |steady: &&SteadyDocument| steady.window.measured_s >= PLATEAU * level.window.measured_s;
    if let Some(steady) = level.steady.as_ref().filter(plateau) {
        let rate = if level.values.contains_key(Metric::OutputThroughput.id()) {
            format!("{} output", quantity(steady.output_throughput, Unit::TokensPerSecond))
        } else {
            quantity(steady.request_throughput, Unit::RequestsPerSecond)
        };
        rates.push(format!("{rate} in the steady {} s", significant(steady.window.measured_s)));
    }
    if !rates.is_empty() {
        out.push(format!(" Throughput: {}", rates.join(", ")));
    }
    let ConcurrencyDocument { mean, peak } = &level.concurrency;
    let mean = mean.map(|mean| format!("{} mean", significant(mean)));
    let achieved: Vec<String> =
        mean.into_iter().chain(peak.map(|peak| format!("{} peak", count(peak)))).collect();
    if !achieved.is_empty() {
        out.push(format!(" Concurrency: {}", achieved.join(", ")));
    }
}

fn write_tokens(out: &mut Vec<String>, tokens: &TokensDocument, imported: bool) {
    let cached = match tokens.cached {
        0 => String::new(),
        cached => format!(", {} cached", count(cached)),
    };
    // Another tool does not say what it asked for.
    let asked = if imported {
        String::new()
    } else {
        format!(" ({} asked, counted by {})", count(tokens.output_asked), plain(&tokens.source))
    };
    out.push(format!(
        " Tokens: {} prompt, {} output{asked}{cached}",
        count(tokens.prompt),
        count(tokens.output)
    ));
}

fn write_goodput(out: &mut Vec<String>, level: &LevelDocument, style: Style) {
    let Some(goodput) = &level.goodput else {
        return;
    };
    let line = format!(
        "Goodput: {} ({}/{} requests met SLO)",
        percent(goodput.ratio),
        goodput.good,
        goodput.offered
    );
    out.push(format!(" {}", style.paint(Paint::Bold, &line)));
    for objective in &goodput.objectives {
        let skipped = match objective.not_evaluated {
            0 => String::new(),
            n => format!(" ({} not evaluated)", count(n)),
        };
        out.push(format!(
            "   {}: {}/{}{skipped}",
            plain(&slo(&objective.slo)),
            objective.met,
            goodput.offered
        ));
    }
}

fn write_failures(out: &mut Vec<String>, level: &LevelDocument, style: Style) {
    if level.cut() > 0 {
        out.push(format!(" Cancelled: {}, not counted as offered", count(level.cut())));
    }
    if level.failed() == 0 {
        return;
    }
    let failures = level.failures.iter().filter(|(class, _)| *class != FailureClass::Cancelled.id());
    let classes: Vec<String> = failures.map(|(class, n)| format!("{} {}", plain(class), count(*n))).collect();
    let line =
        format!("Failed: {} of {} ({})", count(level.failed()), count(level.offered), classes.join(", "));
    out.push(format!(" {}", style.paint(Paint::Red, &line)));
}
