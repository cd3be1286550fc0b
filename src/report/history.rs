//! The words of a history, shared by every form: what tonight is, and where the level moved.

use super::number::{change, percent, plural, quantity};
use super::text::clip;
use crate::document::v1::{
    AlarmDocument, AnswerOfPairs, ChangeDocument, HistoryDocument, NightDocument, PairedAnswer, TrendDocument,
};
use crate::record::{MetricKey, Unit};

/// How tonight stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tonight {
    Alarm,
    /// Every alarm was refuted: the builds are alike, and something else changed.
    Environment,
    Steady,
    /// Too few nights for any alarm.
    Unknown,
}

impl Tonight {
    pub(super) fn of(history: &HistoryDocument) -> Self {
        let mut alarms = history.alarms().map(|(_, alarm)| answer(alarm)).peekable();
        if alarms.peek().is_some() {
            let refuted = alarms.all(|answer| answer == Some(AnswerOfPairs::Refuted));
            if refuted { Self::Environment } else { Self::Alarm }
        } else if history.trends.iter().any(|trend| trend.needed == 0) {
            Self::Steady
        } else {
            Self::Unknown
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Alarm => "ALARM",
            Self::Environment => "ENVIRONMENT",
            Self::Steady => "STEADY",
            Self::Unknown => "TOO FEW NIGHTS",
        }
    }
}

/// The answer in one sentence.
pub(super) fn headline(history: &HistoryDocument) -> String {
    let mut alarms = history.alarms();
    if let Some((trend, alarm)) = alarms.next() {
        let more = alarms.count() as u64;
        let more = if more > 0 { format!(", and {}", plural(more, "more alarm")) } else { String::new() };
        return format!("{}{more}", what(history, trend, alarm));
    }
    let numbers = plural(history.trends.len() as u64, "number");
    let nights = plural(history.nights.len() as u64, "night");
    match (Tonight::of(history), history.trends.iter().map(|trend| trend.needed).min()) {
        (Tonight::Steady, _) => format!("{numbers} over {nights}, none worse than usual tonight"),
        (_, None) => format!("{nights} stored, and none of the numbers asked for"),
        (_, Some(needed)) => format!("{nights} stored, {needed} more needed before there can be an alarm"),
    }
}

fn what(history: &HistoryDocument, trend: &TrendDocument, alarm: &AlarmDocument) -> String {
    format!(
        "{} is {} since {}: {}",
        title(history, trend),
        direction(trend, alarm.change),
        night(history, alarm.since),
        change(alarm.change, trend.absolute)
    )
}

/// An alarm, the last good night, and what it needs.
pub(super) fn alarm(history: &HistoryDocument, trend: &TrendDocument, alarm: &AlarmDocument) -> String {
    format!("{}; last good {}. {}", what(history, trend, alarm), night(history, alarm.before), pairs(alarm))
}

fn answer(alarm: &AlarmDocument) -> Option<AnswerOfPairs> {
    alarm.pairs.as_ref().map(|pairs| pairs.answer)
}

/// What pairs of both builds say, or that they are needed.
fn pairs(alarm: &AlarmDocument) -> String {
    let Some(PairedAnswer { answer, effect }) = &alarm.pairs else {
        return "It needs a paired confirmation".to_owned();
    };
    let found = effect.as_ref().map_or_else(String::new, |effect| {
        let end = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), |end| change(end, effect.absolute));
        let by = change(effect.change, effect.absolute);
        format!(": {by} [{}, {}]", end(effect.low), end(effect.high))
    });
    match answer {
        AnswerOfPairs::Confirmed => format!("Confirmed in pairs of both builds{found}"),
        AnswerOfPairs::Refuted => {
            format!("Refuted in pairs of both builds{found}; the environment changed, not the server")
        }
        AnswerOfPairs::Undecided => format!("Pairs of both builds could not decide{found}"),
    }
}

/// What to do about an alarm.
pub(super) fn next(history: &HistoryDocument) -> Option<String> {
    let alarms: Vec<_> = history.alarms().map(|(_, alarm)| alarm).collect();
    let first = alarms.first()?;
    if alarms.iter().any(|alarm| answer(alarm) == Some(AnswerOfPairs::Confirmed)) {
        let commit = |at: usize| history.nights.get(at).and_then(|night| night.commit.as_deref()).map(short);
        let good = commit(first.before).unwrap_or_else(|| "LAST_GOOD".to_owned());
        let bad = commit(history.nights.len() - 1).unwrap_or_else(|| "TONIGHT".to_owned());
        return Some(format!(
            "Find the commit: llm-loadtest bisect --good {good} --bad {bad} --run COMMAND."
        ));
    }
    if Tonight::of(history) == Tonight::Environment {
        return Some("Look at what else changed: machine, driver, neighbours, data.".to_owned());
    }
    Some(if alarms.iter().all(|alarm| alarm.pairs.is_some()) {
        "Confirm again with more pairs (--rounds 12,20) or on a quieter machine.".to_owned()
    } else {
        "Serve the last good build beside tonight's: llm-loadtest history --confirm --baseline-server URL --server URL."
            .to_owned()
    })
}

/// A change, when, how sure, and between which commits.
pub(super) fn moved(history: &HistoryDocument, trend: &TrendDocument, found: &ChangeDocument) -> String {
    let ChangeDocument { first, before, change: by, is_worse: _, confidence, earliest, latest } = found;
    let place = if earliest == latest {
        String::new()
    } else {
        format!(", begun between nights {} and {}", earliest + 1, latest + 1)
    };
    format!(
        "{} {} ({}) from {} on, last before {}; confidence {}{place}",
        title(history, trend),
        change(*by, trend.absolute),
        direction(trend, *by),
        night(history, *first),
        night(history, *before),
        percent(*confidence)
    )
}

/// Every change with its trend, newest first.
pub(super) fn changes(history: &HistoryDocument) -> Vec<(&TrendDocument, &ChangeDocument)> {
    let all = history.trends.iter().flat_map(|trend| trend.changes.iter().map(move |found| (trend, found)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(_, found)| std::cmp::Reverse(found.first));
    all
}

/// `TTFT p95`, with its level where there are several.
pub(super) fn title(history: &HistoryDocument, trend: &TrendDocument) -> String {
    let many = history.trends.iter().any(|other| other.level != trend.level);
    let name = key(trend).map_or_else(|| trend.metric.clone(), MetricKey::title);
    if many { format!("{name} at {}", clip(&trend.level, 60)) } else { name }
}

/// `night 41 (2026-11-10, commit 0a1b2c3d4e)`; nights count from 1.
pub(super) fn night(history: &HistoryDocument, at: usize) -> String {
    let Some(NightDocument { id, created, commit }) = history.nights.get(at) else {
        return format!("night {}", at + 1);
    };
    let who = match commit {
        Some(commit) => format!("commit {}", short(commit)),
        None => format!("session {}", clip(id, 60)),
    };
    format!("night {} ({}, {who})", at + 1, day(created))
}

/// A commit as people write it.
pub(super) fn short(commit: &str) -> String {
    if commit.chars().count() > 16 { commit.chars().take(10).collect() } else { commit.to_owned() }
}

/// The date of a timestamp.
pub(super) fn day(created: &str) -> String {
    created.chars().take(10).collect()
}

/// From when to when.
pub(super) fn span(history: &HistoryDocument) -> String {
    let nights = plural(history.nights.len() as u64, "night");
    match (history.nights.first(), history.nights.last()) {
        (Some(first), Some(last)) => {
            format!("{nights}, {} to {}", day(&first.created), day(&last.created))
        }
        _ => nights,
    }
}

/// The header of a table of trends; the first column is text, the next four numbers.
pub(super) const HEADER: [&str; 5] = ["number", "nights", "now", "usual", "last change"];

/// A trend as such a row.
pub(super) fn row(history: &HistoryDocument, trend: &TrendDocument) -> [String; 5] {
    let unit = unit(trend);
    let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| quantity(value, unit));
    let last = trend.changes.last().map_or_else(
        || "-".to_owned(),
        |found| format!("{} at night {}", change(found.change, trend.absolute), found.first + 1),
    );
    [
        title(history, trend),
        trend.values.iter().flatten().count().to_string(),
        shown(trend.values.iter().rev().flatten().next().copied()),
        shown(trend.segments.last().map(|segment| segment.median)),
        last,
    ]
}

pub(super) fn unit(trend: &TrendDocument) -> Unit {
    key(trend).map_or(Unit::Milliseconds, |key| key.metric.unit())
}

fn key(trend: &TrendDocument) -> Option<MetricKey> {
    trend.metric.parse().ok()
}

/// `slower`, `faster`, `higher` or `lower`.
fn direction(trend: &TrendDocument, change: f64) -> &'static str {
    let is_time = key(trend).is_some_and(|key| key.metric.unit().is_time());
    match (is_time, change > 0.0) {
        (true, true) => "slower",
        (true, false) => "faster",
        (false, true) => "higher",
        (false, false) => "lower",
    }
}

/// The lowest and the highest value to draw: a little more than was measured, and never so little that noise fills it.
pub(super) fn range(trend: &TrendDocument) -> Option<(f64, f64)> {
    let measured = || trend.values.iter().flatten().copied().filter(|value| value.is_finite());
    let (low, high) = (measured().reduce(f64::min)?, measured().reduce(f64::max)?);
    let least = if trend.absolute { 0.02 } else { 0.06 * low.abs().max(high.abs()) };
    let spare = 0.08 * (high - low) + ((least - (high - low)) / 2.0).max(0.0);
    // A scale without any height would have no places on it.
    let spare = if spare > 0.0 { spare } else { 0.5 };
    Some((low - spare, high + spare))
}
