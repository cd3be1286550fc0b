//! `run`: measure once, write what was measured.

use super::error::AppError;
use super::outputs;
use super::preflight::preflight;
use super::rounds::{self, Measurement};
use super::search;
use super::server;
use super::watch::Watcher;
use crate::config::Resolved;
use crate::document::v1::RunDocument;
use crate::engine::Stop;
use crate::host::RealClock;

/// Measures the plan's levels, or searches from them, and writes result, rows and summary; an interrupted run is written as far as it came.
pub async fn run(
    resolved: &Resolved,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<RunDocument, AppError> {
    if let Some(asked) = &resolved.plan.search {
        return search::find(resolved, asked, watcher, stop).await;
    }
    let measured = measure(resolved, watcher, stop).await?;
    let document = measured.document(&resolved.plan, None);
    outputs::write(&document, &resolved.outputs)?;
    Ok(document)
}

async fn measure(
    resolved: &Resolved,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<Measurement, AppError> {
    let (plan, key) = (&resolved.plan, resolved.api_key.as_ref());
    outputs::check(&resolved.outputs)?;
    let bench = rounds::bench(plan, RealClock::start())?;
    let server = server::open(plan, key, 1).await?;
    preflight(&bench, &server, stop).await?;
    rounds::measure(&bench, server, key, &resolved.outputs.requests, watcher, stop).await
}
