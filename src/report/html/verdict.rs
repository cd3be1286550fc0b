//! The verdict with its table, in the words that every report uses.

use maud::{Markup, html};

use super::{pairs, shown};
use crate::document::v1::{JudgementDocument, RunDocument, VerdictDocument};
use crate::report::cell::{Cell, Standing, confidence, gates, judged_how, worth_a_look};

pub(super) fn section(run: &RunDocument, verdict: &VerdictDocument) -> Markup {
    let many = run.levels.len() > 1;
    let (judged, others): (Vec<&JudgementDocument>, Vec<&JudgementDocument>) =
        verdict.cells.iter().partition(|cell| gates(cell));
    html! {
        section aria-labelledby="verdict" {
            h2 #verdict { "Verdict" }
            p { b { "Next: " } (shown(&verdict.next, 1_000)) }
            @if !verdict.broken_rules.is_empty() {
                ul { @for rule in verdict.broken_rules.iter().take(20) { li { (shown(rule, 1_000)) } } }
            }
            @if !judged.is_empty() { (cells(&judged, verdict, many)) }
            (pairs::strips(verdict, many))
            p.sub { (shown(&judged_how(verdict), 1_000)) }
            @if let Some(names) = worth_a_look(verdict) {
                p.sub { "Worth a look, not part of the verdict: " (shown(&names, 1_000)) }
            }
            @if !others.is_empty() {
                details {
                    summary { (others.len()) " more numbers, reported and not judged" }
                    (cells(&others, verdict, many))
                }
            }
        }
    }
}

fn cells(judgements: &[&JudgementDocument], verdict: &VerdictDocument, many: bool) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Judged numbers" {
            table {
                thead {
                    tr {
                        th scope="col" { "Number" }
                        th.n scope="col" { "Baseline" }
                        th.n scope="col" { "Now" }
                        th.n scope="col" { "Change [" (confidence(verdict)) "]" }
                        th.n scope="col" { "Limit" }
                        th scope="col" { "Verdict" }
                    }
                }
                tbody { @for judgement in judgements { (row(&Cell::new(judgement, many))) } }
            }
        }
    }
}

fn row(cell: &Cell) -> Markup {
    let class = match cell.standing {
        Standing::Good => "good",
        Standing::Bad => "bad",
        Standing::Open => "open",
        Standing::Silent => "silent",
    };
    html! {
        tr {
            th scope="row" { (shown(&cell.title, 120)) }
            td.n { (cell.baseline) }
            td.n { (cell.now) }
            td.n { (cell.change) " " (cell.interval) }
            td.n { (cell.limit) }
            td class=(class) { (shown(&cell.words, 300)) }
        }
    }
}
