//! `run`: measure once, write what was measured.

use super::error::AppError;
use super::measurement::Measurement;
use super::outputs;
use super::recognise::recognise;
use super::rounds;
use super::search;
use super::watch::Watcher;
use crate::config::Resolved;
use crate::document::v1::RunDocument;
use crate::engine::Stop;

/// Measures the plan's levels, or searches from them, and writes result, rows and summary; an interrupted run is written as far as it came.
pub async fn run(
    resolved: &Resolved,
    watcher: &mut dyn Watcher,
    stop: &Stop,
) -> Result<RunDocument, AppError> {
    let known = recognise(resolved, (&mut *watcher, stop)).await?;
    let resolved = known.as_ref().unwrap_or(resolved);
    if let Some(asked) = &resolved.plan.search {
        return search::find(resolved, asked, watcher, stop).await;
    }
    let (bench, stage) = rounds::open(resolved, (&mut *watcher, stop)).await?;
    stage.preflight(&bench, stop).await?;
    let all = |_: &Measurement, _: &mut dyn Watcher| Ok(false);
    let measured = rounds::measure(&bench, stage, resolved, 1, (watcher, stop), all).await?;
    let document = measured.document(&resolved.plan, None, 0);
    watcher.measured(&document);
    outputs::write(&document, resolved)?;
    Ok(document)
}
