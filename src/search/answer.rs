//! What a search found.

use super::evidence::{Level, Standing};
use super::next::ends;

/// How far the answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// `best` holds, and `above` was not shown to.
    Found,
    /// `best` holds, and nothing above it was measured.
    AtLeast,
    /// Nothing holds.
    NoneHolds,
    /// Nothing was shown either way.
    Open,
}

impl Outcome {
    /// The word in documents.
    pub fn id(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::AtLeast => "at_least",
            Self::NoneHolds => "none_holds",
            Self::Open => "open",
        }
    }
}

/// The answer with the levels that it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    pub outcome: Outcome,
    /// The highest level below which all that was measured holds.
    pub best: Option<Level>,
    /// The lowest level that was not shown to hold.
    pub above: Option<Level>,
}

/// Reads the answer off the levels, from the lowest load to the highest. `idle` is what a single client met.
pub fn answer(levels: &[Level], idle: Option<&Level>) -> Answer {
    let (best, above) = ends(levels);
    let missed = |level: &Level| level.standing == Standing::Missed;
    let outcome = match (best, above) {
        (Some(_), Some(_)) => Outcome::Found,
        (Some(_), None) => Outcome::AtLeast,
        (None, above) if above.is_some_and(missed) || idle.is_some_and(missed) => Outcome::NoneHolds,
        (None, _) => Outcome::Open,
    };
    Answer { outcome, best: best.copied(), above: above.copied() }
}
