//! What a use case tells whoever is looking on while it runs.

use crate::base::Nanos;
use crate::engine::Reading;

/// The level that is about to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelTitle {
    /// From 1.
    pub round: u32,
    pub rounds: u32,
    pub label: String,
    /// Requests planned, where a number was given.
    pub requests: Option<u64>,
    /// Planned length, where one was given.
    pub duration: Option<Nanos>,
}

/// Draws progress, or does not. Nothing here reaches the engine.
pub trait Watcher: Send {
    /// One line worth reading now.
    fn note(&mut self, text: &str);
    fn started(&mut self, title: &LevelTitle);
    /// A few times a second.
    fn tick(&mut self, reading: Reading, elapsed: Nanos);
    fn finished(&mut self, reading: Reading, elapsed: Nanos);
}

/// Nobody looks on.
pub struct Silent;

impl Watcher for Silent {
    fn note(&mut self, _text: &str) {}
    fn started(&mut self, _title: &LevelTitle) {}
    fn tick(&mut self, _reading: Reading, _elapsed: Nanos) {}
    fn finished(&mut self, _reading: Reading, _elapsed: Nanos) {}
}
