//! Colour, tables and findings, shared by both views.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::document::v1::FindingDocument;
use crate::report::found::{Found, grouped, rank};
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
    let found = grouped(findings);
    if !found.is_empty() {
        out.push(String::new());
    }
    for Found { first, place } in found {
        let paint = match rank(first) {
            0 => Paint::Red,
            1 => Paint::Yellow,
            _ => Paint::Bold,
        };
        let label = style.paint(paint, &plain(&first.severity));
        let place = if place.is_empty() { String::new() } else { format!(" ({})", plain(&place)) };
        out.push(format!("{label}: {}{place}", plain(&first.message)));
        if let Some(hint) = &first.hint {
            out.push(format!("  hint: {}", plain(hint)));
        }
    }
}
