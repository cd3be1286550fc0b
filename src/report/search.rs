//! The answer of a search in a sentence, and the curve that it rests on, for every kind of table.

use super::cell::title_of;
use super::number::{count, percent, quantity, tidy};
use crate::base::Nanos;
use crate::document::v1::{
    GoalDocument, LevelDocument, OutcomeDocument, RunDocument, SearchDocument, SearchLevelDocument,
    StandingDocument,
};
use crate::record::{Metric, Unit};

/// What was found: `12.4 req/s is the highest rate that holds …; 13.1 req/s does not.`
pub(super) fn sentence(run: &RunDocument, search: &SearchDocument) -> String {
    let goal = match search.goal {
        GoalDocument::Rate => "rate",
        GoalDocument::Concurrency => "concurrency",
    };
    let slos: Vec<String> = run
        .plan
        .workload
        .slos
        .iter()
        .map(|slo| format!("{} ≤ {} ms", title_of(&slo.metric), tidy(slo.limit_ms)))
        .collect();
    let slos = format!("{} for {}% of requests", slos.join(" and "), tidy(search.attainment * 100.0));
    let load = |value: Option<f64>| value.map_or_else(|| "?".to_owned(), |value| amount(search.goal, value));
    let (value, above) = (load(search.answer.value), load(search.answer.above));
    let found = match search.answer.outcome {
        OutcomeDocument::Found => {
            let beyond = match beyond(search) {
                Some(StandingDocument::Undecided) => format!("at {above} it could not be told"),
                Some(StandingDocument::Invalid) => format!("{above} is more than this client can make"),
                Some(StandingDocument::Held | StandingDocument::Missed) | None => format!("{above} does not"),
            };
            format!("{value} is the highest {goal} that holds {slos}; {beyond}.")
        }
        OutcomeDocument::AtLeast => format!("{value} holds {slos}, and nothing above it was measured."),
        OutcomeDocument::NoneHolds => match &search.idle {
            Some(idle) if search.stopped == "idle" => format!(
                "No {goal} holds {slos}: of {} requests of a single client on the idle server {} were good.",
                idle.offered, idle.good
            ),
            _ => format!("No {goal} that was measured holds {slos}; the lowest was {above}."),
        },
        OutcomeDocument::Open => format!("No {goal} was shown to hold {slos}, and none to miss it."),
    };
    format!("{found}{}", early(search))
}

/// The standing of the lowest level that was not shown to hold.
fn beyond(search: &SearchDocument) -> Option<StandingDocument> {
    let above = search.answer.above?;
    search.levels.iter().find(|level| level.load.to_bits() == above.to_bits()).map(|level| level.standing)
}

/// Why the answer is wider than was asked for.
fn early(search: &SearchDocument) -> String {
    match search.stopped.as_str() {
        "budget" => {
            format!(" The search's budget of {} ended it early.", Nanos::from_secs(search.budget_s))
        }
        "levels" => format!(" Its limit of {} levels ended the search early.", search.levels_max),
        "interrupted" => " The search was interrupted.".to_owned(),
        "ceiling" => " More cannot be asked for here.".to_owned(),
        _ => String::new(),
    }
}

fn amount(goal: GoalDocument, load: f64) -> String {
    match goal {
        GoalDocument::Rate => format!("{load} req/s"),
        GoalDocument::Concurrency if load < 1.5 => "1 client".to_owned(),
        GoalDocument::Concurrency => format!("{load} clients"),
    }
}

/// Words above the columns of `rows`.
pub(super) const HEADER: [&str; 10] =
    ["level", "achieved", "good", "between", "requests", "TTFT p50", "p99", "TPOT p50", "p99", "holds"];

/// The curve: one row per level, from the lowest load to the highest.
pub(super) fn rows(run: &RunDocument, search: &SearchDocument) -> Vec<[String; 10]> {
    search
        .levels
        .iter()
        .map(|found| row(found, run.levels.iter().find(|level| level.label == found.label)))
        .collect()
}

fn row(found: &SearchLevelDocument, level: Option<&LevelDocument>) -> [String; 10] {
    let dash = || "-".to_owned();
    let achieved = level.and_then(|level| level.values.get(Metric::RequestThroughput.id()));
    let times = |metrics: &[Metric]| {
        let known = |metric: &Metric| Some((*metric, level?.metrics.get(metric.id())?));
        match metrics.iter().find_map(known) {
            None => [dash(), dash()],
            Some((metric, found)) => [("p50", found.p50), ("p99", found.p99)].map(|(name, value)| {
                let thin = if found.thin.iter().any(|thin| thin == name) { "~" } else { "" };
                value.map_or_else(dash, |value| format!("{thin}{}", quantity(value, metric.unit())))
            }),
        }
    };
    let [ttft_p50, ttft_p99] = times(&[Metric::TtftFromDue, Metric::Ttft]);
    let [tpot_p50, tpot_p99] = times(&[Metric::Tpot]);
    let (good, between) = match found.offered {
        0 => (dash(), dash()),
        offered => (
            percent(found.good as f64 / offered as f64),
            format!("{} and {}", percent(found.low), percent(found.high)),
        ),
    };
    let holds = match found.standing {
        StandingDocument::Held => "yes",
        StandingDocument::Missed => "no",
        StandingDocument::Undecided => "not decided",
        StandingDocument::Invalid => "client too slow",
    };
    [
        found.label.clone(),
        achieved.map_or_else(dash, |rate| quantity(*rate, Unit::RequestsPerSecond)),
        good,
        between,
        count(found.offered),
        ttft_p50,
        ttft_p99,
        tpot_p50,
        tpot_p99,
        holds.to_owned(),
    ]
}
