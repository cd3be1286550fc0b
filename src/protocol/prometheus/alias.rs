//! How a family of metrics calls our quantities: the words of its table.

use super::{Count, Span};

/// One engine's metrics.
#[derive(Debug)]
pub(super) struct Family {
    /// The family's name, which is the engine's.
    pub(super) id: &'static str,
    /// A name that begins with one of these shows the family.
    pub(super) prefixes: &'static [&'static str],
    pub(super) counts: &'static [(Count, &'static [Term])],
    pub(super) running: &'static [Term],
    pub(super) waiting: &'static [Term],
    /// In `0..=1` once scaled.
    pub(super) kv_usage: &'static [Term],
    pub(super) spans: &'static [(Span, Timing)],
}

/// A part of a sum: the first of its names that the page has, newest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) names: &'static [&'static str],
    /// Only series whose label has one of these values, or (the second) none of them.
    pub(super) only: Option<(&'static str, &'static [&'static str])>,
    pub(super) except: Option<(&'static str, &'static [&'static str])>,
    /// What a value is multiplied by to come to our unit.
    pub(super) scale: f64,
}

/// Where latencies are found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Timing {
    /// A histogram, or a summary's sum and count, under the first of these names that the page has. The factor makes seconds.
    Histogram { names: &'static [&'static str], scale: f64 },
    /// A counter of time and a counter of what it was spent on.
    Totals { time: Term, count: Term },
}

/// What a name counts, all its series added up.
pub(super) const fn term(names: &'static [&'static str]) -> Term {
    Term { names, only: None, except: None, scale: 1.0 }
}

/// A histogram in seconds.
pub(super) const fn seconds(names: &'static [&'static str]) -> Timing {
    Timing::Histogram { names, scale: 1.0 }
}

impl Term {
    pub(super) const fn only(self, label: &'static str, values: &'static [&'static str]) -> Self {
        Self { only: Some((label, values)), ..self }
    }

    pub(super) const fn except(self, label: &'static str, values: &'static [&'static str]) -> Self {
        Self { except: Some((label, values)), ..self }
    }

    pub(super) const fn times(self, scale: f64) -> Self {
        Self { scale, ..self }
    }
}
