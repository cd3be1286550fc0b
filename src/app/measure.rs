//! One level of one round: the engine on a thread of its own, rows to the journal, progress to the watcher.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::error::AppError;
use super::observe::Observer;
use super::prepare::{self, Ahead};
use super::recorder::{Recorded, Recorder, Sheet};
use super::scrape::{Doorstep, Scraped, Scraper, Watched};
use super::server::Server;
use super::strain;
use super::watch::{LevelTitle, Live, Watcher};
use crate::base::{Nanos, Seed};
use crate::config::{MetricsSource, RunPlan};
use crate::engine::{Gauge, Measured, Net, Sources, Stop, Work, drive};
use crate::host::{self, Journal, RealClock, usage};
use crate::metrics::Window;
use crate::protocol::{CallOptions, codec};
use crate::record::{Arm, Row};
use crate::transport::{Grpc, Sockets};
use crate::validity::MachineLoad;
use crate::workload::{
    self, Level, Limit, Pace, Schedule, ScheduleError, Shard, Source, TokenCounter, Visit,
};

/// What stays the same over all levels and rounds of a run.
pub(super) struct Bench<'a> {
    pub(super) plan: &'a RunPlan,
    pub(super) counter: TokenCounter,
    pub(super) source: Source,
    pub(super) clock: RealClock,
}

/// A measured level.
pub(super) struct LevelRun {
    pub(super) level: Level,
    /// When its requests were due since the level's start; open loop only.
    pub(super) due: Option<Arc<[Nanos]>>,
    pub(super) recorded: Recorded,
    pub(super) measured: Measured,
    /// Own CPU seconds over wall seconds and cores.
    pub(super) cpu_share: f64,
    pub(super) machine: MachineLoad,
    /// Why the server's own metrics could not be read, where they could not.
    pub(super) unread: Vec<String>,
    /// The server is on this machine, or simulated.
    pub(super) near: bool,
}

/// Which level of which round, and the chance it runs on.
pub(super) struct Turn {
    pub(super) level: Level,
    pub(super) shard: Shard,
    pub(super) round: u32,
    pub(super) rounds: u32,
    /// Which of two servers, where two alternate.
    pub(super) arm: Option<Arm>,
    pub(super) seed: Seed,
    /// Warm-up requests, where the plan's own number does not apply.
    pub(super) warmup: Option<u64>,
    /// What is asked: the plan's, or a part of it.
    pub(super) source: Source,
}

/// What an onlooker of a level sees.
struct Scene<'a> {
    gauge: &'a Gauge,
    recorder: &'a Recorder,
    /// When requests are due since the window's start; open loop only.
    due: Option<&'a [Nanos]>,
}

/// Rows that may wait for the recorder; beyond it the engine waits, which its own lag then shows.
const ROWS_WAITING: usize = 16_384;
const TICK: Duration = Duration::from_millis(200);
/// Ticks between two questions to the recorder, which sorts up to 100,000 samples for an answer.
const ASK_EVERY: u64 = 5;
/// How long requests in flight may go on when a level's duration is over.
const GRACE_SECONDS: f64 = 30.0;
/// Warm-up without a number given: the level's concurrency, within these.
const WARMUP_MAX: u32 = 64;
/// An open loop has no number of clients; its warm-up has this many, to warm some connections, too.
const OPEN_WARMUP_CLIENTS: u32 = 8;
/// Lines that an open loop opens before its window, so that few handshakes fall into it.
const OPEN_LINES: u32 = 64;

impl Bench<'_> {
    /// Runs the level to its end, or to the end that `stop` brings.
    pub(super) async fn level(
        &self,
        server: &Server,
        turn: &Turn,
        journal: Option<Journal>,
        watcher: &mut dyn Watcher,
        stop: &Stop,
    ) -> Result<LevelRun, AppError> {
        let (work, schedule) = self.work(server, turn)?;
        watcher.started(&self.title(server, turn));
        let observer = (turn.round > 0).then(|| Observer::start(server, self.plan, self.clock));
        let gauge = Gauge::default();
        let (scraper, doorstep) = Scraper::start(&self.watched(server, turn))?;
        let (sender, receiver) = sync_channel(ROWS_WAITING);
        let recorder = Recorder::start(receiver, self.sheet(turn, work.deadline), journal, gauge.clone())?;
        let (cpu, began, mut machine) = (cpu_seconds(), self.clock.now(), strain::Watch::start());
        // A cache that is called warm is warmed whatever number was given.
        let usual = || self.plan.warmup.requests.unwrap_or_else(|| own_warmup(&schedule));
        let warmup = turn.warmup.unwrap_or_else(|| usual().max(schedule.warm_set()));
        let due = schedule.due();
        let watch = (warmup, gauge.clone(), stop.clone(), doorstep);
        let ended = self.launch(work, &schedule, server, sender, watch)?;
        let scene = Scene { gauge: &gauge, recorder: &recorder, due: due.as_deref() };
        let measured = self.follow(ended, &scene, &mut machine, watcher).await?;
        let wall = self.clock.now() - began;
        let cores = wall.secs() * f64::from(host::machine().cpu_cores.max(1));
        let cpu_share = (cpu_seconds() - cpu) / cores.max(1e-3);
        let machine = machine.end(wall);
        let last = self.live(&scene);
        let window = Window { start: measured.start, end: measured.end };
        let mut told = recorder.finish(&self.counter, window)?;
        let steady = told.summary.steady.map(|steady| steady.window);
        let Scraped { engine, notes } = scraper.finish()?;
        let mut seen = observer.map(|observer| observer.finish(window, steady)).unwrap_or_default();
        seen.engine = engine;
        if self.plan.target.metrics.source != MetricsSource::Off {
            seen.notes.extend(notes.iter().cloned());
        }
        told.summary = told.summary.with_observed(seen);
        watcher.finished(&Live { so_far: told.so_far.clone(), ..last });
        let near = server.environment.network_path != "network";
        let level = turn.level.clone();
        Ok(LevelRun { level, due, recorded: told, measured, cpu_share, machine, unread: notes, near })
    }

    /// Whose metrics are read: those of the pages that were named, which are the candidate's, or of every server.
    fn watched<'s>(&'s self, server: &'s Server, turn: &Turn) -> Watched<'s> {
        let target = &self.plan.target.metrics.source;
        let source = match target {
            // A single question before the load tells nothing of it.
            _ if turn.round == 0 => &MetricsSource::Off,
            MetricsSource::Pages(_) if turn.arm == Some(Arm::Baseline) => &MetricsSource::Auto,
            source => source,
        };
        let has_one_model = self.plan.parts.iter().all(|part| part.workload.models.is_empty());
        Watched {
            source,
            adapter: self.plan.adapter,
            servers: &server.servers,
            model: has_one_model.then_some(server.model.as_str()),
        }
    }

    fn sheet(&self, turn: &Turn, length: Option<Nanos>) -> Sheet {
        Sheet {
            round: turn.round,
            label: turn.level.label(),
            arm: turn.arm,
            length,
            open_loop: turn.level.is_open(),
            slos: self.plan.slos.clone(),
            mix: if self.plan.parts.len() > 1 {
                self.plan.parts.iter().map(|part| (part.name.clone(), part.slos.clone())).collect()
            } else {
                Vec::new()
            },
            generates: self.plan.api.generates(),
            count: self.plan.tokenizer.is_some(),
        }
    }

    fn work(&self, server: &Server, turn: &Turn) -> Result<(Work, Schedule), AppError> {
        let plan = self.plan;
        let schedule = schedule(turn)
            .map_err(|error| AppError::usage(error.to_string(), "check the load and its limits"))?;
        let (pace, codec) = (schedule.pace(), codec(plan.api));
        let work = Work {
            pace,
            deadline: schedule.deadline(),
            codec,
            path: codec.path(&server.model, plan.stream).into(),
            options: CallOptions {
                model: server.model.clone(),
                stream: plan.stream,
                temperature: plan.sampling.temperature,
                ignore_eos: plan.ignores_eos(),
                continuous_usage: plan.continuous_usage(),
                adapter: plan.adapter(),
                extra_body: extra_body(plan)?,
            },
            timeouts: plan.timeouts,
            grace: Nanos::from_secs(GRACE_SECONDS),
            keep_text: plan.tokenizer.is_some(),
            tag: format!("{:08x}-{}", turn.seed.0 >> 32, turn.round),
            servers: server.servers.len() as u16,
            lines: match pace {
                Pace::Closed { clients, .. } => clients,
                Pace::Open { max_in_flight } => max_in_flight.unwrap_or(OPEN_LINES).min(OPEN_LINES),
            },
            warmup_clients: match pace {
                Pace::Closed { clients, .. } => clients,
                Pace::Open { .. } => OPEN_WARMUP_CLIENTS,
            },
        };
        Ok((work, schedule))
    }

    /// Starts the engine on its own thread, so that nothing else runs on its loop.
    fn launch(
        &self,
        work: Work,
        schedule: &Schedule,
        server: &Server,
        rows: SyncSender<Row>,
        watch: (u64, Gauge, Stop, Doorstep),
    ) -> Result<oneshot::Receiver<Measured>, AppError> {
        let (tell, told) = oneshot::channel();
        let (warmup, gauge, stop, doorstep) = watch;
        let ahead = |visits, wanted| prepare::ahead(visits, work.codec, work.options.clone(), wanted);
        let warm = ahead(Box::new(warmups(schedule, warmup)) as Box<dyn Iterator<Item = _> + Send>, 0)?;
        let visits = ahead(Box::new(schedule.visits()), work.lines as usize)?;
        let is_grpc = work.codec.api().is_grpc();
        let errand = Errand { work, warm, visits, rows, gauge, stop, doorstep };
        if is_grpc {
            let net = Grpc::new(&server.servers, self.clock)?;
            spawn("load", move || tell.send(errand.run(net)).is_ok())?;
        } else {
            let net = Sockets::new(&server.servers, self.clock)?;
            spawn("load", move || tell.send(errand.run(net)).is_ok())?;
        }
        Ok(told)
    }

    async fn follow(
        &self,
        mut ended: oneshot::Receiver<Measured>,
        scene: &Scene<'_>,
        machine: &mut strain::Watch,
        watcher: &mut dyn Watcher,
    ) -> Result<Measured, AppError> {
        let mut ticks = 0_u64;
        loop {
            tokio::select! {
                measured = &mut ended => return measured.map_err(|_| lost("sending load")),
                () = tokio::time::sleep(TICK) => {}
            }
            if ticks.is_multiple_of(ASK_EVERY) {
                scene.recorder.ask();
                machine.look();
            }
            ticks += 1;
            watcher.tick(&self.live(scene));
        }
    }

    fn live(&self, scene: &Scene<'_>) -> Live {
        let Scene { gauge, recorder, due } = scene;
        let elapsed = gauge.began().map(|began| self.clock.now() - began);
        let due =
            due.map(|due| due.partition_point(|at| elapsed.is_some_and(|elapsed| *at <= elapsed)) as u64);
        Live { reading: gauge.read(), so_far: recorder.so_far(), due, elapsed }
    }

    fn title(&self, server: &Server, turn: &Turn) -> LevelTitle {
        let (requests, duration) = match turn.level.limit {
            Limit::Requests(requests) => (Some(requests), None),
            Limit::Duration(duration) => (None, Some(duration)),
            Limit::Either { requests, duration } => (Some(requests), Some(duration)),
            Limit::Load => (None, turn.level.deadline()),
        };
        let label = turn.level.label();
        let planned: Vec<String> = self.plan.levels.iter().map(Level::label).collect();
        LevelTitle {
            round: turn.round,
            rounds: turn.rounds,
            arm: turn.arm,
            // The levels of a search are not known before.
            labels: if planned.contains(&label) { planned } else { vec![label.clone()] },
            label,
            open_loop: turn.level.is_open(),
            requests,
            duration,
            model: server.model.clone(),
            hardware: server.environment.hardware.clone(),
            gpus: server.environment.gpus.clone(),
        }
    }
}

/// What the engine's thread takes with it.
struct Errand {
    work: Work,
    warm: Ahead,
    visits: Ahead,
    rows: SyncSender<Row>,
    gauge: Gauge,
    stop: Stop,
    doorstep: Doorstep,
}

impl Errand {
    fn run(self, mut net: impl Net) -> Measured {
        let Self { work, mut warm, mut visits, rows, gauge, stop, mut doorstep } = self;
        // Nobody records only when the run was dropped as a whole.
        let mut hand_on = |row| drop(rows.send(row));
        let mut between = || {
            if !stop.is_draining() {
                doorstep.wait();
            }
        };
        let mut sources = Sources { warmup: &mut warm, measured: &mut visits, between: &mut between };
        drive(&work, &mut net, &mut sources, &mut hand_on, &gauge, &stop)
    }
}

fn schedule(turn: &Turn) -> Result<Schedule, ScheduleError> {
    Schedule::build(&turn.source, &turn.level, turn.seed)?.of_shard(turn.shard)
}

/// The visits of a warm-up, each a single request.
fn warmups(schedule: &Schedule, count: u64) -> impl Iterator<Item = Visit> + Send + use<> {
    let schedule = schedule.clone();
    (0..count).map(move |index| {
        let ask = schedule.warmup_ask(index);
        Visit { index, due: None, turns: vec![workload::Turn { ask, think: Nanos::ZERO }] }
    })
}

/// As many warm-up requests as there are clients, or as arrive in a second on average, within bounds.
fn own_warmup(schedule: &Schedule) -> u64 {
    let wanted = match (schedule.pace(), schedule.due()) {
        (Pace::Closed { clients, .. }, _) => u64::from(clients),
        (Pace::Open { .. }, due) => {
            let due = due.unwrap_or_default();
            let window = schedule.deadline().or(due.last().copied()).unwrap_or_default();
            (due.len() as f64 / window.secs().max(1.0)) as u64
        }
    };
    wanted.clamp(1, u64::from(WARMUP_MAX))
}

pub(super) fn extra_body(plan: &RunPlan) -> Result<Map<String, Value>, AppError> {
    let text = plan.sampling.extra_body.as_deref().unwrap_or("{}");
    serde_json::from_str(text).map_err(|error| {
        AppError::usage(
            format!("--extra-body is no JSON object: {error}"),
            "for example --extra-body '{\"top_k\": 20}'",
        )
    })
}

/// CPU time of this process; 0 where the system does not tell.
fn cpu_seconds() -> f64 {
    usage::own().map_or(0.0, |usage| usage.cpu_seconds)
}

pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, AppError> {
    Builder::new().name(name.to_owned()).spawn(work).map_err(|error| {
        AppError::environment(
            format!("cannot start a thread: {error}"),
            "raise the limit of processes (ulimit -u)",
        )
    })
}

/// A thread that panicked has a bug of ours.
pub(super) fn lost(what: &str) -> AppError {
    AppError::environment(
        format!("{what} ended unexpectedly"),
        "this is a bug: please report it with the lines above",
    )
}
