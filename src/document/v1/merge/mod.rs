//! Shards as one result: as if one client had sent the whole schedule.
//!
//! Clocks are laid on one axis first; then counts are added, histograms merged and percentiles taken last.

mod check;
mod error;
mod findings;
mod level;
mod rows;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

pub use error::MergeError;
pub use rows::{Joiner, Place};

use super::run::overall;
use super::{LevelDocument, PlanDocument, RoundDocument, RunDocument, ShardDocument};
use crate::base::Nanos;

/// A result and where it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub path: PathBuf,
    pub document: RunDocument,
}

/// The shards of one run. Invariant: not empty, in order of their index, each once, all of one plan, all sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Shards {
    shards: Vec<Shard>,
    origin: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
struct Shard {
    path: PathBuf,
    document: RunDocument,
    which: ShardDocument,
    /// What its instants count since, counted since the merged result's zero.
    offset: Nanos,
}

impl Shards {
    /// Checks that these are the shards of one run. With `partial` some may be missing or interrupted.
    pub fn new(parts: Vec<Part>, partial: bool) -> Result<Self, MergeError> {
        let (shards, origin) = check::check(parts, partial)?;
        Ok(Self { shards, origin })
    }

    /// The files, in the order in which a `Joiner` numbers them.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.shards.iter().map(|shard| shard.path.as_path())
    }

    /// Every level of every round that any shard has, in the order of the plan.
    fn keys(&self) -> Vec<(u32, String)> {
        let mut keys: Vec<(u32, String)> = Vec::new();
        for round in self.shards.iter().flat_map(|shard| &shard.document.rounds) {
            for level in &round.levels {
                if !keys.iter().any(|(number, label)| (*number, label) == (round.round, &level.label)) {
                    keys.push((round.round, level.label.clone()));
                }
            }
        }
        // Stable: levels keep the order in which they were met.
        keys.sort_by_key(|(round, _)| *round);
        keys
    }

    /// One level of one round as its shards have it, each with its place among the shards.
    fn level(&self, round: u32, label: &str) -> Vec<(usize, LevelDocument)> {
        let of = |shard: &Shard| {
            let round = shard.document.rounds.iter().find(|other| other.round == round)?;
            let found = round.levels.iter().find(|level| level.label == label)?;
            Some(level::moved(found, shard.offset))
        };
        self.shards.iter().enumerate().filter_map(|(at, shard)| Some((at, of(shard)?))).collect()
    }

    /// How long the plan wants a level to be measured; none where requests end it.
    fn planned(&self, label: &str) -> Option<f64> {
        let levels = &self.shards[0].document.plan.workload.levels;
        levels.iter().find(|level| level.label == label)?.duration_s
    }

    /// Puts merged levels into a document. They are those of `keys`, in that order.
    fn document(&self, tool: &str, levels: Vec<(u32, LevelDocument)>) -> RunDocument {
        let first = &self.shards[0].document;
        let mut rounds: Vec<RoundDocument> = Vec::new();
        for (number, level) in levels {
            match rounds.last_mut().filter(|round| round.round == number) {
                Some(round) => round.levels.push(level),
                None => {
                    rounds.push(RoundDocument {
                        round: number,
                        seed: self.seed(number),
                        levels: vec![level],
                    });
                }
            }
        }
        let created = self.shards.iter().map(|shard| &shard.document.created).min();
        RunDocument {
            format: first.format.clone(),
            definitions: first.definitions.clone(),
            tool: tool.to_owned(),
            created: created.cloned().unwrap_or_default(),
            clock_origin: Some(self.origin.to_string()),
            partial: !check::missing(&self.shards).is_empty()
                || self.shards.iter().any(|shard| shard.document.partial),
            name: first.name.clone(),
            plan: PlanDocument { shard: None, ..first.plan.clone() },
            environment: first.environment.clone(),
            fingerprint: first.fingerprint.clone(),
            imported: None,
            levels: overall(&rounds),
            rounds,
            pairs: None,
            carried: 0,
            findings: Vec::new(),
            verdict: None,
            // Shards do not search.
            search: None,
        }
    }

    fn seed(&self, number: u32) -> u64 {
        let mut rounds = self.shards.iter().flat_map(|shard| &shard.document.rounds);
        rounds.find(|round| round.round == number).map_or(0, |round| round.seed)
    }
}
