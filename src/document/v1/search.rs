//! The search for the highest load that holds, in a file: its answer, the curve it rests on, and every step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::six;
use crate::search::{ALPHA, Answer, Goal, Idle, Level, Outcome, Policy, Search, Standing, Window};
use crate::workload as measured;

/// A search and what it found. The SLOs are the plan's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchDocument {
    pub goal: GoalDocument,
    /// Share of offered requests that must be good.
    pub attainment: f64,
    /// With which a level is called held, or missed.
    pub confidence: f64,
    /// Relative width that was asked for between the load that holds and the next one.
    pub precision: f64,
    /// Load to start from, where one was given.
    pub start: Option<f64>,
    /// Whether the length of the windows was given.
    pub sized: bool,
    pub levels_max: u32,
    pub budget_s: f64,
    pub idle: Option<IdleDocument>,
    pub answer: AnswerDocument,
    /// From the lowest load to the highest. Their numbers are the result's levels of the same labels.
    pub levels: Vec<SearchLevelDocument>,
    /// Windows in the order in which they were measured.
    pub steps: Vec<StepDocument>,
    /// `precise`, `ceiling`, `floor`, `idle`, `levels`, `budget` or `interrupted`.
    pub stopped: String,
}

/// Which load was turned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GoalDocument {
    Rate,
    Concurrency,
}

/// What a single client met on the idle server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IdleDocument {
    pub good: u64,
    pub offered: u64,
    /// Median length of an answer.
    pub e2e_ms: Option<f64>,
}

/// The answer in two numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerDocument {
    pub outcome: OutcomeDocument,
    /// `max_goodput_rate` (requests per second) or `max_goodput_concurrency` (clients).
    pub metric: String,
    /// The highest load that holds.
    pub value: Option<f64>,
    /// The lowest measured load that was not shown to hold.
    pub above: Option<f64>,
}

/// How far the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeDocument {
    /// One load holds, a higher one was not shown to.
    Found,
    /// The highest load that was measured holds.
    AtLeast,
    NoneHolds,
    /// Nothing was shown either way.
    Open,
}

/// All windows of one load together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchLevelDocument {
    pub label: String,
    pub load: f64,
    pub windows: u32,
    /// Over the windows in which the client was not the limit.
    pub good: u64,
    pub offered: u64,
    /// Bounds of the true share of good requests.
    pub low: f64,
    pub high: f64,
    pub standing: StandingDocument,
}

/// How a level stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandingDocument {
    Held,
    Missed,
    Undecided,
    /// The client could not make this load.
    Invalid,
}

/// One window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepDocument {
    pub label: String,
    /// The round that holds this window's numbers.
    pub round: u32,
    pub good: u64,
    pub offered: u64,
    /// False where the client was the limit.
    pub trusted: bool,
}

impl SearchDocument {
    /// The highest level that holds, where one does.
    pub fn best(&self) -> Option<&SearchLevelDocument> {
        self.levels.iter().find(|level| self.answer.value == Some(level.load))
    }

    /// `levels` are the measured ones, which name the loads.
    pub(super) fn new(search: &Search, measured: &[measured::Level]) -> Self {
        let Search { policy, start, sized, idle, windows, stopped } = search;
        let Policy { goal, attainment, precision, levels_max, budget } = *policy;
        let label = |load: f64| {
            let is_it = |level: &&measured::Level| {
                level.load_number().is_some_and(|number| number.to_bits() == load.to_bits())
            };
            measured.iter().find(is_it).map_or_else(|| load.to_string(), measured::Level::label)
        };
        Self {
            goal: match goal {
                Goal::Rate => GoalDocument::Rate,
                Goal::Concurrency => GoalDocument::Concurrency,
            },
            attainment: six(attainment),
            confidence: six(1.0 - ALPHA),
            precision: six(precision),
            start: *start,
            sized: *sized,
            levels_max,
            budget_s: six(budget.secs()),
            idle: idle.as_ref().map(IdleDocument::from),
            answer: AnswerDocument::new(&search.answer(), goal),
            levels: search.levels().iter().map(|level| level_document(level, label(level.load))).collect(),
            steps: (0..windows.len()).map(|at| step(windows, at, label(windows[at].load))).collect(),
            stopped: stopped.id().to_owned(),
        }
    }
}

impl From<&Idle> for IdleDocument {
    fn from(idle: &Idle) -> Self {
        let Idle { good, offered, e2e_ms } = *idle;
        Self { good, offered, e2e_ms: e2e_ms.map(six) }
    }
}

impl AnswerDocument {
    fn new(answer: &Answer, goal: Goal) -> Self {
        let Answer { outcome, best, above } = answer;
        Self {
            outcome: match outcome {
                Outcome::Found => OutcomeDocument::Found,
                Outcome::AtLeast => OutcomeDocument::AtLeast,
                Outcome::NoneHolds => OutcomeDocument::NoneHolds,
                Outcome::Open => OutcomeDocument::Open,
            },
            metric: goal.metric().to_owned(),
            value: best.map(|level| level.load),
            above: above.map(|level| level.load),
        }
    }
}

fn level_document(level: &Level, label: String) -> SearchLevelDocument {
    let Level { load, windows, good, offered, low, high, standing } = *level;
    SearchLevelDocument {
        label,
        load,
        windows,
        good,
        offered,
        low: six(low),
        high: six(high),
        standing: match standing {
            Standing::Held => StandingDocument::Held,
            Standing::Missed => StandingDocument::Missed,
            Standing::Undecided => StandingDocument::Undecided,
            Standing::Invalid => StandingDocument::Invalid,
        },
    }
}

/// The windows of one load are numbered by the rounds they stand in.
fn step(windows: &[Window], at: usize, label: String) -> StepDocument {
    let Window { load, good, offered, trusted } = windows[at];
    let before = windows[..at].iter().filter(|window| window.load.to_bits() == load.to_bits()).count();
    StepDocument { label, round: before as u32 + 1, good, offered, trusted }
}
