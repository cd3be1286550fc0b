//! A result as one page that needs nothing else: no script, no font, no picture, no network.

mod chart;
mod course;
mod curves;
mod figures;
mod gpus;
pub mod history;
mod pairs;
mod setup;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::found::{Found, grouped, origin};
use super::number::plural;
use super::text::{clip, plain};
use crate::document::v1::{DecisionDocument, LevelDocument, RunDocument};
use crate::report::search;

/// Nothing is loaded, run, framed or sent, even if a text should ever slip through unescaped.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");

/// The text of the file. `reproduce` is a command that repeats the measurement.
pub fn render(run: &RunDocument, reproduce: Option<&str>) -> String {
    let title = title(run);
    let body = html! {
        header { (head(run, &title)) }
        main {
            @if let Some(verdict) = &run.verdict { (verdict::section(run, verdict)) }
            @if let Some(search) = &run.search { p { strong { (shown(&search::sentence(run, search), 1_000)) } } }
            (figures::section(run))
            (findings(run))
            (table::section(run))
            (curves::against_throughput(run))
            (curves::distributions(run))
            (course::section(run))
            (gpus::section(run))
            (setup::section(run, reproduce))
        }
        footer { p { "llm-loadtest " (shown(&run.tool, 40)) " · definitions " (shown(&run.definitions, 40)) } }
    };
    page(&shown(&title, 200), &body)
}

/// The frame of every page: nothing in it loads, runs or sends anything.
fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
    .into_string()
}

/// Foreign text, on one line, without what reorders or hides it, and not endless.
fn shown(text: &str, most: usize) -> String {
    plain(&clip(text, most))
}

fn title(run: &RunDocument) -> String {
    match &run.verdict {
        Some(verdict) => verdict.headline.clone(),
        None => format!("{} on {}", run.fingerprint.model, run.fingerprint.hardware),
    }
}

fn head(run: &RunDocument, title: &str) -> Markup {
    let kind = match (&run.imported, &run.verdict) {
        (Some(_), _) => "imported result",
        (None, Some(_)) => "serving gate",
        (None, None) => "serving run",
    };
    let offered: u64 = run.levels.iter().map(|level| level.offered).sum();
    let failed: u64 = run.levels.iter().map(LevelDocument::failed).sum();
    html! {
        p.kicker { (kind) " · " (shown(&run.name, 80)) }
        h1 {
            @if let Some(verdict) = &run.verdict {
                span class={ "badge " (badge(verdict.decision)) } { (super::cell::decision_word(verdict.decision)) }
            }
            (shown(title, 300))
        }
        p.sub {
            @if run.verdict.is_some() {
                (shown(&run.fingerprint.model, 120)) " on " (shown(&run.fingerprint.hardware, 80)) " · "
            }
            @match &run.imported {
                Some(imported) => { (shown(&origin(imported), 300)) },
                None => { (shown(&run.environment.server.clone().unwrap_or_else(|| run.plan.target.url.clone()), 200)) },
            }
            " · " (plural(offered, "request")) " at " (plural(run.levels.len() as u64, "level"))
            " in " (plural(run.rounds.len() as u64, "round")) ", " (plural(failed, "failure"))
            @if let Some(server) = &run.plan.baseline_server {
                " · in pairs with " (shown(&server.urls.join(", "), 200))
            }
            " · " time datetime=(shown(&run.created, 40)) { (shown(&run.created, 40)) }
        }
        @if run.partial {
            p.note { "Partial: the run was interrupted or a shard is missing; these are the numbers that were measured." }
        }
    }
}

fn badge(decision: DecisionDocument) -> &'static str {
    match decision {
        DecisionDocument::Pass => "good",
        DecisionDocument::Fail => "bad",
        DecisionDocument::Inconclusive | DecisionDocument::Invalid => "open",
    }
}

fn findings(run: &RunDocument) -> Markup {
    let found = grouped(&run.findings);
    html! {
        @if !found.is_empty() {
            section aria-labelledby="findings" {
                h2 #findings { "Findings" }
                ul.findings {
                    @for Found { first, place } in &found {
                        li class=(severity(&first.severity)) {
                            b { (shown(&first.severity, 20)) } " "
                            @if !place.is_empty() { span.place { (shown(place, 200)) } " " }
                            (shown(&first.message, 1_000))
                            @if let Some(hint) = &first.hint { p.hint { (shown(hint, 1_000)) } }
                        }
                    }
                }
            }
        }
    }
}

/// A class of ours for a word from a file.
fn severity(word: &str) -> &'static str {
    match word {
        "info" => "info",
        "warning" => "warning",
        _ => "invalid",
    }
}
