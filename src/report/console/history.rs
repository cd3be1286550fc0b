//! A history on a terminal: the answer, a line of blocks for each number, the changes.

use super::style::{Paint, Style, table};
use crate::document::v1::{HistoryDocument, TrendDocument};
use crate::report::history::{self, HEADER, Tonight};
use crate::report::text::plain;

/// Letters of a line of blocks at most, and what the other columns need.
const DRAWN: usize = 60;
const OTHERS: usize = 72;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The whole text. Ends with a newline.
pub fn render(history: &HistoryDocument, style: Style) -> String {
    let tonight = Tonight::of(history);
    let paint = match tonight {
        Tonight::Alarm => Paint::Red,
        Tonight::Steady => Paint::Green,
        Tonight::Unknown | Tonight::Environment => Paint::Yellow,
    };
    let mut out =
        vec![format!("{}: {}", style.paint(paint, tonight.word()), plain(&history::headline(history)))];
    out.push(format!("  {}: {}", plain(&history.name), plain(&history::span(history))));
    if !history.trends.is_empty() {
        out.push(String::new());
        out.extend(trends(history, style));
    }
    let alarms: Vec<String> =
        history.alarms().map(|(trend, alarm)| history::alarm(history, trend, alarm)).collect();
    let changes: Vec<String> = history::changes(history)
        .into_iter()
        .map(|(trend, found)| history::moved(history, trend, found))
        .collect();
    for (word, paint, lines) in [("alarm", Paint::Red, alarms), ("change", Paint::Bold, changes)] {
        if !lines.is_empty() {
            out.push(String::new());
        }
        out.extend(lines.iter().map(|line| format!("{}: {}", style.paint(paint, word), plain(line))));
    }
    if let Some(next) = history::next(history) {
        out.extend([String::new(), format!("Next: {next}")]);
    }
    out.push(String::new());
    out.join("\n")
}

fn trends(history: &HistoryDocument, style: Style) -> Vec<String> {
    let header: Vec<&str> = HEADER.into_iter().chain(["trend, newest right"]).collect();
    let room = usize::from(style.width).saturating_sub(OTHERS).clamp(20, DRAWN);
    let rows: Vec<Vec<String>> = history
        .trends
        .iter()
        .map(|trend| history::row(history, trend).into_iter().chain([blocks(trend, room)]).collect())
        .collect();
    table(&header, &rows, None, style)
}

/// A block per night, from low to high, the newest that `room` has letters for; a bar stands before the first night of a new
/// level, a gap where nothing was measured.
fn blocks(trend: &TrendDocument, room: usize) -> String {
    let Some((low, high)) = history::range(trend) else {
        return String::new();
    };
    let mut line = Vec::new();
    for (night, value) in trend.values.iter().enumerate() {
        if trend.changes.iter().any(|found| found.first == night) {
            line.push('│');
        }
        line.push(value.map_or(' ', |value| {
            let height = (value - low) / (high - low) * BLOCKS.len() as f64;
            BLOCKS[(height as usize).min(BLOCKS.len() - 1)]
        }));
    }
    line[line.len().saturating_sub(room)..].iter().collect()
}
