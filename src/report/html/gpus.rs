//! What was seen of the GPUs, and what the server's log said, level by level.

use maud::{Markup, html};

use super::shown;
use crate::document::v1::RunDocument;
use crate::report::hardware::{HEADER, energy, log, remarks, rows};

/// Empty where nothing was seen.
pub(super) fn section(run: &RunDocument) -> Markup {
    let seen = || run.levels.iter().filter(|level| level.observed.is_some());
    html! {
        @if seen().next().is_some() {
            section aria-labelledby="gpus" {
                h2 #gpus { "Hardware and server" }
                @for level in seen() {
                    @if run.levels.len() > 1 { h3 { (shown(&level.label, 60)) } }
                    @let found = rows(level);
                    @if !found.is_empty() {
                        div.scroll tabindex="0" role="region" aria-label={ "GPUs at " (shown(&level.label, 60)) } {
                            table {
                                thead {
                                    tr {
                                        @for (at, name) in HEADER.iter().enumerate() {
                                            th.n[at > 0] scope="col" { (name) }
                                        }
                                    }
                                }
                                tbody {
                                    @for row in &found {
                                        tr {
                                            @for (at, cell) in row.iter().enumerate() {
                                                @if at == 0 { th scope="row" { (shown(cell, 80)) } }
                                                @else { td.n { (shown(cell, 40)) } }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    @if let Some(sentence) = energy(level) { p { "Energy: " (shown(&sentence, 500)) } }
                    @if let Some(sentence) = log(level) { p { "Server's log: " (shown(&sentence, 500)) } }
                    @for remark in remarks(level) { p.note { (shown(&remark, 500)) } }
                }
            }
        }
    }
}
