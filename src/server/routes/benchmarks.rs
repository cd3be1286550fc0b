//! Starting, listing, showing, cancelling and deleting benchmarks.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use tracing::info;

use super::{found, json, no_benchmark, result};
use crate::app::service::{masked, shown_command};
use crate::config::Resolved;
use crate::document::v1::service::{
    BenchmarkAsk, BenchmarkDetail, BenchmarkDocument, BenchmarkPage, CheckedDocument, OriginDocument,
    StateDocument,
};
use crate::host::{RealClock, epoch, nonce};
use crate::server::bodies::Json;
use crate::server::endpoints::{SORTS, STATES};
use crate::server::enter::DELETE_SCOPE;
use crate::server::events::Hub;
use crate::server::house::Shared;
use crate::server::identity::Identity;
use crate::server::problem::{Answer, Problem};
use crate::server::query::Asked;
use crate::server::queue::{Job, Queue, Stopped, WAITING_MAX};
use crate::store::{Kept, Sort, Wanted};

/// `POST /api/v1/benchmarks`
pub(in crate::server) async fn start(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
    Json(ask): Json<BenchmarkAsk>,
) -> Answer {
    check_words(&ask)?;
    let id = new_id()?;
    let resolved = house.plan(&ask, &house.folder(&id)).await?;
    if asked.flag("dry_run") == Some(true) {
        return Ok(json(&checked(&ask, &resolved)));
    }
    let benchmark = queued(id.clone(), &ask, &resolved);
    let full = || {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("{WAITING_MAX} benchmarks wait already, or this server ends"),
        )
        .hint("wait until some of them are over, or cancel them")
        .after(30)
    };
    let place = house.queue.reserve().ok_or_else(full)?;
    house.database.insert(&Kept { benchmark: benchmark.clone(), ask: masked(&ask) }).await?;
    info!(benchmark = %id, target = %benchmark.target, "asked for");
    let hub = Arc::new(Hub::new(benchmark));
    house.queue.push(Job { id: id.clone(), ask, resolved, hub: Arc::clone(&hub) });
    drop(place);
    Queue::pump(&house);
    let location = format!("/api/v1/benchmarks/{id}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], axum::Json(hub.state())).into_response())
}

/// `GET /api/v1/benchmarks`
pub(in crate::server) async fn list(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let states = asked.text("state").map(states).transpose()?.unwrap_or_default();
    let sort = match asked.text("sort") {
        None => Sort::Created,
        Some(word) => Sort::ALL
            .into_iter()
            .find(|sort| sort.id() == word)
            .ok_or_else(|| Problem::of("sort", format!("sort: it is one of {}", SORTS.join(", "))))?,
    };
    let wanted = Wanted {
        states,
        verdict: asked.owned("verdict"),
        workload: asked.owned("workload"),
        model: asked.owned("model"),
        hardware: asked.owned("hardware"),
        text: asked.owned("text"),
        sort,
        descending: asked.text("order") != Some("asc"),
        after: asked.owned("after"),
        limit: asked.count("limit").map_or(50, |limit| limit as u32),
    };
    let BenchmarkPage { items, total, next } = house.database.list(&wanted).await?;
    let items = items.into_iter().map(|item| house.queue.newest(item)).collect();
    Ok(json(&BenchmarkPage { items, total, next }))
}

/// `GET /api/v1/benchmarks/{id}`
pub(in crate::server) async fn show(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Answer {
    let Kept { benchmark, ask: _ } = found(&house, &id).await?;
    let result = if asked.flag("result") == Some(false) { None } else { house.database.result(&id).await? };
    Ok(json(&BenchmarkDetail { benchmark, result: result.map(Box::new) }))
}

/// `GET /api/v1/benchmark/run/{id}`
pub(in crate::server) async fn status(State(house): State<Shared>, Path(id): Path<String>) -> Answer {
    Ok(json(&found(&house, &id).await?.benchmark))
}

/// `GET /api/v1/benchmark/result/{id}`
pub(in crate::server) async fn only_result(State(house): State<Shared>, Path(id): Path<String>) -> Answer {
    Ok(json(&result(&house, &id).await?))
}

/// `DELETE /api/v1/benchmarks/{id}`
pub(in crate::server) async fn remove(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
) -> Answer {
    let Kept { benchmark, ask: _ } = found(&house, &id).await?;
    let told = match house.queue.stop(&id) {
        Stopped::Told(state) => *state,
        Stopped::Dequeued(job) => {
            let cancelled = BenchmarkDocument {
                state: StateDocument::Cancelled,
                ended: Some(RealClock::wall_ms()),
                ahead: None,
                ..job.hub.state()
            };
            let stored = house.database.update(&cancelled).await;
            job.hub.set_state(cancelled.clone());
            Queue::pump(&house);
            stored?;
            cancelled
        }
        Stopped::Unknown if !benchmark.state.is_over() => {
            return Err(Problem::conflict(format!("the benchmark {id} is just ending"))
                .hint("try again in a moment")
                .after(1));
        }
        Stopped::Unknown => {
            identity.needs(DELETE_SCOPE)?;
            return if house.database.delete(&id).await? {
                info!(benchmark = %id, key = identity.key, "deleted");
                Ok(StatusCode::NO_CONTENT.into_response())
            } else {
                Err(no_benchmark(&id))
            };
        }
    };
    info!(benchmark = %id, key = identity.key, "cancelled");
    Ok((StatusCode::ACCEPTED, axum::Json(told)).into_response())
}

/// A benchmark that nobody has measured yet.
fn queued(id: String, ask: &BenchmarkAsk, resolved: &Resolved) -> BenchmarkDocument {
    let plan = &resolved.plan;
    BenchmarkDocument {
        id,
        state: StateDocument::Queued,
        origin: OriginDocument::Api,
        purpose: ask.purpose,
        title: ask
            .title
            .clone()
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| plan.name.clone()),
        target: target(resolved),
        model: plan.model.clone(),
        hardware: plan.target.hardware.clone(),
        workload: Some(plan.name.clone()),
        workload_hash: Some(plan.workload_hash()),
        commit: ask.commit.clone().filter(|commit| !commit.trim().is_empty()),
        created: RealClock::wall_ms(),
        started: None,
        ended: None,
        ahead: None,
        verdict: None,
        partial: false,
        failure: None,
        command: shown_command(ask),
        brief: None,
        rows: None,
    }
}

fn checked(ask: &BenchmarkAsk, resolved: &Resolved) -> CheckedDocument {
    let plan = &resolved.plan;
    let levels = match plan.search {
        Some(_) => Vec::new(),
        None => plan.levels.iter().map(crate::workload::Level::label).collect(),
    };
    CheckedDocument { command: shown_command(ask), target: target(resolved), levels }
}

fn target(resolved: &Resolved) -> String {
    resolved.plan.target.base_urls.join(",")
}

/// Words of people, not of programs.
fn check_words(ask: &BenchmarkAsk) -> Result<(), Problem> {
    const WORDS_MAX: usize = 200;
    for (field, text) in [("title", &ask.title), ("commit", &ask.commit)] {
        let Some(text) = text else { continue };
        if text.chars().count() > WORDS_MAX || text.chars().any(char::is_control) {
            return Err(Problem::of(
                field,
                format!("{field}: it is longer than {WORDS_MAX} letters, or holds control characters"),
            ));
        }
    }
    Ok(())
}

fn states(text: &str) -> Result<Vec<StateDocument>, Problem> {
    text.split(',')
        .map(|word| {
            let found = StateDocument::ALL.into_iter().find(|state| state.id() == word.trim());
            found.ok_or_else(|| Problem::of("state", format!("state: it is one of {}", STATES.join(", "))))
        })
        .collect()
}

/// Microseconds and chance: later ones sort behind earlier ones, and nobody can guess one.
pub(super) fn new_id() -> Result<String, Problem> {
    let chance = nonce().map_err(|error| Problem::internal(error.to_string()))?;
    Ok(format!("{:014x}-{}", epoch().0 / 1_000, &chance[..8]))
}
