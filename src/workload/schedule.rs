//! A level as pure data: what request `i` asks, and when it is due.

use std::sync::Arc;

use super::replay::{Replayed, replayed};
use super::{
    ArrivalsError, Dataset, JsonlPrompts, Lengths, Level, Limit, Load, Pace, ReplayError, Shard, ShardError,
    SyntheticPrompts, TokenCounter, TokenizerError, Trace, Workload, due,
};
use crate::base::{Nanos, Seed};
use crate::record::Ask;

/// Every request of one level, each a pure function of its index. Equal seeds give equal schedules, byte for byte.
#[derive(Debug, Clone)]
pub struct Schedule {
    workload: Workload,
    level: Level,
    shard: Shard,
    seed: Seed,
    measured: Source,
    warmup: Source,
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
    Tokenizer(#[from] TokenizerError),
    #[error(transparent)]
    Arrivals(#[from] ArrivalsError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Shard(#[from] ShardError),
    #[error("the workload takes its prompts from {path}, which was not read")]
    NoPrompts { path: String },
}

/// Where the texts come from.
#[derive(Debug, Clone)]
enum Source {
    Synthetic(SyntheticPrompts),
    /// Request `i` takes the prompt that stands at `i` in the order, and starts over at its end.
    Jsonl {
        prompts: JsonlPrompts,
        order: Arc<[usize]>,
    },
    Trace {
        rows: Arc<Replayed>,
        warmup: bool,
    },
}

impl Schedule {
    /// Draws the schedule. The level's label is part of every draw, so that no level replays another's prompts; give
    /// each round a seed of its own (`seed.at(round)`) for the same reason. `prompts` is for `Dataset::Jsonl` alone.
    pub fn build(
        workload: &Workload,
        level: &Level,
        counter: &TokenCounter,
        prompts: Option<&JsonlPrompts>,
        seed: Seed,
    ) -> Result<Self, ScheduleError> {
        let seed = seed.child(&level.label());
        let (measured, warmup) = match (&workload.dataset, prompts) {
            (Dataset::Synthetic, _) => synthetic(counter, seed)?,
            (Dataset::Jsonl(_), Some(prompts)) => shuffled(prompts, seed),
            (Dataset::Jsonl(path), None) => {
                return Err(ScheduleError::NoPrompts { path: path.display().to_string() });
            }
            (Dataset::Trace(file), _) => {
                return Err(ScheduleError::NoPrompts { path: file.path.display().to_string() });
            }
        };
        let due = match &level.load {
            Load::Closed { .. } | Load::Replay { .. } => None,
            Load::Open { rate, arrivals, .. } => {
                Some(due(rate, *arrivals, seed.child("arrivals"), level.limit)?)
            }
        };
        Ok(Self {
            workload: workload.clone(),
            level: level.clone(),
            shard: Shard::WHOLE,
            seed,
            measured,
            warmup,
            due: due.map(Into::into),
        })
    }

    /// The schedule of a recorded trace: with a load that replays, at its times; with another one, its requests in order.
    pub fn replay(
        workload: &Workload,
        level: &Level,
        counter: &TokenCounter,
        trace: &Trace,
        seed: Seed,
    ) -> Result<Self, ScheduleError> {
        let seed = seed.child(&level.label());
        let (rows, due) = replayed(level, trace, counter, seed)?;
        let rows = Arc::new(rows);
        Ok(Self {
            workload: workload.clone(),
            level: level.clone(),
            shard: Shard::WHOLE,
            seed,
            measured: Source::Trace { rows: Arc::clone(&rows), warmup: false },
            warmup: Source::Trace { rows, warmup: true },
            due: due.map(Into::into),
        })
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
        Visit { index, due, turns: vec![Turn { ask: self.ask(index), think: Nanos::ZERO }] }
    }

    /// This shard's visits in order; without end where only time limits a closed loop.
    pub fn visits(&self) -> impl Iterator<Item = Visit> + Send + use<> {
        let count = match (&self.due, self.level.limit) {
            (Some(due), _) => due.len() as u64,
            (None, Limit::Requests(count) | Limit::Either { requests: count, .. }) => count,
            (None, Limit::Duration(_) | Limit::Load) => u64::MAX,
        };
        let schedule = self.clone();
        (u64::from(self.shard.index())..count)
            .step_by(self.shard.count() as usize)
            .map(move |index| schedule.visit(index))
    }

    /// Measured request `index`; any index, in any order.
    pub fn ask(&self, index: u64) -> Ask {
        self.word(&self.measured, self.seed.child("lengths"), index)
    }

    /// Warm-up request `index`, from a branch of chance of its own.
    pub fn warmup_ask(&self, index: u64) -> Ask {
        self.word(&self.warmup, self.seed.child("warm-up lengths"), index)
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

    fn word(&self, source: &Source, lengths: Seed, index: u64) -> Ask {
        let mut chance = lengths.at(index).chance();
        // Both lengths are drawn for every request, so that a dataset row with its own length shifts no other draw.
        let (input, output) = (chance.bits(), chance.bits());
        let drawn = self.workload.output.map(|lengths| draw(lengths, output));
        match source {
            Source::Synthetic(prompts) => {
                let tokens = draw(self.workload.input, input).max(1);
                let text = prompts.prompt(index, tokens);
                Ask { prompt_tokens: Some(tokens), output_tokens: drawn, ..Ask::plain(index, text) }
            }
            Source::Jsonl { prompts, order } => {
                let entry = &prompts.prompts()[order[(index % order.len() as u64) as usize]];
                Ask {
                    prompt_tokens: entry.tokens,
                    output_tokens: entry.output_tokens.or(drawn),
                    ..Ask::plain(index, entry.text.clone())
                }
            }
            Source::Trace { rows, warmup } => {
                let ask = if *warmup { rows.warmup_ask(index) } else { rows.ask(index) };
                Ask { output_tokens: ask.output_tokens.or(drawn), ..ask }
            }
        }
    }
}

fn synthetic(counter: &TokenCounter, seed: Seed) -> Result<(Source, Source), TokenizerError> {
    let prompts = SyntheticPrompts::new(counter, seed.child("prompts"))?;
    let warmup = prompts.branch(seed.child("warm-up prompts"));
    Ok((Source::Synthetic(prompts), Source::Synthetic(warmup)))
}

/// Warm-up takes from the far end of the same order, so that it meets measured prompts as late as can be.
fn shuffled(prompts: &JsonlPrompts, seed: Seed) -> (Source, Source) {
    let mut order: Vec<usize> = (0..prompts.prompts().len()).collect();
    seed.child("order").chance().shuffle(&mut order);
    let back = order.iter().rev().copied().collect();
    let source = |order: Vec<usize>| Source::Jsonl { prompts: prompts.clone(), order: order.into() };
    (source(order), source(back))
}

/// A length from 64 uniform bits (multiply and shift; both ends included).
fn draw(lengths: Lengths, bits: u64) -> u32 {
    match lengths {
        Lengths::Fixed(tokens) => tokens,
        Lengths::Uniform { low, high } => {
            let span = u64::from(high.saturating_sub(low)) + 1;
            low + ((u128::from(bits) * u128::from(span)) >> 64) as u32
        }
    }
}
