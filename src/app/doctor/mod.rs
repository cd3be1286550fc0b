//! `doctor`: what an expert would look at when a load test fails or its numbers look wrong.

mod ask;
mod place;

use std::time::Duration;

use super::error::AppError;
use super::measure::{Bench, LevelRun, Turn};
use super::place::{self as places, Found};
use super::recognise;
use super::rounds;
use super::server::{self, Server};
use super::watch::{Silent, Watcher};
use crate::base::Nanos;
use crate::config::Resolved;
use crate::diagnosis::{Check, Facts, Parallel, Reach, Speed, diagnose};
use crate::document::v1::{DoctorDocument, DoctorParts};
use crate::engine::Stop;
use crate::host::RealClock;
use crate::protocol::Adapter;
use crate::record::{Arm, Metric, MetricKey};
use crate::report;
use crate::simulator::http::Simulator;
use crate::transport::{Address, Control, HttpOptions, Knocked, knock};
use crate::workload::{Level, Limit, Load, Shard};

/// Requests of the client that is alone, and of each that is not.
const EACH: u64 = 3;
/// Longest wait for one whole answer.
const PATIENCE: Duration = Duration::from_mins(2);

/// Looks at everything, from the name to the batch. `clients` are those that ask at once.
pub async fn doctor(
    resolved: &Resolved,
    clients: u32,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<DoctorDocument, AppError> {
    let known = recognise::recognise(resolved, (&mut *watcher, stop)).await?;
    let resolved = known.as_ref().unwrap_or(resolved);
    let bench = rounds::bench(&resolved.plan, RealClock::start())?;
    // A simulated server has to be there before anyone can knock at it.
    let (simulators, options) = place(resolved)?;
    let knocked = knock(&options)?;
    let advice = options.address.advice();
    let facts = Facts {
        url: options.address.url(),
        place: place::place(advice),
        reach: reach(&options.address, &knocked),
        service: None,
        whole: None,
        stream: None,
        repeat: None,
        parallel: None,
    };
    let facts = match facts.reach {
        Reach::Open { .. } => look(&bench, resolved, (&options, clients), facts, (watcher, stop)).await?,
        _ => facts,
    };
    drop(simulators);
    if stop.is_draining() {
        return Err(AppError::interrupted());
    }
    let checks: Vec<Check> = diagnose(&facts);
    Ok(DoctorDocument::new(&DoctorParts {
        tool: env!("CARGO_PKG_VERSION"),
        created: &RealClock::wall(),
        server: &resolved.plan.target.name,
        adapter: resolved.plan.adapter.map(Adapter::id),
        api: resolved.plan.api.id(),
        checks: &checks,
    }))
}

/// The diagnosis as text: JSON, or sentences for a terminal.
pub fn render_doctor(document: &DoctorDocument, json: bool, colour: bool) -> String {
    if json {
        return document.to_json();
    }
    report::console::render_doctor(
        document,
        report::console::Style { color: colour, width: super::documents::WIDTH },
    )
}

/// Where to knock: the address that was given, or that of a simulator started for it, which stands while it is held.
fn place(resolved: &Resolved) -> Result<(Vec<Simulator>, HttpOptions), AppError> {
    let Found { servers, simulators, .. } = places::find(resolved, &resolved.plan.target.base_urls, 1)?;
    let options = servers.into_iter().next();
    Ok((simulators, options.ok_or_else(|| AppError::usage("no server is given", "add --server URL"))?))
}

fn reach(address: &Address, knocked: &Knocked) -> Reach {
    let Knocked { addresses, lookup, tried, tls } = knocked;
    let host = address.bare_host().to_owned();
    let addresses = match addresses {
        Err(why) => return Reach::NoName { host, why: why.clone() },
        Ok(addresses) if addresses.is_empty() => {
            return Reach::NoName { host, why: "its name stands for nothing".to_owned() };
        }
        Ok(addresses) => addresses,
    };
    let refused: Vec<(String, String)> = tried
        .iter()
        .filter_map(|(place, outcome)| Some((place.to_string(), outcome.as_ref().err()?.clone())))
        .collect();
    let Some((place, connect)) =
        tried.iter().find_map(|(place, outcome)| Some((place, *outcome.as_ref().ok()?)))
    else {
        return Reach::NoConnection { tried: refused, loopback: address.is_loopback() };
    };
    match tls {
        Some(Err(why)) => Reach::NoTls { address: place.to_string(), why: why.clone() },
        shaken => {
            let others = addresses.iter().filter(|other| *other != place).map(ToString::to_string);
            Reach::Open {
                addresses: std::iter::once(place.to_string()).chain(others).collect(),
                lookup: *lookup,
                connect,
                tls: shaken.as_ref().and_then(|shaken| shaken.as_ref().ok().copied()),
                refused,
            }
        }
    }
}

/// Everything beyond the connection, as far as each step allows the next.
async fn look(
    bench: &Bench<'_>,
    resolved: &Resolved,
    (options, clients): (&HttpOptions, u32),
    facts: Facts,
    (watcher, stop): (&mut dyn Watcher, &Stop),
) -> Result<Facts, AppError> {
    let plan = bench.plan;
    let control = Control::new(options)?;
    if plan.api.is_grpc() {
        // What is asked over HTTP here has another port there.
        let parallel = parallel(bench, resolved, clients, (watcher, stop)).await?;
        return Ok(Facts { parallel: Some(parallel), ..facts });
    }
    let service = place::service(&control, plan).await;
    let Some(model) = service.model.clone() else {
        return Ok(Facts { service: Some(service), ..facts });
    };
    watcher.note("asking once, then streaming, then with several clients at once");
    let mut facts = Facts { service: Some(service), ..facts };
    let one = ask::Question { bench, control: &control, model: &model, patience: PATIENCE };
    let whole = one.whole().await?;
    let works = whole.verdict.is_ok();
    facts.whole = Some(whole);
    if works && plan.api.generates() && plan.stream {
        let stream = one.streamed(0).await?;
        if stream.verdict.is_ok() {
            facts.repeat = Some(ask::repeat(&one.streamed(0).await?));
        }
        facts.stream = Some(stream);
    }
    if !works || facts.stream.as_ref().is_some_and(|stream| stream.verdict.is_err()) {
        return Ok(facts);
    }
    facts.parallel = Some(parallel(bench, resolved, clients, (watcher, stop)).await?);
    Ok(facts)
}

/// One client, and then several, with as many requests each.
async fn parallel(
    bench: &Bench<'_>,
    resolved: &Resolved,
    clients: u32,
    (watcher, stop): (&mut dyn Watcher, &Stop),
) -> Result<Parallel, AppError> {
    let server = server::open(resolved, Arm::Candidate, 1, (watcher, stop)).await?;
    let alone = speed(&level(bench, &server, 1, stop).await?);
    let together = speed(&level(bench, &server, clients, stop).await?);
    Ok(Parallel { clients, alone, together })
}

async fn level(bench: &Bench<'_>, server: &Server, clients: u32, stop: &Stop) -> Result<LevelRun, AppError> {
    let load = Load::Closed { concurrency: clients, ramp_up: Nanos::ZERO };
    let turn = Turn {
        level: Level { load, limit: Limit::Requests(EACH * u64::from(clients)) },
        shard: Shard::WHOLE,
        round: 0,
        rounds: 0,
        arm: None,
        seed: bench.plan.seed.child("doctor").at(u64::from(clients)),
        warmup: Some(1),
        source: bench.source.clone(),
    };
    bench.level(server, &turn, None, &mut Silent, stop).await
}

fn speed(run: &LevelRun) -> Speed {
    let summary = &run.recorded.summary;
    let median = |metric| summary.value(MetricKey::quantile(metric, 500));
    let failures: Vec<String> =
        summary.failures.iter().map(|(class, count)| format!("{class} {count}")).collect();
    Speed {
        requests: summary.values.get(&Metric::RequestThroughput).copied().unwrap_or(0.0),
        ttft_ms: median(Metric::Ttft),
        e2e_ms: median(Metric::E2e),
        offered: summary.offered,
        succeeded: summary.succeeded,
        failures: (!failures.is_empty()).then(|| failures.join(", ")),
    }
}
