//! One request before any load: what would fail ten thousand times is better said once.

use super::error::AppError;
use super::measure::{Bench, Turn};
use super::server::Server;
use super::watch::Silent;
use crate::base::Nanos;
use crate::engine::Stop;
use crate::record::{Failure, FailureClass, Outcome};
use crate::workload::{Level, Limit, Load, Shard, Source};

/// A server that fails now and then deserves to be measured: its failures are part of the answer. One that fails
/// this often in a row has nothing to measure.
const TRIES: u64 = 8;

/// Asks each part's own kind of request, and each server, until one succeeds; otherwise the last failure, with what to
/// do about it.
pub(super) async fn preflight(bench: &Bench<'_>, server: &Server, stop: &Stop) -> Result<(), AppError> {
    for part in 0..bench.plan.parts.len() {
        ask_until_answered(bench, server, &bench.source.only(part), stop).await?;
    }
    for at in 1..server.servers.len() {
        ask_until_answered(bench, server, &bench.source.starting_at(at as u16), stop).await?;
    }
    Ok(())
}

async fn ask_until_answered(
    bench: &Bench<'_>,
    server: &Server,
    source: &Source,
    stop: &Stop,
) -> Result<(), AppError> {
    let mut last = None;
    for attempt in 0..TRIES {
        if stop.is_draining() {
            return Ok(());
        }
        let load = Load::Closed { concurrency: 1, ramp_up: Nanos::ZERO };
        let level = Level { load, limit: Limit::Requests(1) };
        let seed = bench.plan.seed.child("preflight").at(attempt);
        let turn = Turn {
            level,
            shard: Shard::WHOLE,
            round: 0,
            rounds: 0,
            arm: None,
            seed,
            warmup: Some(0),
            source: source.clone(),
        };
        let run = bench.level(server, &turn, None, &mut Silent, stop).await?;
        let Some(Outcome::Failed(failure)) = run.recorded.first else {
            return Ok(());
        };
        match failure.class {
            FailureClass::Cancelled => return Ok(()),
            class if !is_passing(class) => return Err(explain(&failure, bench, server)),
            _ => last = Some(failure),
        }
    }
    last.map_or(Ok(()), |failure| Err(explain(&failure, bench, server)))
}

/// Whether another request may fare better: refusals and silence stay what they are.
fn is_passing(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::Http429 | FailureClass::Http5xx | FailureClass::Truncated | FailureClass::InStreamError
    )
}

fn explain(failure: &Failure, bench: &Bench<'_>, server: &Server) -> AppError {
    let message = format!("the server cannot answer this workload: {failure}");
    let others: Vec<&str> =
        server.listed.iter().map(String::as_str).filter(|name| *name != server.model).collect();
    match (failure.class, failure.status) {
        (FailureClass::Http4xx, Some(401 | 403)) => {
            AppError::usage(message, "give a key with --api-key, or set OPENAI_API_KEY")
        }
        (FailureClass::Http4xx, Some(404)) if !others.is_empty() => AppError::usage(
            message,
            format!("--model is '{}'; the server lists: {}", server.model, others.join(", ")),
        ),
        (FailureClass::Http4xx, Some(404)) => AppError::usage(
            message,
            format!("does the server offer --api {}, and the model '{}'?", bench.plan.api.id(), server.model),
        ),
        (FailureClass::Http4xx, _) => AppError::usage(
            message,
            "check --input-len and --output-len against the model's context; --no-ignore-eos leaves out fields that only some engines know",
        ),
        (FailureClass::TimeoutFirstToken | FailureClass::TimeoutTotal | FailureClass::Stalled, _) => {
            AppError::environment(
                message,
                "is the model loaded? Raise --timeout-first-token, --timeout-stall or --timeout",
            )
        }
        (FailureClass::Malformed | FailureClass::Truncated, _) => AppError::environment(
            message,
            "the server answered without a usable stream: try --no-stream or another --api, and look into its log",
        ),
        _ => AppError::environment(message, "look into the server's log"),
    }
}
