//! Rounds of a plan, one after the other, and what was found in them.

use std::path::Path;

use super::error::AppError;
use super::measure::{Bench, LevelRun, Turn};
use super::outputs::{self, unwritable};
use super::server::{self, Server};
use super::start;
use super::watch::Watcher;
use crate::base::{Hint, Nanos, Seed};
use crate::config::{Resolved, RunPlan};
use crate::document::v1::{RoundParts, RunDocument, RunParts};
use crate::engine::Stop;
use crate::gate::{RoundValues, Verdict};
use crate::host::{Journal, RealClock, files, limits};
use crate::metrics::Summary;
use crate::record::{Environment, Metric, MetricKey};
use crate::search::Search;
use crate::validity::{ClientLoad, Finding, Severity, check_client, check_level};
use crate::workload::{Level, Pace, Servers, Source, SourceError, TokenCounter};

/// Everything that was measured.
pub(super) struct Measurement {
    pub(super) rounds: Vec<Round>,
    pub(super) findings: Vec<Finding>,
    pub(super) environment: Environment,
    /// Stopped before its end.
    pub(super) partial: bool,
    /// When it began, RFC 3339.
    pub(super) created: String,
    /// The wall clock at the zero of every instant, RFC 3339.
    pub(super) clock_origin: String,
}

/// One pass over the plan's levels.
pub(super) struct Round {
    pub(super) number: u32,
    pub(super) seed: Seed,
    pub(super) levels: Vec<(String, Summary)>,
}

/// Larger than any tokenizer or prompt file that fits in memory beside its use.
const INPUT_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// The seed of a round: fresh prompts and arrivals for each, the same ones for the same plan.
pub(super) fn round_seed(plan: &RunPlan, round: u32) -> Seed {
    plan.seed.child("round").at(u64::from(round))
}

/// Checks what can be checked before anything is sent, reads the plan's files and opens its server.
pub(super) async fn open(resolved: &Resolved) -> Result<(Bench<'_>, Server), AppError> {
    outputs::check(&resolved.outputs)?;
    let bench = bench(&resolved.plan, RealClock::start())?;
    let server = server::open(&resolved.plan, resolved.api_key.as_ref(), 1).await?;
    Ok((bench, server))
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
    for line in introduction(bench) {
        watcher.note(&line);
    }
    start::wait(bench.plan.start_at, watcher, stop).await?;
    Ok((journal, measured))
}

/// What the plan's files and tokenizer say.
fn bench(plan: &RunPlan, clock: RealClock) -> Result<Bench<'_>, AppError> {
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
    if server::simulated(plan.target.base_url()).is_some() { 2 } else { 1 }
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

/// Measures all rounds. A server that this tool starts is started anew for each, so that a start's luck is not
/// mistaken for the code's.
pub(super) async fn measure(
    bench: &Bench<'_>,
    first: Server,
    resolved: &Resolved,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<Measurement, AppError> {
    let plan = bench.plan;
    let (journal, mut measured) = begin(bench, &first, &resolved.outputs.requests, watcher, stop).await?;
    let mut journal = Some(journal);
    let mut server = first;
    for number in 1..=plan.gate.rounds {
        if number > 1 && server.restarts() {
            drop(server);
            server = server::open(plan, resolved.api_key.as_ref(), u64::from(number)).await?;
        }
        let seed = round_seed(plan, number);
        let mut round = Round { number, seed, levels: Vec::new() };
        for level in &plan.levels {
            let turn = Turn {
                level: level.clone(),
                shard: plan.shard,
                round: number,
                rounds: plan.gate.rounds,
                seed,
                warmup: None,
                source: bench.source.clone(),
            };
            let mut run = bench.level(&server, &turn, journal.take(), watcher, stop).await?;
            journal = run.recorded.journal.take();
            measured.partial |= run.measured.interrupted;
            measured.findings.extend(findings(plan, &run, number));
            round.levels.push((level.label(), run.recorded.summary));
            if measured.partial {
                break;
            }
        }
        measured.rounds.push(round);
        if measured.partial {
            break;
        }
    }
    if let Some(Err(error)) = journal.map(Journal::close) {
        measured.findings.push(incomplete_rows(&error.to_string()));
    }
    Ok(measured)
}

/// What the reader should know of the load before it starts.
fn introduction(bench: &Bench<'_>) -> Vec<String> {
    let shard = bench.plan.shard;
    let part = format!("this is shard {shard} (counted from 0): one of {} parts of the load", shard.count());
    bench.source.notes().into_iter().chain((!shard.is_whole()).then_some(part)).collect()
}

/// What is to be known about the numbers of one level.
pub(super) fn findings(plan: &RunPlan, run: &LevelRun, round: u32) -> Vec<Finding> {
    let label = run.level.label();
    let summary = &run.recorded.summary;
    let client = ClientLoad {
        cpu_share: run.cpu_share,
        loop_busy: run.measured.lag.busy.secs() / summary.window.secs().max(1e-9),
        loop_lag_p99: run.measured.lag.p99,
        loop_lag_max: run.measured.lag.max,
        tail: tail(summary),
    };
    let mut findings = check_level(summary, plan, &run.level, run.due.as_deref(), round);
    let others = check_client(&client, round).into_iter().chain(uncounted(run.recorded.uncounted, round));
    findings.extend(others.map(|finding| Finding { level: Some(label.clone()), ..finding }));
    findings
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

impl Measurement {
    /// Nothing yet, from now on, by this clock.
    fn new(environment: Environment, clock: &RealClock) -> Self {
        Self {
            rounds: Vec::new(),
            findings: Vec::new(),
            environment,
            partial: false,
            created: RealClock::wall(),
            clock_origin: clock.origin(),
        }
    }

    /// Rounds of one level as the gate reads them; an interrupted level's last round included only if it has requests.
    pub(super) fn values(&self, label: &str, keys: &[MetricKey]) -> Vec<RoundValues> {
        self.rounds
            .iter()
            .flat_map(|round| round.levels.iter().filter(|(name, _)| name == label))
            .map(|(_, summary)| RoundValues::read_with(summary, keys.iter().copied()))
            .collect()
    }

    pub(super) fn document(&self, plan: &RunPlan, verdict: Option<&Verdict>) -> RunDocument {
        self.build(plan, &plan.workload_hash(), verdict, None)
    }

    /// The result of a search; the hash is that of the plan that asked for it.
    pub(super) fn searched(&self, plan: &RunPlan, hash: &str, search: &Search) -> RunDocument {
        self.build(plan, hash, None, Some(search))
    }

    fn build(
        &self,
        plan: &RunPlan,
        hash: &str,
        verdict: Option<&Verdict>,
        search: Option<&Search>,
    ) -> RunDocument {
        let rounds: Vec<RoundParts<'_>> = self
            .rounds
            .iter()
            .map(|round| RoundParts {
                round: round.number,
                seed: round.seed,
                levels: round.levels.iter().map(|(label, summary)| (label.clone(), summary)).collect(),
            })
            .collect();
        RunDocument::new(RunParts {
            tool: env!("CARGO_PKG_VERSION"),
            created: &self.created,
            clock_origin: &self.clock_origin,
            partial: self.partial,
            plan,
            workload_hash: hash,
            environment: &self.environment,
            rounds: &rounds,
            findings: &self.findings,
            verdict,
            search,
        })
    }
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
