//! What a workload is made of: lengths, prompts, levels and their pace.

use std::path::PathBuf;

use crate::base::{Nanos, Rate};

/// What the requests carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    pub input: Lengths,
    /// None leaves the length to the server.
    pub output: Option<Lengths>,
    pub dataset: Dataset,
    /// Ask engines that know `ignore_eos` to produce exactly the asked length.
    pub ignore_eos: bool,
}

/// A distribution of token counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lengths {
    Fixed(u32),
    /// Both ends included.
    Uniform {
        low: u32,
        high: u32,
    },
}

/// Where prompts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dataset {
    /// Seeded words, exact in length, unique from their first token on.
    Synthetic,
    /// A JSONL file of `{"prompt": …, "output_tokens": …}` rows, shuffled by the seed.
    Jsonl(PathBuf),
}

/// One load of a sweep and when it ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    pub load: Load,
    pub limit: Limit,
}

impl Level {
    /// `c=32`, `rate=8` : the level's name in tables, keys and documents.
    pub fn label(&self) -> String {
        match self.load {
            Load::Closed { concurrency } => format!("c={concurrency}"),
            Load::Open { rate, .. } => format!("rate={}", rate.per_second()),
        }
    }
}

/// How requests are paced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// A fixed number of clients, each sending its next request when the last one ended.
    Closed { concurrency: u32 },
    /// Arrivals by the clock; beyond `max_in_flight` they queue and their wait is counted.
    Open { rate: Rate, arrivals: Arrivals, max_in_flight: Option<u32> },
}

/// The law of the gaps between arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    Constant,
    Poisson,
}

/// When a level ends; with both, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    Requests(u64),
    Duration(Nanos),
    Either { requests: u64, duration: Nanos },
}
