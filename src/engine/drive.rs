//! One level, from warm-up to its last row.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::exchange::{Due, exchange};
use super::gauge::Gauge;
use super::lag::{LoopLag, probe, summarise};
use super::lines::Lines;
use super::port::{Call, Clock, Transport};
use super::stop::Stop;
use super::{closed, open};
use crate::base::Nanos;
use crate::config::Timeouts;
use crate::protocol::{CallOptions, Codec};
use crate::record::{Ask, FailureClass, Phase, Row};
use crate::workload::{Load, Schedule};

/// Everything one level needs to know; nothing in it changes while it runs.
pub struct Work {
    pub schedule: Schedule,
    pub load: Load,
    pub codec: &'static dyn Codec,
    pub options: CallOptions,
    pub timeouts: Timeouts,
    pub warmup: u64,
    /// How long requests in flight may go on after the level's duration is over.
    pub grace: Nanos,
    /// Keep generated text for the tokenizer where the server reports no usage.
    pub keep_text: bool,
    /// Begins every request id.
    pub tag: String,
}

/// What a level left behind besides its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    pub start: Nanos,
    pub end: Nanos,
    pub lag: LoopLag,
    /// Stopped from outside before its end.
    pub interrupted: bool,
}

/// What the drivers of both kinds of load share.
pub(super) struct Level<T: Transport, C: Clock> {
    pub(super) work: Work,
    pub(super) lines: Lines<T>,
    pub(super) clock: C,
    pub(super) rows: mpsc::Sender<Row>,
    pub(super) gauge: Gauge,
}

impl<T: Transport, C: Clock> Level<T, C> {
    /// The request's bytes, made before it is due.
    pub(super) fn prepare(&self, ask: Ask, phase: Phase, at: Option<Nanos>) -> Due {
        let codec = self.work.codec;
        let mark = if phase == Phase::Warmup { "w" } else { "" };
        let call = Call {
            path: codec.path(),
            body: Bytes::from(codec.body(&ask, &self.work.options)),
            id: format!("{}-{mark}{}", self.work.tag, ask.index),
            stream: self.work.options.stream,
        };
        Due { ask, call, phase, at }
    }

    /// Performs one request and hands its row on. Answers whether there was a server at all.
    pub(super) async fn perform(&self, due: Due, stop: &mut Stop) -> bool {
        self.gauge.sent();
        let row = exchange(due, &self.work, &self.lines, &self.clock, stop).await;
        self.gauge.ended(row.outcome.is_success(), u64::from(row.output_tokens().0));
        let reached = row.outcome.class() != Some(FailureClass::Connect);
        self.hand_on(row).await;
        reached
    }

    /// A closed channel means that nobody records any more: the run is ending, and the row has nowhere to go.
    pub(super) async fn hand_on(&self, row: Row) {
        drop(self.rows.send(row).await);
    }
}

/// Runs warm-up and then the measured window; rows go to `rows` as they end.
pub async fn drive<T: Transport, C: Clock>(
    work: Work,
    transport: Arc<T>,
    clock: C,
    rows: mpsc::Sender<Row>,
    gauge: Gauge,
    stop: Stop,
) -> Measured {
    let level = Arc::new(Level { work, lines: Lines::new(transport), clock, rows, gauge });
    level.gauge.reset();
    closed::warm_up(&level, &stop).await;
    connect(&level).await;
    level.gauge.reset();
    let mut late = Vec::new();
    let start = level.clock.now();
    let end = tokio::select! {
        end = measure(&level, start, &stop) => end,
        () = probe(&mut late) => level.clock.now(),
    };
    Measured { start, end, lag: summarise(late), interrupted: stop.is_draining() }
}

/// Opens the lines that the first moment needs, so that no handshake falls into the window.
async fn connect<T: Transport, C: Clock>(level: &Level<T, C>) {
    if let Load::Closed { concurrency } = level.work.load {
        level.lines.fill(concurrency as usize).await;
    }
}

async fn measure<T: Transport, C: Clock>(level: &Arc<Level<T, C>>, start: Nanos, stop: &Stop) -> Nanos {
    match level.work.load {
        Load::Closed { .. } => closed::run(level, start, stop).await,
        Load::Open { max_in_flight, .. } => open::run(level, start, max_in_flight, stop).await,
    }
}
