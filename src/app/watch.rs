//! What a use case tells whoever is looking on while it runs.

use crate::base::Nanos;
use crate::document::v1::RunDocument;
use crate::engine::Reading;
use crate::metrics::SoFar;
use crate::record::{Arm, Gpu};

/// The level that is about to start, and where it stands in the run.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelTitle {
    /// From 1.
    pub round: u32,
    pub rounds: u32,
    /// Which of two servers, where two alternate.
    pub arm: Option<Arm>,
    pub label: String,
    /// Labels of every level of the round, in order.
    pub labels: Vec<String>,
    /// Whether requests are due by the clock.
    pub open_loop: bool,
    /// Requests planned, where a number was given.
    pub requests: Option<u64>,
    /// Planned length, where one was given.
    pub duration: Option<Nanos>,
    /// The model that is asked.
    pub model: String,
    /// The machine that it runs on, as far as it is known.
    pub hardware: String,
    /// GPUs that are visible here and serve it.
    pub gpus: Vec<Gpu>,
}

/// A level under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    pub reading: Reading,
    /// What the answers say so far.
    pub so_far: SoFar,
    /// Requests that were to be sent by now; open loop only.
    pub due: Option<u64>,
    /// Since the window began; none while it warms up.
    pub elapsed: Option<Nanos>,
}

/// Draws progress, or does not. Nothing here reaches the engine.
pub trait Watcher: Send {
    /// One line worth reading now.
    fn note(&mut self, text: &str);
    fn started(&mut self, title: &LevelTitle);
    /// A few times a second.
    fn tick(&mut self, live: &Live);
    fn finished(&mut self, live: &Live);
    /// All that was measured, before any of it is written: a full disk need not lose it.
    fn measured(&mut self, _document: &RunDocument) {}
}

/// Nobody looks on.
pub struct Silent;

impl Watcher for Silent {
    fn note(&mut self, _text: &str) {}
    fn started(&mut self, _title: &LevelTitle) {}
    fn tick(&mut self, _live: &Live) {}
    fn finished(&mut self, _live: &Live) {}
}
