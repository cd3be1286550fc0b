//! A history for issues and job summaries: the answer, a table, the changes, and charts that GitHub draws.

use super::options::Limit;
use crate::document::v1::{HistoryDocument, TrendDocument};
use crate::record::MetricKey;
use crate::report::history::{self, HEADER, Tonight};
use crate::report::number::plural;
use crate::report::text::{clip, fence, markdown};

/// Nights of a chart, the newest ones.
const DRAWN: usize = 90;
/// Charts, those with an alarm or a change before the others.
const CHARTS: usize = 12;
const LINES: usize = 40;

/// The nights in blue, the medians in brown: Mermaid's own first colour can hardly be seen on white.
const COLOURS: &str =
    "%%{init: {\"themeVariables\": {\"xyChart\": {\"plotColorPalette\": \"steelblue, chocolate\"}}}}%%";

/// The text, at most 60,000 characters: charts go first, then lines of the lists.
pub fn render(history: &HistoryDocument) -> String {
    let emoji = match Tonight::of(history) {
        Tonight::Alarm => "❌",
        Tonight::Steady => "✅",
        Tonight::Unknown | Tonight::Environment => "⚪",
    };
    let mut parts = vec![format!(
        "### {emoji} Nightly history of '{}': {}\n",
        short(&history.name),
        sentence(&history::headline(history))
    )];
    parts.extend(history::next(history).map(|next| format!("**Next:** {}\n", sentence(&next))));
    parts.push(format!(
        "\n{} of {} on {}\n",
        span(history),
        short(&history.key.model),
        short(&history.key.hardware)
    ));
    parts.extend(table(history));
    let alarms = history.alarms().map(|(trend, alarm)| history::alarm(history, trend, alarm));
    parts.extend(list("Alarms", &alarms.collect::<Vec<_>>()));
    let changes = history::changes(history).into_iter();
    let changes = changes.map(|(trend, found)| history::moved(history, trend, found));
    parts.extend(list("Changes", &changes.collect::<Vec<_>>()));
    let mut charted: Vec<&TrendDocument> = history.trends.iter().collect();
    charted.sort_by_key(|trend| (trend.alarm.is_none(), trend.changes.is_empty()));
    parts.extend(charted.into_iter().take(CHARTS).filter_map(|trend| chart(history, trend)));
    let foot = format!("\n<sub>llm-loadtest {} · {}</sub>\n", short(&history.tool), short(&history.created));
    let mut room = Limit::Comment.max().saturating_sub(foot.chars().count());
    let mut text = String::new();
    for part in parts {
        let length = part.chars().count();
        if length <= room {
            room -= length;
            text.push_str(&part);
        }
    }
    text + &foot
}

fn short(text: &str) -> String {
    markdown(&clip(text, 100))
}

fn sentence(text: &str) -> String {
    markdown(&clip(text, 600))
}

fn span(history: &HistoryDocument) -> String {
    markdown(&history::span(history))
}

/// The table, row by row, so that what does not fit can be left out.
fn table(history: &HistoryDocument) -> Vec<String> {
    if history.trends.is_empty() {
        return Vec::new();
    }
    let top = format!("\n| {} |\n|---|{}\n", HEADER.join(" | "), "--:|".repeat(HEADER.len() - 1));
    let rows = history.trends.iter().map(|trend| {
        let cells = history::row(history, trend).map(|cell| short(&cell));
        format!("| {} |\n", cells.join(" | "))
    });
    std::iter::once(top).chain(rows).collect()
}

fn list(title: &str, lines: &[String]) -> Vec<String> {
    if lines.is_empty() {
        return Vec::new();
    }
    let left_out = lines.len().saturating_sub(LINES) as u64;
    let rest = (left_out > 0).then(|| format!("- and {}\n", plural(left_out, "earlier one")));
    let shown = lines.iter().take(LINES).map(|line| format!("- {}\n", sentence(line)));
    std::iter::once(format!("\n**{title}**\n")).chain(shown).chain(rest).collect()
}

/// The nights as a line, and the median of each stretch as another. Mermaid's charts have no gaps: nights without the
/// number are passed over, and fewer than two are no line.
fn chart(history: &HistoryDocument, trend: &TrendDocument) -> Option<String> {
    let measured: Vec<(usize, f64)> =
        trend.values.iter().enumerate().filter_map(|(night, value)| Some((night, (*value)?))).collect();
    let drawn = &measured[measured.len().saturating_sub(DRAWN)..];
    let ((first, _), (last, _)) = (drawn.first()?, drawn.last()?);
    let (low, high) = history::range(trend)?;
    if drawn.len() < 2 {
        return None;
    }
    let usual = |night: usize| {
        let segment = trend.segments.iter().rfind(|segment| segment.from <= night);
        segment.map_or(low, |segment| segment.median)
    };
    let line = |value: &dyn Fn(&(usize, f64)) -> f64| {
        let texts: Vec<String> = drawn.iter().map(|point| digits(value(point))).collect();
        texts.join(", ")
    };
    let unit = history::unit(trend).symbol();
    let text = format!(
        "{COLOURS}\nxychart-beta\n    title \"{}\"\n    x-axis \"night\" {} --> {}\n    y-axis \"{unit}\" {} --> {}\n    line [{}]\n    line [{}]",
        quoted(trend),
        first + 1,
        last + 1,
        digits(low),
        digits(high),
        line(&|(_, value)| *value),
        line(&|(night, _)| usual(*night)),
    );
    let summary = short(&history::title(history, trend));
    let open = if trend.alarm.is_some() { " open" } else { "" };
    Some(format!(
        "\n<details{open}><summary>{summary}, night by night</summary>\n\n{}\n</details>\n",
        fence("mermaid", &text)
    ))
}

/// Letters that mean nothing to Mermaid.
fn quoted(trend: &TrendDocument) -> String {
    let title = trend.metric.parse().map_or_else(|_| trend.metric.clone(), MetricKey::title);
    let text = format!("{title}, {}", clip(&trend.level, 40));
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " .,=-+".contains(letter);
    text.chars().map(|letter| if plain(letter) { letter } else { '-' }).collect()
}

/// Decimals without an exponent.
fn digits(value: f64) -> String {
    let decimals = (4 - value.abs().max(1e-6).log10().floor() as i32).clamp(0, 9) as usize;
    format!("{value:.decimals$}")
}
