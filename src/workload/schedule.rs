//! A level as pure data: what request `i` asks, and when it is due.

use std::sync::Arc;

use super::draw::Stream;
use super::replay::replayed;
use super::{ArrivalsError, Level, Limit, Load, Pace, ReplayError, Shard, ShardError, Source, due};
use crate::base::{Nanos, Seed};
use crate::record::Ask;

/// Every request of one level, each a pure function of its index. Equal seeds give equal schedules, byte for byte.
#[derive(Debug, Clone)]
pub struct Schedule {
    level: Level,
    shard: Shard,
    stream: Stream,
    /// Of the whole level, whichever shard this is.
    due: Option<Arc<[Nanos]>>,
}

/// One user's visit: a single request, or the turns of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Visit {
    /// Position among the level's visits, from 0.
    pub index: u64,
    /// When its first turn is due since the level's start; open loop only.
    pub due: Option<Nanos>,
    /// At least one.
    pub turns: Vec<Turn>,
}

/// One request of a visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub ask: Ask,
    /// Pause between the end of the last turn and this one; zero for the first.
    pub think: Nanos,
}

/// A schedule that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Arrivals(#[from] ArrivalsError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Shard(#[from] ShardError),
}

impl Schedule {
    /// Draws the schedule. The level's label is part of every draw, so that no level replays another's prompts; give
    /// each round a seed of its own (`seed.at(round)`) for the same reason. A recorded trace is sent at its own times by
    /// a load that replays, and in its order by another one.
    pub fn build(source: &Source, level: &Level, seed: Seed) -> Result<Self, ScheduleError> {
        let seed = seed.child(&level.label());
        let trace = source.trace().map(|(trace, words)| replayed(level, trace, words, seed)).transpose()?;
        let (rows, recorded) = trace.unzip();
        let due = match &level.load {
            Load::Closed { .. } => None,
            Load::Replay { .. } => recorded.flatten(),
            Load::Open { rate, arrivals, .. } => {
                Some(due(rate, *arrivals, seed.child("arrivals"), level.limit)?)
            }
        };
        let due: Option<Arc<[Nanos]>> = due.map(Into::into);
        let stream = Stream::new(source, seed, count(level, due.as_deref()), rows);
        Ok(Self { level: level.clone(), shard: Shard::WHOLE, stream, due })
    }

    /// This shard's part: the visits whose index is its own modulo the number of shards, as they are in the whole, and
    /// the clients and places in flight likewise.
    pub fn of_shard(self, shard: Shard) -> Result<Self, ScheduleError> {
        self.level.check_shards(shard.count())?;
        if let Some(due) = self.due.as_ref().filter(|due| due.len() < shard.count() as usize) {
            let (level, parts) = (self.level.label(), due.len() as u64);
            return Err(ShardError { level, parts, what: "requests", shards: shard.count() }.into());
        }
        Ok(Self { shard, ..self })
    }

    /// Who sends: clients, or the clock.
    pub fn pace(&self) -> Pace {
        self.level.pace(self.shard)
    }

    /// Planned length since the level's start; none where it ends with its last request.
    pub fn deadline(&self) -> Option<Nanos> {
        self.level.deadline()
    }

    /// Visit `index` of the whole level; any index, in any order.
    pub fn visit(&self, index: u64) -> Visit {
        let due = self.due.as_ref().and_then(|due| due.get(index as usize).copied());
        Visit { index, due, turns: self.stream.turns(index) }
    }

    /// This shard's visits in order; without end where only time limits a closed loop.
    pub fn visits(&self) -> impl Iterator<Item = Visit> + Send + use<> {
        let count = count(&self.level, self.due.as_deref()).unwrap_or(u64::MAX);
        let schedule = self.clone();
        (u64::from(self.shard.index())..count)
            .step_by(self.shard.count() as usize)
            .map(move |index| schedule.visit(index))
    }

    /// The first request of visit `index`; any index, in any order.
    pub fn ask(&self, index: u64) -> Ask {
        self.stream.first(index)
    }

    /// Warm-up request `index`, from a branch of chance of its own; the first `warm_set` ones send what a warm cache holds.
    pub fn warmup_ask(&self, index: u64) -> Ask {
        self.stream.warm_up(index)
    }

    /// Warm-up requests without which a workload that is called warm would not be; 0 for the others.
    pub fn warm_set(&self) -> u64 {
        self.stream.warm_set()
    }

    /// Instants since the level's start at which this shard's visits are due, in order; open loop only.
    pub fn due(&self) -> Option<Arc<[Nanos]>> {
        let all = self.due.as_ref()?;
        let own = all.iter().skip(self.shard.index() as usize).step_by(self.shard.count() as usize);
        Some(if self.shard.is_whole() { Arc::clone(all) } else { own.copied().collect() })
    }

    /// FNV-1a over the first hundred requests, as 16 hex digits: equal exactly where the workload is.
    pub fn fingerprint(&self) -> String {
        let hash = (0..100)
            .map(|index| self.ask(index))
            .flat_map(|ask| {
                format!("{}\0{:?}\0{:?}\0", ask.prompt.text(), ask.prompt_tokens, ask.output_tokens)
                    .into_bytes()
            })
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        format!("{hash:016x}")
    }
}

/// How many visits a level has; none where only time ends a closed loop.
fn count(level: &Level, due: Option<&[Nanos]>) -> Option<u64> {
    match (due, level.limit) {
        (Some(due), _) => Some(due.len() as u64),
        (None, Limit::Requests(count) | Limit::Either { requests: count, .. }) => Some(count),
        (None, Limit::Duration(_) | Limit::Load) => None,
    }
}
