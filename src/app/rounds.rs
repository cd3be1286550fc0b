//! Rounds of a plan, one after the other, and what was found in them.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{AppError, Side};
use super::launching;
use super::measure::{Bench, LevelRun, Turn};
use super::measurement::{Beside, Measurement, Passed, Round};
use super::outputs::{self, unwritable};
use super::place;
use super::server::{self, Server};
use super::sight::Sight;
use super::stage::Stage;
use super::start;
use super::watch::Watcher;
use crate::base::{Hint, Nanos, Seed};
use crate::config::{GpuUse, Resolved, RunPlan};
use crate::engine::Stop;
use crate::host::{Journal, RealClock, files, limits};
use crate::metrics::Summary;
use crate::protocol::Api;
use crate::record::{Arm, Metric, MetricKey};
use crate::telemetry::{self, GpuFacts};
use crate::validity::{
    ClientLoad, CrossCheck, Finding, Severity, check_client, check_gpus, check_level, check_server,
};
use crate::workload::{CacheLabel, Level, Pace, Servers, Source, SourceError, TokenCounter};

/// Larger than any tokenizer or prompt file that fits in memory beside its use.
const INPUT_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The seed of a round: fresh prompts and arrivals for each, the same ones for the same plan.
pub(super) fn round_seed(plan: &RunPlan, round: u32) -> Seed {
    plan.seed.child("round").at(u64::from(round))
}

/// Checks what can be checked before anything is sent, reads the plan's files and opens its servers.
pub(super) async fn open<'a>(
    resolved: &'a Resolved,
    watch: (&mut dyn Watcher, &Stop),
) -> Result<(Bench<'a>, Stage), AppError> {
    outputs::check(&resolved.outputs)?;
    check_gpu_use(&resolved.plan)?;
    let bench = bench(&resolved.plan, RealClock::start())?;
    launching::forget_logs(resolved)?;
    let stage = Stage::open(resolved, &bench, watch).await?;
    Ok((bench, stage))
}

/// Begins a measurement: its file of rows, what the reader should know of the load, and the moment it starts at.
pub(super) async fn begin(
    bench: &Bench<'_>,
    server: &Server,
    requests: &Path,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<(Journal, Measurement), AppError> {
    let journal = Journal::create(requests).map_err(|error| unwritable(&error.to_string()))?;
    let measured = Measurement::new(server.environment.clone(), &bench.clock);
    for line in introduction(bench, server) {
        watcher.note(&line);
    }
    start::wait(bench.plan.start_at, watcher, stop).await?;
    Ok((journal, measured))
}

/// What the plan's files and tokenizer say.
pub(super) fn bench(plan: &RunPlan, clock: RealClock) -> Result<Bench<'_>, AppError> {
    check_files(plan)?;
    // Whoever reads names the file.
    let read = |path: &Path| files::read_bytes(path, INPUT_MAX).map_err(|error| error.source.to_string());
    let counter = TokenCounter::resolve(plan.tokenizer.as_deref(), read)
        .map_err(|error| AppError::usage(error.to_string(), "see --tokenizer in --help"))?;
    let servers = Servers {
        count: u16::try_from(plan.target.base_urls.len()).unwrap_or(u16::MAX),
        first: 0,
        strategy: plan.target.url_strategy,
    };
    let source = Source::new(&plan.parts, servers, &counter, read)
        .map_err(|error| AppError::usage(error.to_string(), hint(&error)))?;
    Ok(Bench { plan, counter, source, clock })
}

fn hint(error: &SourceError) -> &'static str {
    match error {
        SourceError::Tokenizer(_) => "see --tokenizer in --help",
        SourceError::Dataset(_) => "docs/DATA.md shows a row of each kind of file",
        SourceError::TraceFile(_) | SourceError::Trace { .. } => {
            "give --trace a file of timestamps and lengths; docs/LOADS.md shows each format"
        }
    }
}

/// Clients that this shell's open files allow, where there is a bound.
pub(super) fn clients_max(plan: &RunPlan) -> Option<u64> {
    limits::open_files().map(|limit| limit.saturating_sub(FILES_BESIDES) / ends(plan))
}

/// An embedded simulator holds the other end of each connection.
fn ends(plan: &RunPlan) -> u64 {
    let baseline = plan.baseline.iter().flat_map(|baseline| &baseline.base_urls);
    let simulated = plan.target.base_urls.iter().chain(baseline).any(|url| place::simulated(url).is_some());
    if simulated { 2 } else { 1 }
}

/// A gate that was to see a GPU must not go on without one.
fn check_gpu_use(plan: &RunPlan) -> Result<(), AppError> {
    if plan.target.gpu != GpuUse::Require {
        return Ok(());
    }
    let GpuFacts { gpus, driver: _, cuda: _, note } = telemetry::gpus(plan.target.nvml.as_deref());
    if gpus.is_empty() {
        let why = note.map(|note| format!(": {note}")).unwrap_or_default();
        return Err(AppError::environment(
            format!("no GPU is visible here{why}"),
            "make NVIDIA's runtime the default of the container engine (nvidia-ctk runtime configure --set-as-default), use the docker/ form of the action, or go on without: gpu: auto",
        ));
    }
    Ok(())
}

/// Every client holds a connection, and a connection is an open file: too few of them would look like a failing server.
fn check_files(plan: &RunPlan) -> Result<(), AppError> {
    let clients = |level: &Level| match level.pace(plan.shard) {
        Pace::Closed { clients, .. } => u64::from(clients),
        Pace::Open { max_in_flight } => u64::from(max_in_flight.unwrap_or(0)),
    };
    let needed = plan.levels.iter().map(clients).max().unwrap_or(0) * ends(plan) + FILES_BESIDES;
    match limits::open_files() {
        Some(limit) if limit < needed => Err(AppError::usage(
            format!("this load needs {needed} open files, and this shell allows {limit}"),
            format!("raise the limit with `ulimit -n {needed}`, or lower --concurrency"),
        )),
        _ => Ok(()),
    }
}

/// Standard streams, results, the runtime's own.
const FILES_BESIDES: u64 = 64;

/// Measures blocks from number `from` on until `enough` says so or the plan's last look is reached: a round of the candidate each,
/// and one of the baseline beside it where it has a server. A server that this tool starts is started anew for each round, so that
/// a start's luck is not mistaken for the code's.
pub(super) async fn measure(
    bench: &Bench<'_>,
    stage: Stage,
    resolved: &Resolved,
    from: u32,
    watch: (&mut dyn Watcher, &Stop),
    mut enough: impl FnMut(&Measurement, &mut dyn Watcher) -> Result<bool, AppError>,
) -> Result<Measurement, AppError> {
    let (watcher, stop) = watch;
    let Stage { candidate, baseline } = stage;
    let (journal, mut measured) = begin(bench, &candidate, &resolved.outputs.requests, watcher, stop).await?;
    measured.beside = baseline.as_ref().map(|server| Beside {
        rounds: Vec::new(),
        environment: server.environment.clone(),
        first: Vec::new(),
    });
    let mut journal = Some(journal);
    let mut servers = BTreeMap::from([(Arm::Candidate, candidate)]);
    servers.extend(baseline.map(|server| (Arm::Baseline, server)));
    let in_turn = bench.plan.baseline.as_ref().is_some_and(|baseline| baseline.in_turn);
    for number in from..=bench.plan.gate.looks.last() {
        for arm in turns(bench.plan, number) {
            let Some(mut server) = servers.remove(&arm) else { continue };
            if in_turn {
                servers.values_mut().for_each(Server::sleep);
            }
            if server.restarts() && !server.is_fresh(number.into()) {
                // The old one's port, threads and memory are given back first.
                server.sleep();
                server = match server::open(resolved, arm, number.into(), (&mut *watcher, stop)).await {
                    Err(AppError { side: Side::Interrupted, .. }) => {
                        measured.partial = true;
                        break;
                    }
                    opened => opened?,
                };
            }
            let mut passed = pass(bench, &server, (number, arm), &mut journal, watcher, stop).await?;
            server.use_up();
            passed.findings.extend(ended_early(&mut server, number).await);
            measured.take(arm, passed);
            servers.insert(arm, server);
            if measured.partial {
                break;
            }
        }
        if measured.partial || enough(&measured, watcher)? {
            break;
        }
    }
    if measured.partial {
        servers.values_mut().for_each(Server::hurry);
    }
    if let Some(Err(error)) = journal.map(Journal::close) {
        measured.findings.push(incomplete_rows(&error.to_string()));
    }
    Ok(measured)
}

/// A measurement that need not be made.
pub(super) fn nothing(bench: &Bench<'_>, stage: &Stage) -> Measurement {
    Measurement::new(stage.candidate.environment.clone(), &bench.clock)
}

/// Who goes first in a block is drawn, and the other one does in the next: a drift of the machine must not favour a side.
pub(super) fn turns(plan: &RunPlan, block: u32) -> Vec<Arm> {
    if plan.baseline.is_none() {
        return vec![Arm::Candidate];
    }
    let two = u64::from(block.saturating_sub(1) / 2);
    let drawn = plan.seed.child("order").at(two).0.is_multiple_of(2);
    let first = if drawn == block.is_multiple_of(2) { Arm::Baseline } else { Arm::Candidate };
    vec![first, first.other()]
}

/// Every level of one round on one server.
async fn pass(
    bench: &Bench<'_>,
    server: &Server,
    (number, arm): (u32, Arm),
    journal: &mut Option<Journal>,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<Passed, AppError> {
    let plan = bench.plan;
    let seed = arm_seed(plan, server, number, arm);
    let round = Round { number, seed, levels: Vec::new() };
    let mut passed = Passed { round, findings: Vec::new(), interrupted: false };
    for level in &plan.levels {
        let turn = Turn {
            level: level.clone(),
            shard: plan.shard,
            round: number,
            rounds: plan.gate.looks.last(),
            arm: plan.baseline.as_ref().map(|_| arm),
            seed,
            warmup: None,
            source: bench.source.clone(),
        };
        let mut run = bench.level(server, &turn, journal.take(), watcher, stop).await?;
        *journal = run.recorded.journal.take();
        passed.interrupted |= run.measured.interrupted;
        passed.findings.extend(findings(plan, &run, number));
        passed.round.levels.push((level.label(), run.recorded.summary));
        if passed.interrupted {
            break;
        }
    }
    Ok(passed)
}

/// The sides of a block share prompts and arrivals. One server that plays both sides would answer the second from its cache, so
/// there each side has its own.
fn arm_seed(plan: &RunPlan, server: &Server, number: u32, arm: Arm) -> Seed {
    let seed = round_seed(plan, number);
    if plan.has_one_server() && arm == Arm::Baseline && !server.restarts() {
        seed.child("baseline")
    } else {
        seed
    }
}

/// What the reader should know of the load before it starts.
fn introduction(bench: &Bench<'_>, server: &Server) -> Vec<String> {
    let shard = bench.plan.shard;
    let part = format!("this is shard {shard} (counted from 0): one of {} parts of the load", shard.count());
    let blind = match &server.gpus {
        Sight::Blind(why) => Some(format!("GPUs are not read: {why}")),
        Sight::Seen(_) | Sight::Elsewhere => None,
    };
    bench.source.notes().into_iter().chain((!shard.is_whole()).then_some(part)).chain(blind).collect()
}

/// What is to be known about the numbers of one level.
pub(super) fn findings(plan: &RunPlan, run: &LevelRun, round: u32) -> Vec<Finding> {
    let label = run.level.label();
    let summary = &run.recorded.summary;
    let client = ClientLoad {
        cpu_share: run.cpu_share,
        loop_busy: busy(run.measured.lag.busy, summary.window.secs()),
        loop_lag_p99: run.measured.lag.p99,
        loop_lag_max: run.measured.lag.max,
        tail: tail(summary),
        machine: run.machine,
        reconnects: summary.reconnects,
    };
    let mut findings = check_level(summary, plan, &run.level, run.due.as_deref(), round);
    let others = check_client(&client, round)
        .into_iter()
        .chain(check_gpus(summary, round))
        .chain(uncounted(run.recorded.uncounted, round));
    findings.extend(others.map(|finding| Finding { level: Some(label.clone()), ..finding }));
    let check = CrossCheck {
        policy: plan.target.metrics.validate,
        near: run.near,
        whole_load: plan.shard.is_whole(),
        one_to_one: plan.api != Api::Rerank && !plan.asks_for_several(),
        cold: plan.cache == CacheLabel::Cold,
    };
    findings.extend(check_server(summary, check, &run.unread, (&label, round)));
    findings
}

/// The share of a window in which the loop was at work. Of a window that was cut short nothing can be said: most of the
/// work lies before it.
fn busy(work: Nanos, window: f64) -> f64 {
    if window < 1.0 { 0.0 } else { work.secs() / window }
}

/// A server that we started and that is gone before we stopped it: its numbers are those of its end.
async fn ended_early(server: &mut Server, round: u32) -> Option<Finding> {
    let (how, log) = server.ended().await?;
    Some(Finding {
        severity: Severity::Invalid,
        code: "server_ended".to_owned(),
        message: format!("the server ended in the round: {how}"),
        hint: Some(Hint::new(format!("{} holds its last words", log.display()))),
        level: None,
        round: Some(round),
    })
}

/// Answers that could not wait for the tokenizer.
fn uncounted(answers: u64, round: u32) -> Option<Finding> {
    (answers > 0).then(|| Finding {
        severity: Severity::Warning,
        code: "uncounted_answers".to_owned(),
        message: format!(
            "{answers} answers came without usage when no more could be kept for the tokenizer: their tokens are counted by chunks"
        ),
        hint: Some(Hint::new("let the server report usage, or measure for a shorter time")),
        level: None,
        round: Some(round),
    })
}

/// What lateness of the client is to be held against.
fn tail(summary: &Summary) -> Nanos {
    let p95 = |metric| summary.value(MetricKey::quantile(metric, 950));
    Nanos::from_ms(p95(Metric::Ttft).or_else(|| p95(Metric::E2e)).unwrap_or(0.0))
}

pub(super) fn incomplete_rows(message: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "requests_file".to_owned(),
        message: format!("the file of requests is incomplete: {message}"),
        hint: Some(Hint::new(
            "free the disk or choose another place with --output; the numbers above are whole",
        )),
        level: None,
        round: None,
    }
}
