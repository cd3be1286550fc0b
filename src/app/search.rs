//! `run --find-max-rate`: windows at loads that the search chooses, one after the other, until it has its answer.

use super::error::AppError;
use super::measure::{Bench, Turn};
use super::measurement::{Measurement, Round};
use super::outputs;
use super::rounds;
use super::server::Server;
use super::watch::{Silent, Watcher};
use crate::base::{Hint, Nanos, Rate};
use crate::config::{Resolved, RunPlan, SearchPlan};
use crate::document::v1::RunDocument;
use crate::engine::Stop;
use crate::host::Journal;
use crate::metrics::Summary;
use crate::record::{Metric, MetricKey};
use crate::report::number::percent;
use crate::search::{Goal, Ground, Idle, Next, Search, Standing, Stopped, Window, disagree, next};
use crate::validity::{Finding, Severity};
use crate::workload::{Curve, Level, Limit, Load, Shard};

/// Requests of a single client that show what an idle server takes.
const IDLE_REQUESTS: u64 = 8;
/// Where nothing else is said, the search starts where this many answers overlap: batching makes them nearly free.
const START_OVERLAP: f64 = 4.0;
/// A tenth of what one client alone sends is hardly any load.
const FLOOR_OVERLAP: f64 = 0.1;
/// More than any machine drives.
const CEILINGS: (f64, f64) = (1e6, 1e5);
/// Requests that wait for a server to come to rest after a window that left work behind.
const REST_TRIES: u64 = 10;
/// What an answer of a rested server may take, in idle answers.
const REST: f64 = 2.0;

/// Searches, and writes the result with every level that was measured.
pub(super) async fn find(
    resolved: &Resolved,
    asked: &SearchPlan,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<RunDocument, AppError> {
    let (bench, stage) = rounds::open(resolved, (&mut *watcher, stop)).await?;
    stage.preflight(&bench, stop).await?;
    let server = stage.candidate;
    let (journal, measured) =
        rounds::begin(&bench, &server, &resolved.outputs.requests, watcher, stop).await?;
    let mut hunt = Hunt {
        bench: &bench,
        server: &server,
        asked,
        journal: Some(journal),
        measured,
        levels: Vec::new(),
        search: Search {
            policy: asked.policy,
            start: asked.start,
            sized: asked.limit.is_some(),
            idle: None,
            windows: Vec::new(),
            stopped: Stopped::Interrupted,
        },
    };
    hunt.search.stopped = hunt.go(watcher, stop).await?;
    let document = hunt.document(&resolved.plan);
    watcher.measured(&document);
    outputs::write(&document, resolved)?;
    Ok(document)
}

/// A search under way.
struct Hunt<'a> {
    bench: &'a Bench<'a>,
    server: &'a Server,
    asked: &'a SearchPlan,
    journal: Option<Journal>,
    measured: Measurement,
    /// Every load that was asked for, once.
    levels: Vec<Level>,
    search: Search,
}

impl Hunt<'_> {
    async fn go(&mut self, watcher: &mut dyn Watcher, stop: &Stop) -> Result<Stopped, AppError> {
        let began = self.bench.clock.now();
        let idle = self.idle(stop).await?;
        if stop.is_draining() {
            self.measured.partial = true;
            return Ok(Stopped::Interrupted);
        }
        self.search.idle = Some(idle);
        if idle.level(&self.asked.policy).is_some_and(|level| level.standing == Standing::Missed) {
            return Ok(Stopped::Idle);
        }
        let ground = self.ground(idle);
        loop {
            let (load, window, requests) = match next(&self.asked.policy, &ground, &self.search.windows) {
                Next::Measure { load, window, requests } => (load, window, requests),
                Next::Stop(stopped) => return Ok(stopped),
            };
            let limit = self.asked.limit.unwrap_or_else(|| self.limit(load, requests));
            let spent = self.bench.clock.now() - began;
            let needed = Nanos::from_secs(seconds(self.asked.policy.goal, limit, load, &ground));
            if spent + needed > self.asked.policy.budget {
                return Ok(Stopped::Budget);
            }
            let level = Level { load: self.load(load), limit };
            let failed = self.window(level, load, window, watcher, stop).await?;
            if self.measured.partial {
                return Ok(Stopped::Interrupted);
            }
            if failed {
                self.rest(&ground, stop).await?;
            }
        }
    }

    /// What a single client meets on the idle server, counted from when it sent: it has no due times.
    async fn idle(&self, stop: &Stop) -> Result<Idle, AppError> {
        let summary = self.alone(IDLE_REQUESTS, "idle", 0, stop).await?;
        let goodput = summary.goodput.as_ref();
        Ok(Idle {
            good: goodput.map_or(0, |goodput| goodput.good),
            offered: goodput.map_or(0, |goodput| goodput.offered),
            e2e_ms: summary.value(MetricKey::quantile(Metric::E2e, 500)),
        })
    }

    /// Lets the server work off what a window left behind, so that the next one does not inherit its queue.
    async fn rest(&self, ground: &Ground, stop: &Stop) -> Result<(), AppError> {
        let calm = ground.answer_s * 1e3 * REST;
        for attempt in 0..REST_TRIES {
            let summary =
                self.alone(1, "rest", self.search.windows.len() as u64 * REST_TRIES + attempt, stop).await?;
            let answer = summary.value(MetricKey::quantile(Metric::E2e, 500));
            if stop.is_draining() || answer.is_some_and(|answer| answer <= calm) {
                break;
            }
        }
        Ok(())
    }

    /// Requests of one client after the other, which no number of the result sees.
    async fn alone(&self, requests: u64, branch: &str, at: u64, stop: &Stop) -> Result<Summary, AppError> {
        let load = Load::Closed { concurrency: 1, ramp_up: Nanos::ZERO };
        let level = Level { load, limit: Limit::Requests(requests) };
        let seed = self.bench.plan.seed.child(branch).at(at);
        let source = self.bench.source.clone();
        let turn = Turn {
            level,
            shard: Shard::WHOLE,
            round: 0,
            rounds: 0,
            arm: None,
            seed,
            warmup: Some(0),
            source,
        };
        Ok(self.bench.level(self.server, &turn, None, &mut Silent, stop).await?.recorded.summary)
    }

    fn ground(&self, idle: Idle) -> Ground {
        let answer_s = idle.e2e_ms.map_or(1.0, |ms| ms / 1e3).max(1e-3);
        let (start, floor, ceiling) = match self.asked.policy.goal {
            Goal::Rate => (START_OVERLAP / answer_s, FLOOR_OVERLAP / answer_s, CEILINGS.0),
            Goal::Concurrency => {
                let most = rounds::clients_max(self.bench.plan).map_or(CEILINGS.1, |most| most as f64);
                (START_OVERLAP, 1.0, most.clamp(1.0, CEILINGS.1))
            }
        };
        let start = self.asked.start.unwrap_or(start).min(ceiling);
        Ground { start, floor: floor.min(start), ceiling, answer_s }
    }

    /// As many requests as the evidence needs. Arrivals end in time even where chance spreads them: four standard
    /// deviations of a Poisson count.
    fn limit(&self, load: f64, requests: u64) -> Limit {
        let count = requests as f64;
        match self.asked.policy.goal {
            Goal::Rate => {
                Limit::Either { requests, duration: Nanos::from_secs((count + 4.0 * count.sqrt()) / load) }
            }
            Goal::Concurrency => Limit::Requests(requests),
        }
    }

    /// The plan's load at another number.
    fn load(&self, load: f64) -> Load {
        match (self.bench.plan.levels.first().map(|level| &level.load), Rate::new(load)) {
            (Some(Load::Open { rate: _, arrivals, max_in_flight }), Some(rate)) => {
                Load::Open { rate: Curve::from(rate), arrivals: *arrivals, max_in_flight: *max_in_flight }
            }
            _ => Load::Closed { concurrency: load as u32, ramp_up: Nanos::ZERO },
        }
    }

    /// Measures one window; answers whether it left requests without a proper end.
    async fn window(
        &mut self,
        level: Level,
        load: f64,
        number: u32,
        watcher: &mut dyn Watcher,
        stop: &Stop,
    ) -> Result<bool, AppError> {
        let seed = rounds::round_seed(self.bench.plan, number);
        let shard = Shard::WHOLE;
        let source = self.bench.source.clone();
        let turn = Turn {
            level: level.clone(),
            shard,
            round: number,
            rounds: 1,
            arm: None,
            seed,
            warmup: None,
            source,
        };
        let mut run = self.bench.level(self.server, &turn, self.journal.take(), watcher, stop).await?;
        self.journal = run.recorded.journal.take();
        let findings = rounds::findings(self.bench.plan, &run, number);
        let summary = run.recorded.summary;
        let trusted = findings.iter().all(|finding| finding.severity != Severity::Invalid);
        // A search overloads on purpose, and its windows are as short as the evidence allows.
        let told = findings.into_iter().filter(|finding| !EXPECTED.contains(&finding.code.as_str()));
        self.measured.findings.extend(told);
        self.measured.partial |= run.measured.interrupted;
        let failed = summary.succeeded < summary.offered;
        if let Some(goodput) = summary.goodput.as_ref().filter(|_| !self.measured.partial) {
            let window = Window { load, good: goodput.good, offered: goodput.offered, trusted };
            self.search.windows.push(window);
            watcher.note(&self.told(load));
        }
        let label = level.label();
        if self.levels.iter().all(|known| known.label() != label) {
            self.levels.push(level);
        }
        self.keep(number, label, summary);
        Ok(failed)
    }

    /// Windows of one load stand in one round after the other, so that the result pools them like rounds.
    fn keep(&mut self, number: u32, label: String, summary: Summary) {
        let rounds = &mut self.measured.rounds;
        if rounds.iter().all(|round| round.number != number) {
            let seed = rounds::round_seed(self.bench.plan, number);
            rounds.push(Round { number, seed, levels: Vec::new() });
        }
        if let Some(round) = rounds.iter_mut().find(|round| round.number == number) {
            round.levels.push((label, summary));
        }
    }

    /// How a load stands after its last window.
    fn told(&self, load: f64) -> String {
        let levels = self.search.levels();
        let Some(level) = levels.iter().find(|level| level.load.to_bits() == load.to_bits()) else {
            return String::new();
        };
        let word = match level.standing {
            Standing::Held => "holds",
            Standing::Missed => "does not hold",
            Standing::Undecided => "not decided",
            Standing::Invalid => return format!("{load}: not judged: the client was the limit"),
        };
        let share = percent(level.good as f64 / level.offered.max(1) as f64);
        let bounds = format!("{} to {}", percent(level.low), percent(level.high));
        format!("{load}: {word}: {share} of {} requests were good, so {bounds} are", level.offered)
    }

    fn document(mut self, plan: &RunPlan) -> RunDocument {
        let Search { policy, ref windows, .. } = self.search;
        let disagreeing = self
            .levels
            .iter()
            .filter(|level| level.load_number().is_some_and(|load| disagree(windows, load, &policy)));
        let disagreeing: Vec<Finding> = disagreeing.map(moody).collect();
        // What is known about the answer's two ends matters; twenty levels saying the same would bury it.
        let answer = self.search.answer();
        let ends: Vec<f64> = [answer.best, answer.above].into_iter().flatten().map(|end| end.load).collect();
        let is_end = |level: &Level| level.load_number().is_some_and(|load| ends.contains(&load));
        let labels: Vec<String> =
            self.levels.iter().filter(|level| is_end(level)).map(Level::label).collect();
        self.measured
            .findings
            .retain(|finding| finding.level.as_ref().is_none_or(|label| labels.contains(label)));
        self.measured.findings.extend(disagreeing);
        if let Some(Err(error)) = self.journal.map(Journal::close) {
            self.measured.findings.push(rounds::incomplete_rows(&error.to_string()));
        }
        let by_load = |level: &Level| level.load_number().unwrap_or_default();
        self.levels.sort_by(|a, b| by_load(a).total_cmp(&by_load(b)));
        let place = |label: &String| self.levels.iter().position(|level| level.label() == *label);
        for round in &mut self.measured.rounds {
            round.levels.sort_by_key(|(label, _)| place(label));
        }
        self.measured.rounds.sort_by_key(|round| round.number);
        // The levels are found, not planned: the hash is the plan's, the list is what was measured.
        let hash = plan.workload_hash();
        let plan = RunPlan { levels: self.levels, ..plan.clone() };
        self.measured.searched(&plan, &hash, &self.search)
    }
}

/// Findings that say of a searched level what the search is there to find out.
const EXPECTED: [&str; 2] = ["achieved_rate", "thin_percentiles"];

/// Seconds that a window takes on a server that keeps up.
fn seconds(goal: Goal, limit: Limit, load: f64, ground: &Ground) -> f64 {
    let of = |requests: u64| match goal {
        Goal::Rate => requests as f64 / load,
        Goal::Concurrency => requests as f64 / load * ground.answer_s,
    };
    match limit {
        Limit::Requests(requests) => of(requests),
        Limit::Duration(duration) => duration.secs(),
        Limit::Either { requests, duration } => of(requests).min(duration.secs()),
        // Rates and clients have no end of their own.
        Limit::Load => 0.0,
    }
}

fn moody(level: &Level) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "windows_disagree".to_owned(),
        message: "one window of this load holds and another one does not: the server had moods".to_owned(),
        hint: Some(Hint::new("see what else ran on it, and search again")),
        level: Some(level.label()),
        round: None,
    }
}
