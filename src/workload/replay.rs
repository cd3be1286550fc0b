//! A trace as requests: its window in time, and words of the recorded lengths that share what the recorded ones shared.

use super::arrivals::DUE_MAX;
use super::trace::{TraceRow, Words};
use super::{ArrivalsError, Level, Limit, Load, Replay, SyntheticPrompts, Trace};
use crate::base::{Nanos, Seed};
use crate::record::Ask;

/// The prompts of a stretch of a trace.
#[derive(Debug, Clone)]
pub(super) struct Replayed {
    trace: Trace,
    /// The stretch's first row.
    first: usize,
    /// Rows in the stretch; at least one.
    count: usize,
    own: SyntheticPrompts,
    blocks: SyntheticPrompts,
    sessions: SyntheticPrompts,
    warmup: SyntheticPrompts,
}

/// The rows of a level, and when they are due where the level replays their times.
pub(super) fn replayed(
    level: &Level,
    trace: &Trace,
    words: &SyntheticPrompts,
    seed: Seed,
) -> Result<(Replayed, Option<Vec<Nanos>>), ReplayError> {
    let rows = trace.rows();
    let (first, beyond, scale) = match level.load {
        Load::Replay { window: Replay { scale, from, until }, .. } => {
            let first = rows.partition_point(|row| row.at < from);
            let beyond = until.map_or(rows.len(), |until| rows.partition_point(|row| row.at < until));
            (first, beyond, Some(scale))
        }
        Load::Closed { .. } | Load::Open { .. } => (0, rows.len(), None),
    };
    let Some(stretch) = rows.get(first..beyond).filter(|stretch| !stretch.is_empty()) else {
        let end = rows.last().map_or(Nanos::ZERO, |row| row.at);
        return Err(ReplayError::Nothing { end });
    };
    let due = scale.map(|scale| due(stretch, scale, level.limit)).transpose()?;
    let replayed = Replayed {
        trace: trace.clone(),
        first,
        count: stretch.len(),
        blocks: words.branch(seed.child("blocks")),
        sessions: words.branch(seed.child("sessions")),
        warmup: words.branch(seed.child("warm-up prompts")),
        own: words.branch(seed.child("prompts")),
    };
    Ok((replayed, due))
}

/// A stretch of a trace that cannot be replayed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReplayError {
    #[error(
        "no request of the trace lies between --trace-from and --trace-until; its last one comes after {end}"
    )]
    Nothing { end: Nanos },
    #[error(transparent)]
    Arrivals(#[from] ArrivalsError),
}

/// Each row as far after the stretch's first one as it was recorded, times `scale`.
fn due(stretch: &[TraceRow], scale: f64, limit: Limit) -> Result<Vec<Nanos>, ArrivalsError> {
    let (requests, duration) = match limit {
        Limit::Requests(requests) => (requests, None),
        Limit::Duration(duration) => (u64::MAX, Some(duration)),
        Limit::Either { requests, duration } => (requests, Some(duration)),
        Limit::Load => (u64::MAX, None),
    };
    let start = stretch.first().map_or(Nanos::ZERO, |row| row.at);
    let due: Vec<Nanos> = stretch
        .iter()
        .take(usize::try_from(requests).unwrap_or(usize::MAX))
        .map(|row| Nanos(((row.at - start).0 as f64 * scale).round() as u64))
        .take_while(|at| duration.is_none_or(|end| *at < end))
        .collect();
    if due.len() as u64 > DUE_MAX {
        return Err(ArrivalsError::TooMany { count: due.len() as f64 });
    }
    Ok(due)
}

impl Replayed {
    /// Rows in the stretch.
    pub(super) fn count(&self) -> u64 {
        self.count as u64
    }

    /// Request `index`; beyond the stretch it starts over.
    pub(super) fn ask(&self, index: u64) -> Ask {
        let row = self.row(index % self.count());
        let text = match (&row.words, row.input.unwrap_or(1)) {
            (Words::Own, tokens) => self.own.prompt(index, tokens),
            (Words::Session(id), tokens) => self.sessions.prompt(*id, tokens),
            (Words::Blocks(ids), tokens) => self.in_blocks(ids, index, tokens),
            (Words::Text(text), _) => text.to_string(),
        };
        Self::asked(row, index, text)
    }

    /// Rows from the stretch's far end, with words of their own.
    pub(super) fn warmup_ask(&self, index: u64) -> Ask {
        let row = self.row(self.count() - 1 - index % self.count());
        let text = match (&row.words, row.input.unwrap_or(1)) {
            (Words::Text(text), _) => text.to_string(),
            (_, tokens) => self.warmup.prompt(index, tokens),
        };
        Self::asked(row, index, text)
    }

    fn asked(row: &TraceRow, index: u64, text: String) -> Ask {
        Ask { prompt_tokens: row.input, output_tokens: row.output, ..Ask::plain(index, text) }
    }

    fn row(&self, index: u64) -> &TraceRow {
        &self.trace.rows()[self.first + index as usize]
    }

    /// Words block by block: the same id gives the same ones. What the blocks do not cover is this request's own.
    fn in_blocks(&self, ids: &[u64], index: u64, tokens: u32) -> String {
        let mut text = String::new();
        let mut left = tokens;
        for id in ids {
            let part = left.min(self.trace.block());
            match (part, text.is_empty()) {
                (0, _) => break,
                (_, true) => text = self.blocks.prompt(*id, part),
                (_, false) => self.blocks.continue_with(&mut text, *id, part),
            }
            left -= part;
        }
        match (left, text.is_empty()) {
            (0, _) => {}
            (_, true) => text = self.own.prompt(index, left),
            (_, false) => self.own.continue_with(&mut text, index, left),
        }
        text
    }
}
