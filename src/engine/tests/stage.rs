//! A server that is a script, on virtual time: the same rows for the same plan, to the nanosecond.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::base::{Nanos, Rate, Seed};
use crate::config::Timeouts;
use crate::engine::timers::Timers;
use crate::engine::{
    Arrival, Call, Gauge, Inbox, LineId, Measured, Net, Prepared, Reading, Sources, Stopper, Supply, Visits,
    What, Work, drive,
};
use crate::protocol::{Api, CallOptions, codec};
use crate::record::{Failure, FailureClass, Phase, Row};
use crate::workload::{
    Arrivals, Lengths, Level, Limit, Load, Pace, Schedule, Source, TokenCounter, Turn, Visit, Workload,
};

/// How the scripted server answers every request.
#[derive(Clone, Copy)]
pub(super) struct Script {
    pub(super) first: Nanos,
    pub(super) gap: Nanos,
    pub(super) tokens: u32,
    /// Never ends: the stream stops after this many tokens and stays open.
    pub(super) hang_after: Option<u32>,
    /// Every line's second request finds it closed.
    pub(super) stale: bool,
    /// Takes requests and never answers.
    pub(super) mute: bool,
    /// Refuses connections.
    pub(super) away: bool,
    /// Answers 503 with these words.
    pub(super) refuses: Option<&'static str>,
}

pub(super) const STEADY: Script = Script {
    first: Nanos(50_000_000),
    gap: Nanos(10_000_000),
    tokens: 3,
    hang_after: None,
    stale: false,
    mute: false,
    away: false,
    refuses: None,
};

/// When the run is stopped from outside, and how hard.
#[derive(Clone, Copy)]
pub(super) enum Stopping {
    Never,
    /// Since the start of the play.
    Drain(Nanos),
    End(Nanos),
}

enum Happening {
    Opened,
    Refused,
    Closed,
    Bytes { text: String, ends: bool },
}

/// The instant at which every play begins: a real run is past zero before its first request, too.
const BEGIN: Nanos = Nanos(1_000_000_000);

struct Server {
    script: Script,
    now: Nanos,
    coming: Timers<(LineId, Happening)>,
    /// Requests so far on each line; none once it is closed.
    lines: Vec<Option<u32>>,
    busy: u32,
    peak: u32,
    bodies: Vec<String>,
    stopper: Stopper,
    stopping: Stopping,
}

impl Server {
    fn stop_when_due(&self) {
        match self.stopping {
            Stopping::Drain(after) if self.now >= BEGIN + after => self.stopper.drain(),
            Stopping::End(after) if self.now >= BEGIN + after => self.stopper.end(),
            _ => {}
        }
    }

    fn answer(&mut self, line: LineId) {
        let script = self.script;
        let mut at = self.now;
        let mut say = |at, text: String, ends| self.coming.set(at, (line, Happening::Bytes { text, ends }));
        if let Some(words) = script.refuses {
            let length = words.len();
            return say(at, format!("HTTP/1.1 503 Busy\r\ncontent-length: {length}\r\n\r\n{words}"), true);
        }
        say(at, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(), false);
        for token in 1..=script.tokens {
            if script.hang_after == Some(token - 1) {
                return;
            }
            at = at + if token == 1 { script.first } else { script.gap };
            let finish = if token == script.tokens { "\"length\"" } else { "null" };
            let event = format!(
                "data: {{\"choices\":[{{\"index\":0,\"text\":\" t{token}\",\"finish_reason\":{finish}}}]}}\n\n"
            );
            say(at, format!("{:x}\r\n{event}\r\n", event.len()), false);
        }
        say(at, "0\r\n\r\n".to_owned(), true);
    }
}

impl Net for Server {
    fn now(&self) -> Nanos {
        self.now
    }

    fn open(&mut self, _server: u16) -> LineId {
        let id = LineId { slot: self.lines.len() as u32, generation: 0 };
        self.lines.push(Some(0));
        let what = if self.script.away { Happening::Refused } else { Happening::Opened };
        self.coming.set(self.now, (id, what));
        id
    }

    fn send(&mut self, line: LineId, call: &Call) -> Nanos {
        self.bodies.push(String::from_utf8(call.body.to_vec()).unwrap());
        let requests = self.lines[line.slot as usize].as_mut().unwrap();
        *requests += 1;
        if self.script.stale && *requests == 2 {
            self.coming.set(self.now, (line, Happening::Closed));
        } else if !self.script.mute {
            self.busy += 1;
            self.peak = self.peak.max(self.busy);
            self.answer(line);
        }
        self.now
    }

    fn close(&mut self, line: LineId) {
        self.lines[line.slot as usize] = None;
    }

    fn wait(&mut self, until: Nanos, inbox: &mut Inbox) {
        inbox.arrivals.clear();
        inbox.bytes.clear();
        let next = self.coming.next().filter(|next| *next <= until.max(self.now));
        self.now = self.now.max(next.unwrap_or(until));
        self.stop_when_due();
        while let Some((line, what)) = self.coming.pop(self.now) {
            if self.lines[line.slot as usize].is_none() {
                continue;
            }
            let what = match what {
                Happening::Opened => What::Opened,
                Happening::Refused => What::Closed(Some(Failure::new(FailureClass::Connect, "refused"))),
                Happening::Closed => What::Closed(None),
                Happening::Bytes { text, ends } => {
                    self.busy -= u32::from(ends);
                    let from = inbox.bytes.len();
                    inbox.bytes.extend_from_slice(text.as_bytes());
                    What::Bytes(from..inbox.bytes.len())
                }
            };
            inbox.arrivals.push(Arrival { line, at: self.now, what });
        }
    }
}

/// Visits that lie ready from the start.
struct Ready(VecDeque<Prepared>);

impl Ready {
    fn new(visits: impl Iterator<Item = Visit>, options: &CallOptions) -> Self {
        let body = |visit: &Visit| Bytes::from(codec(Api::Completions).body(&visit.turns[0].ask, options));
        Self(visits.take(10_000).map(|visit| Prepared { body: body(&visit), visit }).collect())
    }
}

impl Visits for Ready {
    fn next(&mut self) -> Supply {
        self.0.pop_front().map_or(Supply::Over, Supply::Ready)
    }

    fn stock(&mut self, _count: usize) {}
}

/// What a play left behind.
pub(super) struct Played {
    /// Sorted by phase and index.
    pub(super) rows: Vec<Row>,
    pub(super) measured: Measured,
    /// Most requests that the server had at once.
    pub(super) peak: u32,
    /// Connections that were opened.
    pub(super) lines: usize,
    pub(super) bodies: Vec<String>,
    /// What an onlooker saw when each measured row had ended.
    pub(super) seen: Vec<Reading>,
    pub(super) gauge: Gauge,
}

/// A level to be played.
pub(super) struct Play {
    pub(super) level: Level,
    pub(super) script: Script,
    pub(super) stream: bool,
    pub(super) warmup: u64,
    pub(super) stopping: Stopping,
    /// Changes every visit of the schedule.
    pub(super) change: fn(Visit) -> Visit,
}

pub(super) fn closed(concurrency: u32, limit: Limit) -> Level {
    Level { load: Load::Closed { concurrency, ramp_up: Nanos::ZERO }, limit }
}

pub(super) fn open(rate: f64, max_in_flight: Option<u32>, limit: Limit) -> Level {
    let rate = Rate::new(rate).unwrap().into();
    Level { load: Load::Open { rate, arrivals: Arrivals::Constant, max_in_flight }, limit }
}

pub(super) fn play(level: Level, script: Script) -> Played {
    Play { level, script, stream: true, warmup: 0, stopping: Stopping::Never, change: |visit| visit }.run()
}

impl Play {
    pub(super) fn run(self) -> Played {
        let Self { level, script, stream, warmup, stopping, change } = self;
        let workload = Workload::synthetic(Lengths::Fixed(4), Some(Lengths::Fixed(script.tokens)));
        let source = Source::of(&workload, &TokenCounter::Words).unwrap();
        let schedule = Schedule::build(&source, &level, Seed(7)).unwrap();
        let most = match schedule.pace() {
            Pace::Closed { clients, .. } => Some(clients),
            Pace::Open { max_in_flight } => max_in_flight,
        };
        let seconds = Nanos::from_secs;
        let options = CallOptions { model: "m".to_owned(), stream, ..CallOptions::default() };
        let work = Work {
            pace: schedule.pace(),
            deadline: schedule.deadline(),
            codec: codec(Api::Completions),
            path: "/v1/completions".into(),
            timeouts: Timeouts {
                connect: seconds(1.0),
                first_token: seconds(2.0),
                stall: seconds(1.0),
                total: seconds(5.0),
            },
            grace: seconds(1.0),
            keep_text: false,
            tag: "t".to_owned(),
            servers: 1,
            lines: most.unwrap_or(0),
            warmup_clients: most.unwrap_or(1),
            options,
        };
        let single = |index| Visit {
            index,
            due: None,
            turns: vec![Turn { ask: schedule.warmup_ask(index), think: Nanos::ZERO }],
        };
        let mut warm = Ready::new((0..warmup).map(single), &work.options);
        let mut visits = Ready::new(schedule.visits().map(change), &work.options);
        let (stopper, stop) = Stopper::new();
        let mut server = Server {
            script,
            now: BEGIN,
            coming: Timers::new(),
            lines: Vec::new(),
            busy: 0,
            peak: 0,
            bodies: Vec::new(),
            stopper,
            stopping,
        };
        let (mut rows, mut seen, gauge) = (Vec::new(), Vec::new(), Gauge::default());
        let mut lulls = 0;
        let mut between = || {
            assert!(gauge.began().is_none() && gauge.read().in_flight() == 0);
            lulls += 1;
        };
        let mut sources = Sources { warmup: &mut warm, measured: &mut visits, between: &mut between };
        let mut take = |row: Row| {
            if row.phase == Phase::Measure {
                seen.push(gauge.read());
            }
            rows.push(row);
        };
        let measured = drive(&work, &mut server, &mut sources, &mut take, &gauge, &stop);
        assert_eq!(lulls, 1);
        rows.sort_by_key(|row: &Row| (row.phase, row.index, row.turn));
        let Server { lines, peak, bodies, .. } = server;
        Played { rows, measured, peak, lines: lines.len(), bodies, seen, gauge }
    }
}
