//! The handlers, by what they are about.

pub(super) mod baselines;
pub(super) mod benchmarks;
pub(super) mod history;
pub(super) mod import;
pub(super) mod insight;
pub(super) mod live;
pub(super) mod rows;
pub(super) mod setup;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::house::House;
use super::problem::Problem;
use crate::document::v1::RunDocument;
use crate::store::Kept;

/// An answer of 200 in JSON.
fn json<T: Serialize>(value: &T) -> Response {
    Json(value).into_response()
}

/// A benchmark by its id, as new as this server knows it.
async fn found(house: &House, id: &str) -> Result<Kept, Problem> {
    let kept = if is_id(id) { house.database.find(id).await? } else { None };
    let Kept { benchmark, ask } = kept.ok_or_else(|| no_benchmark(id))?;
    Ok(Kept { benchmark: house.queue.newest(benchmark), ask })
}

/// The result of a benchmark.
async fn result(house: &House, id: &str) -> Result<RunDocument, Problem> {
    let Kept { benchmark, ask: _ } = found(house, id).await?;
    house.database.result(id).await?.ok_or_else(|| {
        let detail = format!("the benchmark {id} is {} and has no result", benchmark.state.id());
        Problem::conflict(detail).hint("wait until it is finished: its events say when")
    })
}

fn no_benchmark(id: &str) -> Problem {
    let id: String = id.chars().take(60).collect();
    Problem::missing(format!("there is no benchmark '{id}'")).hint("GET /api/v1/benchmarks lists them")
}

/// Ids are made here, so that what looks otherwise is none, and never reaches a path or a query.
fn is_id(text: &str) -> bool {
    text.len() == 23 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
