//! Colour, tables and findings, shared by both views.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::document::v1::FindingDocument;
use crate::report::text::plain;

/// How the terminal looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub color: bool,
    /// Columns; tables wrap their cells to fit.
    pub width: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Bold,
    Green,
    Red,
    Yellow,
}

impl Style {
    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Bold => "1",
            Paint::Green => "1;32",
            Paint::Red => "1;31",
            Paint::Yellow => "1;33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Rows under a header, the first column to the left and numbers to the right; `words` is the column that is text again.
pub(super) fn table(
    header: &[&str],
    rows: &[Vec<String>],
    words: Option<usize>,
    style: Style,
) -> Vec<String> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(style.width.max(40))
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        if at > 0 && Some(at) != words {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines = table.lines();
    lines.map(|line| format!(" {}", line.trim_end())).collect()
}

/// One line per finding, worst first, with its remedy below it.
pub(super) fn findings(out: &mut Vec<String>, findings: &[FindingDocument], style: Style) {
    let mut sorted: Vec<&FindingDocument> = findings.iter().collect();
    let rank = |finding: &FindingDocument| match finding.severity.as_str() {
        "invalid" => 0,
        "warning" => 1,
        _ => 2,
    };
    sorted.sort_by_key(|finding| rank(finding));
    if !sorted.is_empty() {
        out.push(String::new());
    }
    for finding in sorted {
        let paint = match rank(finding) {
            0 => Paint::Red,
            1 => Paint::Yellow,
            _ => Paint::Bold,
        };
        let label = style.paint(paint, &plain(&finding.severity));
        out.push(format!("{label}: {}{}", plain(&finding.message), place(finding)));
        if let Some(hint) = &finding.hint {
            out.push(format!("  hint: {}", plain(hint)));
        }
    }
}

fn place(finding: &FindingDocument) -> String {
    match (&finding.level, finding.round) {
        (Some(level), Some(round)) => format!(" ({}, round {round})", plain(level)),
        (Some(level), None) => format!(" ({})", plain(level)),
        (None, Some(round)) => format!(" (round {round})"),
        (None, None) => String::new(),
    }
}
