//! The engine on virtual time, against a server that is a script: the same rows for the same plan, in milliseconds.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::base::{Nanos, Rate, Seed};
use crate::config::Timeouts;
use crate::protocol::{Api, CallOptions, codec};
use crate::record::{Failure, FailureClass, Outcome, Phase, Row};
use crate::workload::{Arrivals, Dataset, Lengths, Level, Limit, Load, Schedule, TokenCounter, Workload};

#[derive(Clone, Copy)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Nanos {
        // Instants start at 1 s, as a real run is past zero before its first request.
        Nanos::from((Instant::now() - self.0) + Duration::from_secs(1))
    }

    async fn until(&self, instant: Nanos) {
        tokio::time::sleep_until(self.0 + Duration::from(instant - Nanos::from_secs(1.0))).await;
    }
}

/// How the scripted server answers every request.
#[derive(Clone, Copy)]
struct Script {
    first: Duration,
    gap: Duration,
    tokens: u32,
    /// Never ends: the stream stops after this many tokens and stays open.
    hang_after: Option<u32>,
    /// Every line's second request finds it closed.
    stale: bool,
    /// Takes requests and never answers.
    mute: bool,
}

const STEADY: Script = Script {
    first: Duration::from_millis(50),
    gap: Duration::from_millis(10),
    tokens: 3,
    hang_after: None,
    stale: false,
    mute: false,
};

struct Server {
    script: Script,
    clock: Paused,
    open: Arc<AtomicU32>,
    peak: Arc<AtomicU32>,
    lines: AtomicU64,
}

struct Wire {
    script: Script,
    clock: Paused,
    open: Arc<AtomicU32>,
    peak: Arc<AtomicU32>,
    requests: u32,
    left: u32,
    given: u32,
    read: Nanos,
}

impl Transport for Server {
    type Line = Wire;

    async fn open(&self) -> Result<Wire, Failure> {
        self.lines.fetch_add(1, SeqCst);
        let (script, clock) = (self.script, self.clock);
        let (open, peak) = (Arc::clone(&self.open), Arc::clone(&self.peak));
        Ok(Wire { script, clock, open, peak, requests: 0, left: 0, given: 0, read: clock.now() })
    }
}

impl Line for Wire {
    async fn send(&mut self, _call: Call) -> Result<Head, Broken> {
        self.requests += 1;
        if self.script.stale && self.requests == 2 {
            let failure = Failure::new(FailureClass::Connect, "closed");
            return Err(Broken { failure, sent: None, stale: true });
        }
        if self.script.mute {
            std::future::pending::<()>().await;
        }
        let sent = self.clock.now();
        let open = self.open.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(open, SeqCst);
        (self.left, self.given) = (self.script.tokens, 0);
        Ok(Head { sent, at: sent, status: 200 })
    }

    async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        if self.script.hang_after == Some(self.given) {
            std::future::pending::<()>().await;
        }
        if self.left == 0 {
            self.open.fetch_sub(1, SeqCst);
            return Ok(None);
        }
        tokio::time::sleep(if self.given == 0 { self.script.first } else { self.script.gap }).await;
        self.left -= 1;
        self.given += 1;
        self.read = self.clock.now();
        let finish = if self.left == 0 { "\"length\"" } else { "null" };
        let text =
            format!("data: {{\"choices\":[{{\"index\":0,\"text\":\" a\",\"finish_reason\":{finish}}}]}}\n\n");
        Ok(Some(Piece { at: self.read, bytes: Bytes::from(text) }))
    }

    fn read_at(&self) -> Nanos {
        self.read
    }

    fn reusable(&self) -> bool {
        true
    }
}

struct Stage {
    rows: Vec<Row>,
    measured: Measured,
    peak: u32,
    lines: u64,
}

fn limits() -> Timeouts {
    let seconds = Nanos::from_secs;
    Timeouts { connect: seconds(1.0), first_token: seconds(2.0), stall: seconds(1.0), total: seconds(5.0) }
}

fn closed(concurrency: u32, limit: Limit) -> Level {
    Level { load: Load::Closed { concurrency }, limit }
}

fn open(rate: f64, max_in_flight: Option<u32>, limit: Limit) -> Level {
    let rate = Rate::new(rate).expect("positive");
    Level { load: Load::Open { rate, arrivals: Arrivals::Constant, max_in_flight }, limit }
}

/// Plays a level against a script; `stopping` may stop it.
async fn play(level: Level, script: Script, warmup: u64, stopping: impl FnOnce(Stopper)) -> Stage {
    play_as(true, level, script, warmup, stopping).await
}

async fn play_as(
    stream: bool,
    level: Level,
    script: Script,
    warmup: u64,
    stopping: impl FnOnce(Stopper),
) -> Stage {
    let clock = Paused(Instant::now());
    let workload = Workload {
        input: Lengths::Fixed(4),
        output: Some(Lengths::Fixed(script.tokens)),
        dataset: Dataset::Synthetic,
        ignore_eos: true,
    };
    let schedule =
        Schedule::build(&workload, &level, &TokenCounter::Words, None, Seed(7)).expect("a plain schedule");
    let work = Work {
        schedule,
        load: level.load,
        codec: codec(Api::Completions),
        options: CallOptions { model: "m".to_owned(), stream, ..CallOptions::default() },
        timeouts: limits(),
        warmup,
        grace: Nanos::from_secs(1.0),
        keep_text: false,
        tag: "t".to_owned(),
    };
    let (open, peak) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let server = Arc::new(Server { script, clock, open, peak: Arc::clone(&peak), lines: AtomicU64::new(0) });
    let (sender, mut receiver) = mpsc::channel(10_000);
    let (stopper, stop) = Stopper::new();
    stopping(stopper.clone());
    let measured = drive(work, Arc::clone(&server), clock, sender, Gauge::default(), stop).await;
    let rows = Mutex::new(Vec::new());
    while let Ok(row) = receiver.try_recv() {
        rows.lock().expect("one thread").push(row);
    }
    let mut rows = rows.into_inner().expect("one thread");
    rows.sort_by_key(|row: &Row| (row.phase, row.index));
    Stage { rows, measured, peak: peak.load(SeqCst), lines: server.lines.load(SeqCst) }
}

fn class(row: &Row) -> Option<FailureClass> {
    row.outcome.class()
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_holds_its_concurrency_and_times_to_the_nanosecond() {
    let stage = play(closed(4, Limit::Requests(10)), STEADY, 4, |_| {}).await;
    let warm = stage.rows.iter().filter(|row| row.phase == Phase::Warmup).count();
    let rows: Vec<_> = stage.rows.iter().filter(|row| row.phase == Phase::Measure).collect();
    assert_eq!((warm, rows.len(), stage.peak, stage.lines), (4, 10, 4, 4));
    for row in rows {
        assert_eq!(row.outcome, Outcome::Success);
        let sent = row.sent.expect("sent");
        let offsets: Vec<f64> = row.chunks.iter().map(|chunk| (chunk.at - sent).ms()).collect();
        assert_eq!(offsets, [50.0, 60.0, 70.0]);
    }
    assert_eq!(stage.measured.end - stage.measured.start, Nanos::from_ms(210.0));
}

#[tokio::test(start_paused = true)]
async fn a_duration_ends_on_time_and_lets_the_last_requests_finish() {
    let stage = play(closed(2, Limit::Duration(Nanos::from_ms(100.0))), STEADY, 0, |_| {}).await;
    assert_eq!(stage.rows.len(), 4);
    assert!(stage.rows.iter().all(|row| row.outcome.is_success()));
    assert_eq!(stage.measured.end - stage.measured.start, Nanos::from_ms(100.0));
}

#[tokio::test(start_paused = true)]
async fn an_open_loop_sends_when_due_and_a_slow_server_shows_from_due() {
    let slow = Script { first: Duration::from_millis(500), ..STEADY };
    let stage = play(open(10.0, None, Limit::Requests(8)), slow, 0, |_| {}).await;
    for (index, row) in stage.rows.iter().enumerate() {
        assert_eq!(row.due, row.sent);
        assert_eq!(row.due.expect("due") - stage.measured.start, Nanos::from_ms(100.0 * index as f64));
    }
    let bounded = play(open(10.0, Some(1), Limit::Requests(4)), slow, 0, |_| {}).await;
    let waits: Vec<f64> =
        bounded.rows.iter().map(|row| (row.sent.expect("sent") - row.due.expect("due")).ms()).collect();
    assert_eq!(waits, [0.0, 420.0, 840.0, 1260.0]);
}

#[tokio::test(start_paused = true)]
async fn each_limit_of_waiting_has_its_own_class() {
    let one = closed(1, Limit::Requests(1));
    let silent = Script { hang_after: Some(0), ..STEADY };
    let stalled = Script { hang_after: Some(2), ..STEADY };
    let endless = Script { tokens: 100_000, ..STEADY };
    for (script, wanted, after) in [
        (silent, FailureClass::TimeoutFirstToken, 2_000.0),
        (stalled, FailureClass::Stalled, 1_060.0),
        (endless, FailureClass::TimeoutTotal, 5_000.0),
    ] {
        let stage = play(one, script, 0, |_| {}).await;
        let row = &stage.rows[0];
        assert_eq!(class(row), Some(wanted));
        assert_eq!(row.done - row.sent.expect("sent"), Nanos::from_ms(after), "{wanted}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_may_take_as_long_as_a_first_token_and_a_whole_answer_as_long_as_all() {
    let one = closed(1, Limit::Requests(1));
    let mute = Script { mute: true, ..STEADY };
    for (stream, wanted, after) in
        [(true, FailureClass::TimeoutFirstToken, 2_000.0), (false, FailureClass::TimeoutTotal, 5_000.0)]
    {
        let stage = play_as(stream, one, mute, 0, |_| {}).await;
        let row = &stage.rows[0];
        assert_eq!(class(row), Some(wanted));
        assert_eq!(row.done - row.sent.expect("sent"), Nanos::from_ms(after), "{wanted}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_hangs_beyond_the_grace_is_the_servers_failure_and_not_ours() {
    let silent = Script { hang_after: Some(0), ..STEADY };
    let brief = Limit::Duration(Nanos::from_ms(100.0));
    let in_flight = play(closed(2, brief), silent, 0, |_| {}).await;
    let queued = play(open(50.0, Some(1), brief), silent, 0, |_| {}).await;
    for stage in [in_flight, queued] {
        assert!(stage.rows.len() >= 2);
        for row in &stage.rows {
            assert_eq!(class(row), Some(FailureClass::TimeoutTotal), "{:?}", row.outcome);
            assert_eq!(row.done - stage.measured.start, Nanos::from_ms(1_100.0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_drains_and_an_end_cancels_and_every_row_is_accounted_for() {
    let after = |ms: u64, stopper: Stopper, end: bool| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            if end {
                stopper.end();
            } else {
                stopper.drain();
            }
        });
    };
    let drained = play(closed(2, Limit::Requests(100)), STEADY, 0, |stopper| {
        after(30, stopper, false);
    })
    .await;
    assert_eq!(drained.rows.len(), 2);
    assert!(drained.measured.interrupted && drained.rows.iter().all(|row| row.outcome.is_success()));
    let ended = play(closed(2, Limit::Requests(100)), STEADY, 0, |stopper| {
        after(100, stopper, true);
    })
    .await;
    let classes: Vec<_> = ended.rows.iter().map(class).collect();
    assert_eq!(classes, [None, None, Some(FailureClass::Cancelled), Some(FailureClass::Cancelled)]);
    let queued = play(open(100.0, Some(1), Limit::Requests(50)), STEADY, 0, |stopper| {
        after(95, stopper, true);
    })
    .await;
    let cancelled = queued.rows.iter().filter(|row| class(row) == Some(FailureClass::Cancelled)).count();
    assert_eq!((queued.rows.len(), cancelled), (10, 9));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_the_server_closed_is_replaced_once_and_counted() {
    let stage = play(closed(1, Limit::Requests(3)), Script { stale: true, ..STEADY }, 0, |_| {}).await;
    let reconnects: Vec<u32> = stage.rows.iter().map(|row| row.reconnects).collect();
    assert!(stage.rows.iter().all(|row| row.outcome.is_success()));
    assert_eq!((reconnects, stage.lines), (vec![0, 1, 1], 3));
}
