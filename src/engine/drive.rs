//! One level, from warm-up to its last row.

use std::sync::Arc;

use super::gauge::Gauge;
use super::lag::LoopLag;
use super::lines::Lines;
use super::pass::{Pass, Plan};
use super::port::{Net, Visits};
use super::stop::Stop;
use crate::base::Nanos;
use crate::config::Timeouts;
use crate::protocol::{CallOptions, Codec};
use crate::record::{Phase, Row};
use crate::workload::{Pace, Starts};

/// Everything one level needs to know; nothing in it changes while it runs.
pub struct Work {
    pub pace: Pace,
    /// The level's planned length, where time limits it.
    pub deadline: Option<Nanos>,
    pub codec: &'static dyn Codec,
    /// Where the run's own model is asked.
    pub path: Arc<str>,
    pub options: CallOptions,
    pub timeouts: Timeouts,
    /// How long requests in flight may go on after the level's planned length is over.
    pub grace: Nanos,
    /// Keep generated text for the tokenizer where the server reports no usage.
    pub keep_text: bool,
    /// Begins every request id.
    pub tag: String,
    /// How many servers the visits name.
    pub servers: u16,
    /// Lines opened before the window starts, so that no handshake falls into it.
    pub lines: u32,
    /// Clients of the warm-up.
    pub warmup_clients: u32,
}

/// Where the visits of a level come from.
pub struct Sources<'a> {
    pub warmup: &'a mut dyn Visits,
    pub measured: &'a mut dyn Visits,
    /// Called once between them, when nothing is in flight: what must be read before the window opens is read here.
    pub between: &'a mut dyn FnMut(),
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

/// Runs warm-up and then the measured window; rows are handed on as they end. It blocks its thread to the level's end.
pub fn drive(
    work: &Work,
    net: &mut impl Net,
    sources: &mut Sources<'_>,
    rows: &mut dyn FnMut(Row),
    gauge: &Gauge,
    stop: &Stop,
) -> Measured {
    let mut lines = Lines::new(work.servers);
    let warmup = Plan {
        pace: Pace::Closed { clients: work.warmup_clients, starts: Starts::AT_ONCE },
        phase: Phase::Warmup,
        deadline: None,
    };
    let start = net.now();
    Pass::new(work, warmup, start, (net, &mut lines), sources.warmup, rows, gauge).run(stop);
    (sources.between)();
    sources.measured.stock(work.lines as usize);
    lines.fill(work, net, stop);
    let start = net.now();
    gauge.begin(start);
    let measured = Plan { pace: work.pace, phase: Phase::Measure, deadline: work.deadline };
    let (ended, lag) =
        Pass::new(work, measured, start, (net, &mut lines), sources.measured, rows, gauge).run(stop);
    let end = work.deadline.map_or(ended, |length| ended.min(start + length));
    Measured { start, end, lag, interrupted: stop.is_draining() }
}
