//! What the windows of a level say together: held, missed, or not decided.

use std::collections::BTreeMap;

use super::policy::{Policy, TAIL, WINDOWS_MAX};
use crate::stats::clopper_pearson;

/// One measured window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Requests per second, or clients; one of `Goal::nearest`.
    pub load: f64,
    /// Requests that met every SLO.
    pub good: u64,
    /// All requests that were due, failed ones included.
    pub offered: u64,
    /// Whether the numbers are the server's and not a starved client's.
    pub trusted: bool,
}

/// How a level stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The share of good requests is at least the attainment, with confidence.
    Held,
    /// It is below it, with confidence.
    Missed,
    /// The requests so far allow both.
    Undecided,
    /// The client could not make this load.
    Invalid,
}

impl Standing {
    /// The word in documents.
    pub fn id(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
            Self::Invalid => "invalid",
        }
    }
}

/// All windows of one load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    pub load: f64,
    pub windows: u32,
    /// Over the windows that can be trusted.
    pub good: u64,
    pub offered: u64,
    /// Bounds of the true share, each missed with probability at most `ALPHA` over all looks (Clopper and Pearson 1934).
    pub low: f64,
    pub high: f64,
    pub standing: Standing,
}

impl Level {
    /// Whether one more window may still decide.
    pub(super) fn is_open(&self) -> bool {
        match self.standing {
            Standing::Undecided => self.windows < WINDOWS_MAX,
            // A client may have been disturbed once.
            Standing::Invalid => self.windows < 2,
            Standing::Held | Standing::Missed => false,
        }
    }
}

/// The levels, from the lowest load to the highest.
pub fn levels(windows: &[Window], policy: &Policy) -> Vec<Level> {
    let mut by_load: BTreeMap<u64, Vec<&Window>> = BTreeMap::new();
    for window in windows {
        // The bits of positive floats are ordered as the floats are.
        by_load.entry(window.load.to_bits()).or_default().push(window);
    }
    by_load.into_values().filter_map(|windows| one_level(&windows, policy)).collect()
}

/// Whether one window of this load holds by itself and another one misses by itself: more than chance was at work.
pub fn disagree(windows: &[Window], load: f64, policy: &Policy) -> bool {
    let alone = |standing: Standing| {
        let own = windows.iter().filter(|window| window.load.to_bits() == load.to_bits());
        own.filter_map(|window| one_level(&[window], policy)).any(|level| level.standing == standing)
    };
    alone(Standing::Held) && alone(Standing::Missed)
}

/// What windows of one load say; none without a window.
///
/// Requests of one window share a queue, so their count overstates what they know. That is why `next` asks for a second
/// window of fresh chance before it believes an end of the bracket.
pub(super) fn one_level(windows: &[&Window], policy: &Policy) -> Option<Level> {
    let load = windows.first()?.load;
    let trusted = || windows.iter().filter(|window| window.trusted);
    let good = trusted().map(|window| window.good).sum();
    let offered = trusted().map(|window| window.offered).sum();
    let (low, high) = clopper_pearson(good, offered, TAIL);
    let standing = if trusted().next().is_none() {
        Standing::Invalid
    } else if low >= policy.attainment {
        Standing::Held
    } else if high < policy.attainment {
        Standing::Missed
    } else {
        Standing::Undecided
    };
    Some(Level { load, windows: windows.len() as u32, good, offered, low, high, standing })
}
