//! A whole search as data: what it was asked, what it measured, why it ended.

use super::evidence::{Level, Window, levels, one_level};
use super::{Answer, Policy, Stopped, answer};

/// What a single client met on the idle server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Idle {
    pub good: u64,
    pub offered: u64,
    /// Median length of an answer; none where there was no answer.
    pub e2e_ms: Option<f64>,
}

/// Everything that an answer rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    pub policy: Policy,
    /// Where the user said to start.
    pub start: Option<f64>,
    /// Whether the user gave the length of the windows.
    pub sized: bool,
    pub idle: Option<Idle>,
    /// In the order in which they were measured.
    pub windows: Vec<Window>,
    pub stopped: Stopped,
}

impl Idle {
    /// What it says about the lightest load there is.
    pub fn level(&self, policy: &Policy) -> Option<Level> {
        one_level(&[&Window { load: 0.0, good: self.good, offered: self.offered, trusted: true }], policy)
    }
}

impl Search {
    pub fn levels(&self) -> Vec<Level> {
        levels(&self.windows, &self.policy)
    }

    pub fn answer(&self) -> Answer {
        let idle = self.idle.and_then(|idle| idle.level(&self.policy));
        answer(&self.levels(), idle.as_ref())
    }
}
