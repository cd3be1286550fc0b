//! A history as one page that needs nothing else: the answer, a table, a chart for each number.

use maud::{Markup, html};

use super::chart::{Axis, Plot, Scale, milliseconds, short};
use super::{page, shown};
use crate::document::v1::{HistoryDocument, TrendDocument};
use crate::record::Unit;
use crate::report::history::{self, HEADER, Tonight};
use crate::report::number::change;

/// Charts of a page; what has an alarm or a change is drawn before the rest.
const CHARTS: usize = 60;

/// The text of the file.
pub fn render(history: &HistoryDocument) -> String {
    let title = format!("{}: nightly history", shown(&history.name, 100));
    let body = html! {
        header { (head(history)) }
        main {
            (messages(history))
            (table(history))
            (charts(history))
        }
        footer { p { "llm-loadtest " (shown(&history.tool, 40)) " · " (shown(&history.created, 40)) } }
    };
    page(&title, &body)
}

fn head(history: &HistoryDocument) -> Markup {
    let tonight = Tonight::of(history);
    let class = match tonight {
        Tonight::Alarm => "badge bad",
        Tonight::Steady => "badge good",
        Tonight::Unknown | Tonight::Environment => "badge open",
    };
    html! {
        p.kicker { "nightly history · " (shown(&history.name, 120)) }
        h1 {
            span class=(class) { (tonight.word()) }
            (shown(&history::headline(history), 400))
        }
        p.sub {
            (shown(&history.key.workload, 80)) " · " (shown(&history.key.model, 120)) " on "
            (shown(&history.key.hardware, 80)) " · " (shown(&history::span(history), 120))
        }
        @if let Some(next) = history::next(history) { p { strong { "Next: " } (next) } }
    }
}

/// Alarms and changes as a list, worst first.
fn messages(history: &HistoryDocument) -> Markup {
    let alarms =
        history.alarms().map(|(trend, alarm)| ("invalid", "alarm", history::alarm(history, trend, alarm)));
    let changes = history::changes(history).into_iter().map(|(trend, found)| {
        let class = if found.is_worse { "warning" } else { "info" };
        (class, if found.is_worse { "worse" } else { "better" }, history::moved(history, trend, found))
    });
    let all: Vec<(&str, &str, String)> = alarms.chain(changes).collect();
    html! {
        @if !all.is_empty() {
            section aria-labelledby="changes" {
                h2 #changes { "Alarms and changes" }
                ul.findings {
                    @for (class, word, text) in &all {
                        li class=(class) { b { (word) } " " (shown(text, 1_000)) }
                    }
                }
            }
        }
    }
}

fn table(history: &HistoryDocument) -> Markup {
    html! {
        @if !history.trends.is_empty() {
            section aria-labelledby="numbers" {
                h2 #numbers { "Numbers" }
                div.scroll tabindex="0" role="region" aria-label="Numbers" {
                    table.nights {
                        thead { tr {
                            th scope="col" { (HEADER[0]) }
                            @for name in &HEADER[1..] { th.n scope="col" { (name) } }
                            th.n scope="col" { "tonight" }
                        } }
                        tbody {
                            @for trend in &history.trends {
                                @let [title, cells @ ..] = history::row(history, trend);
                                tr {
                                    th scope="row" { (shown(&title, 120)) }
                                    @for cell in &cells { td.n { (cell) } }
                                    (tonight(trend))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn tonight(trend: &TrendDocument) -> Markup {
    match (&trend.alarm, trend.needed) {
        (Some(alarm), _) => html! { td class="n bad" { "alarm, " (change(alarm.change, trend.absolute)) } },
        (None, 0) => html! { td.n { "as usual" } },
        (None, needed) => html! { td class="n silent" { (needed) " more nights needed" } },
    }
}

fn charts(history: &HistoryDocument) -> Markup {
    let mut order: Vec<&TrendDocument> = history.trends.iter().collect();
    order.sort_by_key(|trend| (trend.alarm.is_none(), trend.changes.is_empty()));
    let drawn: Vec<Markup> =
        order.into_iter().take(CHARTS).filter_map(|trend| chart(history, trend)).collect();
    html! {
        @if !drawn.is_empty() {
            section aria-labelledby="nights" {
                h2 #nights { "Night by night" }
                p.sub {
                    "Each dot is a night, the median of its rounds; the line is the median of a stretch without a change. "
                    "Stretches are shaded in turn, and named by their change and first commit. Red nights are the alarm's. "
                    "The axis does not start at 0."
                }
                div.charts { @for chart in &drawn { (chart) } }
            }
        }
    }
}

fn chart(history: &HistoryDocument, trend: &TrendDocument) -> Option<Markup> {
    let (low, high) = history::range(trend).filter(|_| trend.values.iter().flatten().count() > 1)?;
    let last = trend.values.len() as f64;
    let mut plot = Plot::new(
        history::title(history, trend),
        Axis { scale: Scale::between(0.5, last + 0.5), words: night, label: "night" },
        Axis {
            scale: Scale::between(low, high),
            words: words(history::unit(trend)),
            label: "median of the night",
        },
    )
    .told(told(history, trend));
    // One band per stretch, each reaching to the middle between two nights.
    let starts: Vec<usize> = trend.segments.iter().map(|segment| segment.from).collect();
    for (at, segment) in trend.segments.iter().enumerate() {
        let from = if at == 0 { 0.5 } else { segment.from as f64 + 0.5 };
        let to = starts.get(at + 1).map_or(last + 0.5, |next| *next as f64 + 0.5);
        plot.band(from, to, &name(history, trend, segment.from, (to - from) / last));
    }
    let point = |(night, value): (usize, &Option<f64>)| Some((night as f64 + 1.0, (*value)?));
    let is_late = |night: f64| trend.alarm.as_ref().is_some_and(|alarm| night > alarm.since as f64);
    let points = trend.values.iter().enumerate().filter_map(point);
    let (late, usual): (Vec<_>, Vec<_>) = points.partition(|(night, _)| is_late(*night));
    let medians = trend.segments.iter().map(|segment| {
        let ends = [segment.from, segment.to].map(|night| (night as f64 + 1.0, segment.median));
        ends.to_vec()
    });
    plot.line("line faint", medians.collect());
    plot.dots("dots level", usual);
    plot.entry("dots level", "night");
    plot.entry("line faint", "median of a stretch");
    if !late.is_empty() {
        plot.dots("dots level bad", late);
        plot.entry("dots level bad", "alarm");
    }
    Some(plot.render())
}

/// What fits above a stretch of this share of the chart: its change and commit, its change, or nothing.
fn name(history: &HistoryDocument, trend: &TrendDocument, from: usize, share: f64) -> String {
    let Some(found) = trend.changes.iter().find(|found| found.first == from) else {
        return String::new();
    };
    let by = change(found.change, trend.absolute);
    let commit = history.nights.get(from).and_then(|night| night.commit.as_deref());
    let commit: String = commit.unwrap_or_default().chars().take(7).collect();
    let letters = (share * 65.0) as usize;
    let both = format!("{by} {commit}");
    [both, by].into_iter().find(|text| text.trim_end().chars().count() <= letters).unwrap_or_default()
}

fn told(history: &HistoryDocument, trend: &TrendDocument) -> String {
    let alarm = trend.alarm.iter().map(|alarm| history::alarm(history, trend, alarm));
    let changes = trend.changes.iter().map(|found| history::moved(history, trend, found));
    alarm.chain(changes).collect::<Vec<_>>().join("; ")
}

fn night(value: f64) -> String {
    // There is none between two.
    if value.fract() > 1e-6 { String::new() } else { short(value) }
}

fn words(unit: Unit) -> fn(f64) -> String {
    match unit {
        Unit::Milliseconds | Unit::MillisecondsPerToken => milliseconds,
        Unit::Ratio => |value| format!("{}%", short(value * 100.0)),
        Unit::TokensPerSecond
        | Unit::RequestsPerSecond
        | Unit::Gigabytes
        | Unit::Watts
        | Unit::JoulesPerToken
        | Unit::TokensPerJoule
        | Unit::TokensPerSecondPerWatt => short,
    }
}
