//! Latency against throughput over a sweep, and the distributions of each level.

use std::iter::once;

use maud::{Markup, html};

use super::chart::{Axis, Plot, Scale, milliseconds, percentile, short};
use super::figures::first_token;
use super::shown;
use crate::document::v1::{LevelDocument, MetricDocument, ObjectiveDocument, RunDocument};
use crate::record::{Metric, MetricKey};
use crate::report::number::quantity;

/// A limit far above everything measured would flatten the chart; it is left to the text.
const LIMIT_NEAR: f64 = 3.0;

/// Levels whose curves can still be told apart.
const CURVES_MAX: usize = 9;

/// The limits stated for a metric: of single requests (SLO) and of the run (objective), in milliseconds.
pub(super) fn limits(run: &RunDocument, metric: Metric) -> Vec<(f64, String)> {
    let same = |id: &str| id == metric.id() || (metric == Metric::TtftFromDue && id == Metric::Ttft.id());
    let slos = run.plan.workload.slos.iter().filter(|slo| same(&slo.metric));
    let slos = slos.map(|slo| (slo.limit_ms, format!("SLO {}", milliseconds(slo.limit_ms))));
    let objectives = run.plan.gate.objectives.iter().filter_map(|objective| {
        let ObjectiveDocument { metric: name, bound: _, limit } = objective;
        let key: MetricKey = name.parse().ok().filter(|key: &MetricKey| key.metric == metric)?;
        let stat = key.title().rsplit(' ').next().unwrap_or_default().to_owned();
        Some((*limit, format!("{stat} objective {}", milliseconds(*limit))))
    });
    slos.chain(objectives).collect()
}

/// Draws the limits that are near what was measured, and makes room for them.
pub(super) fn near(limits: Vec<(f64, String)>, most: f64) -> Vec<(f64, String)> {
    limits.into_iter().filter(|(limit, _)| *limit <= most * LIMIT_NEAR).collect()
}

/// One chart per latency, a point per level; none with fewer than two levels.
pub(super) fn against_throughput(run: &RunDocument) -> Markup {
    let Some(first) = run.levels.first().filter(|_| run.levels.len() > 1) else { return html! {} };
    let charts: Vec<Markup> = [first_token(first), Metric::Tpot, Metric::E2e]
        .into_iter()
        .filter_map(|metric| sweep(run, metric))
        .collect();
    html! {
        @if !charts.is_empty() {
            section aria-labelledby="sweep" {
                h2 #sweep { "Latency against throughput" }
                p.sub { "Each point is a level; further right serves more, further up waits longer." }
                div.charts { @for chart in &charts { (chart) } }
            }
        }
    }
}

/// A line's name, its class, and the percentile that it draws.
type Line = (&'static str, &'static str, fn(&MetricDocument) -> Option<f64>);

const LINES: [Line; 3] = [
    ("p50", "line solid", |metric| metric.p50),
    ("p95", "line dashed", |metric| metric.p95),
    ("p99", "line dotted", |metric| metric.p99),
];

fn sweep(run: &RunDocument, metric: Metric) -> Option<Markup> {
    let rate = |level: &LevelDocument, metric: Metric| level.values.get(metric.id()).copied();
    let tokens = run.levels.iter().all(|level| rate(level, Metric::OutputThroughput).is_some());
    let (throughput, words) = if tokens {
        (Metric::OutputThroughput, "output tokens per second")
    } else {
        (Metric::RequestThroughput, "requests per second")
    };
    let point = |level: &LevelDocument, pick: fn(&MetricDocument) -> Option<f64>| {
        Some((rate(level, throughput)?, pick(level.metrics.get(metric.id())?)?))
    };
    let lines: Vec<(&str, &str, Vec<_>)> = LINES
        .into_iter()
        .map(|(name, class, pick)| {
            (name, class, run.levels.iter().filter_map(|level| point(level, pick)).collect())
        })
        .filter(|(.., points): &(_, _, Vec<_>)| points.len() > 1)
        .collect();
    let values = || lines.iter().flat_map(|(.., points)| points.iter().map(|(_, y)| *y));
    let most = values().reduce(f64::max)?;
    let limits = near(limits(run, metric), most);
    let mut plot = Plot::new(
        metric.title(),
        Axis {
            scale: Scale::from_zero(
                lines.iter().flat_map(|(.., points)| points.iter().map(|(x, _)| *x * 1.04)),
            ),
            words: short,
            label: words,
        },
        Axis {
            scale: Scale::spread(values().chain(limits.iter().map(|(limit, _)| *limit))),
            words: milliseconds,
            label: "latency",
        },
    )
    .told(told_sweep(run, metric));
    for (limit, name) in &limits {
        plot.rule(*limit, name);
    }
    for (name, class, points) in &lines {
        plot.line(class, vec![points.clone()]);
        plot.dots("dots level", points.clone());
        plot.entry(class, *name);
    }
    // The names stand above the uppermost line, where no other line crosses them.
    let top = LINES.into_iter().rev().find(|(name, ..)| lines.iter().any(|(drawn, ..)| drawn == name))?;
    let names =
        run.levels.iter().filter_map(|level| point(level, top.2).map(|(x, y)| (x, y, level.label.clone())));
    plot.words(names.collect());
    Some(plot.render())
}

fn told_sweep(run: &RunDocument, metric: Metric) -> String {
    let level = |level: &LevelDocument| {
        let p95 = level.metrics.get(metric.id())?.p95?;
        Some(format!("{}: p95 {}", level.label, quantity(p95, metric.unit())))
    };
    run.levels.iter().filter_map(level).collect::<Vec<_>>().join("; ")
}

/// Percentile curves of what users wait for, a line per level.
pub(super) fn distributions(run: &RunDocument) -> Markup {
    let gaps = if run.levels.iter().any(|level| level.metrics.contains_key("itl") && !level.tokens.itl_is_icl)
    {
        Metric::Itl
    } else {
        Metric::Icl
    };
    let first = run.levels.first().map_or(Metric::Ttft, first_token);
    let charts: Vec<Markup> = [first, Metric::Tpot, gaps, Metric::E2e]
        .into_iter()
        .filter_map(|metric| spread(run, metric))
        .collect();
    html! {
        @if !charts.is_empty() {
            section aria-labelledby="spread" {
                h2 #spread { "Distributions" }
                p.sub {
                    "How long the given share of samples took at most. The tail is drawn out: p90, p99 and p99.9 stand at equal distances."
                    @if run.levels.len() > CURVES_MAX { " The last " (CURVES_MAX) " levels are drawn." }
                }
                div.charts { @for chart in &charts { (chart) } }
                (behind(run, [first, Metric::Tpot, gaps, Metric::E2e]))
            }
        }
    }
}

fn drawn(run: &RunDocument) -> &[LevelDocument] {
    run.levels.get(run.levels.len().saturating_sub(CURVES_MAX)..).unwrap_or_default()
}

/// A curve through the histogram, or the few percentiles that an imported file has.
enum Curve {
    Line(Vec<(f64, f64)>),
    Dots(Vec<(f64, f64)>),
}

fn curve(run: &RunDocument, level: &LevelDocument, metric: Metric) -> Option<(f64, Curve)> {
    let (n, _) = run.quantiles(&level.label, metric, &[]).unwrap_or_default();
    if n > 1 {
        // One sample in n lies beyond the share 1 − 1/n: further out nothing is known.
        let nines = (n as f64).log10();
        let steps = (nines * 40.0).ceil().max(1.0) as u32;
        let shares: Vec<f64> =
            (0..=steps).map(|step| 1.0 - 10_f64.powf(-nines * f64::from(step) / f64::from(steps))).collect();
        let (_, values) = run.quantiles(&level.label, metric, &shares)?;
        return Some((nines, Curve::Line(shares.into_iter().zip(values).collect())));
    }
    let found = level.metrics.get(metric.id())?;
    let points: Vec<(f64, f64)> = [(0.5, found.p50), (0.9, found.p90), (0.95, found.p95), (0.99, found.p99)]
        .into_iter()
        .filter_map(|(share, value)| Some((share, value?)))
        .collect();
    (!points.is_empty()).then_some((2.0, Curve::Dots(points)))
}

fn spread(run: &RunDocument, metric: Metric) -> Option<Markup> {
    let levels = drawn(run);
    let curves: Vec<(usize, &LevelDocument, f64, Curve)> = levels
        .iter()
        .enumerate()
        .filter_map(|(at, level)| curve(run, level, metric).map(|(nines, curve)| (at, level, nines, curve)))
        .collect();
    let points = |curve: &Curve| match curve {
        Curve::Line(points) | Curve::Dots(points) => points.clone(),
    };
    let values: Vec<f64> =
        curves.iter().flat_map(|(.., curve)| points(curve)).map(|(_, value)| value).collect();
    let most = values.iter().copied().reduce(f64::max)?;
    let limits = near(limits(run, metric), most);
    let nines = curves.iter().map(|(_, _, nines, _)| *nines).fold(1.0, f64::max);
    let mut plot = Plot::new(
        metric.title(),
        Axis { scale: Scale::Tail { nines }, words: percentile, label: "share of samples" },
        Axis {
            scale: Scale::spread(values.iter().copied().chain(limits.iter().map(|(limit, _)| *limit))),
            words: milliseconds,
            label: "latency",
        },
    );
    for (limit, name) in &limits {
        plot.rule(*limit, name);
    }
    for (at, level, _, curve) in &curves {
        let shade = shade(*at, levels.len());
        match curve {
            Curve::Line(points) => {
                plot.line(&format!("line {shade}"), vec![points.clone()]);
                plot.entry(&format!("line {shade}"), level.label.clone());
            }
            Curve::Dots(points) => {
                plot.dots(&format!("dots big {shade}"), points.clone());
                plot.entry(&format!("dots big {shade}"), level.label.clone());
            }
        }
    }
    Some(plot.render())
}

/// Lighter to darker along the sweep: `s0` to `s8`.
fn shade(at: usize, of: usize) -> String {
    let step = if of > 1 { (at * (CURVES_MAX - 1) + (of - 1) / 2) / (of - 1) } else { CURVES_MAX - 1 };
    format!("s{}", step.min(CURVES_MAX - 1))
}

const SHARES: [f64; 7] = [0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/// The curves in numbers.
fn behind(run: &RunDocument, metrics: [Metric; 4]) -> Markup {
    let rows = run.levels.iter().flat_map(|level| {
        metrics.into_iter().filter_map(move |metric| {
            let (n, values) = run.quantiles(&level.label, metric, &SHARES)?;
            Some((level, metric, n, values))
        })
    });
    let rows: Vec<(&LevelDocument, Metric, u64, Vec<f64>)> = rows.collect();
    html! {
        @if !rows.is_empty() {
            details {
                summary { "The curves in numbers" }
                div.scroll tabindex="0" role="region" aria-label="The curves in numbers" {
                    table {
                        thead {
                            tr {
                                th scope="col" { "Level" }
                                th scope="col" { "Metric" }
                                @for name in SHARES.into_iter().map(percentile).chain(once("samples".to_owned())) {
                                    th.n scope="col" { (name) }
                                }
                            }
                        }
                        tbody {
                            @for (level, metric, n, values) in &rows {
                                tr {
                                    th scope="row" { (shown(&level.label, 60)) }
                                    td { (metric.title()) }
                                    @for value in values { td.n { (quantity(*value, metric.unit())) } }
                                    td.n { (crate::report::number::count(*n)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
