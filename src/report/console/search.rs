//! What a search found: the answer, the curve, and the level that holds.

use super::run::{write_head, write_level, write_shape};
use super::style::{Paint, Style, table};
use crate::document::v1::{OutcomeDocument, RunDocument, SearchDocument};
use crate::report::search::{HEADER, rows, sentence};
use crate::report::text::plain;

const NOTE: &str = " between: where the true share lies; each bound is wrong with at most 5% probability";

pub(super) fn write(out: &mut Vec<String>, run: &RunDocument, search: &SearchDocument, style: Style) {
    write_head(out, run, style);
    let paint = match search.answer.outcome {
        OutcomeDocument::Found | OutcomeDocument::AtLeast => Paint::Green,
        OutcomeDocument::NoneHolds => Paint::Red,
        OutcomeDocument::Open => Paint::Yellow,
    };
    out.push(String::new());
    out.push(style.paint(paint, &plain(&sentence(run, search))));
    let rows: Vec<Vec<String>> = rows(run, search).into_iter().map(Vec::from).collect();
    if !rows.is_empty() {
        out.push(String::new());
        out.extend(table(&HEADER, &rows, Some(HEADER.len() - 1), style));
        out.push(NOTE.to_owned());
        write_shape(out, &run.levels);
    }
    let best = search.best();
    let level = best.and_then(|best| run.levels.iter().find(|level| level.label == best.label));
    if let (Some(best), Some(level)) = (best, level) {
        write_level(out, level, u64::from(best.windows), false, style);
    }
}
