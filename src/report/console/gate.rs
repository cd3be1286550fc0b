//! The verdict: headline, the judged numbers, the next step, notes.

use super::style::{Paint, Style, table};
use crate::document::v1::{DecisionDocument, JudgementDocument, RunDocument, VerdictDocument};
use crate::report::cell::{Cell, confidence, decision_word, gates, judged_how, worth_a_look};
use crate::report::text::plain;

pub(super) fn write(out: &mut Vec<String>, run: &RunDocument, verdict: &VerdictDocument, style: Style) {
    let paint = match verdict.decision {
        DecisionDocument::Pass => Paint::Green,
        DecisionDocument::Fail | DecisionDocument::Invalid => Paint::Red,
        DecisionDocument::Inconclusive => Paint::Yellow,
    };
    let word = style.paint(paint, decision_word(verdict.decision));
    out.push(format!("{word}: {}", plain(&verdict.headline)));
    for rule in &verdict.broken_rules {
        out.push(format!("  {}", plain(rule)));
    }
    let gating: Vec<&JudgementDocument> = verdict.cells.iter().filter(|cell| gates(cell)).collect();
    if !gating.is_empty() {
        out.push(String::new());
        out.extend(judged(&gating, run.levels.len() > 1, verdict, style));
    }
    out.push(String::new());
    out.push(format!("Next: {}", plain(&verdict.next)));
    for note in notes(verdict) {
        out.push(format!("note: {}", plain(&note)));
    }
}

fn judged(cells: &[&JudgementDocument], many: bool, verdict: &VerdictDocument, style: Style) -> Vec<String> {
    let change = format!("change [{}]", confidence(verdict));
    let header = ["metric", "baseline", "now", &change, "limit", "verdict"];
    let rows: Vec<Vec<String>> = cells
        .iter()
        .map(|judgement| {
            let cell = Cell::new(judgement, many);
            vec![
                cell.title,
                cell.baseline,
                cell.now,
                format!("{} {}", cell.change, cell.interval),
                cell.limit,
                cell.words,
            ]
        })
        .collect();
    table(&header, &rows, Some(5), style)
}

fn notes(verdict: &VerdictDocument) -> Vec<String> {
    let mut notes = vec![judged_how(verdict)];
    if verdict.common_shift.is_some() {
        notes.push(
            "all judged numbers moved the same way, which points at the machine or the baseline".to_owned(),
        );
    }
    notes
        .extend(worth_a_look(verdict).map(|names| format!("worth a look, not part of the verdict: {names}")));
    notes
}
