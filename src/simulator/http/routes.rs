//! What answers at which path.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use axum::{Extension, Router};
use futures_util::stream;
use serde_json::json;
use tokio::sync::mpsc;

use super::answer::{FINGERPRINT, Voice};
use super::clock::{Clock, unix_seconds};
use super::driver::{Driver, Entry};
use super::metrics;
use super::openai::{Api, Declined, Wanted, answer, read};
use super::stream::Flight;
use super::truth::{TruthLog, TruthOutcome, TruthRow};
use crate::base::{Nanos, Secret};
use crate::simulator::model::{Refusal, SimAsk, SimSpec};

/// Bytes of a request's body at most: a full context of long words fits several times.
const BODY_MAX: usize = 16 * 1024 * 1024;

/// What every handler shares.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub spec: Arc<SimSpec>,
    pub driver: Driver,
    pub clock: Clock,
    pub log: TruthLog,
    /// Numbers the requests, for their ids.
    pub requests: Arc<AtomicU64>,
}

pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/models", get(models))
        .route("/health", get(health))
        .route("/version", get(version))
        .route("/metrics", get(show_metrics))
        .route("/sim/truth", get(show_truth).delete(clear_truth))
        .fallback(async || answer(StatusCode::NOT_FOUND, json!({"detail": "Not Found"}).to_string()))
        .method_not_allowed_fallback(async || {
            answer(StatusCode::METHOD_NOT_ALLOWED, json!({"detail": "Method Not Allowed"}).to_string())
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

/// When a request's head was read.
#[derive(Debug, Clone, Copy)]
struct Arrival(Nanos);

/// Keeps the API shut while the server starts, and from those without the key, as vLLM does for `/v1`.
async fn guard(State(shared): State<Shared>, mut request: Request, next: Next) -> Response<Body> {
    request.extensions_mut().insert(Arrival(shared.clock.now()));
    // In a burst every arrival is noted before the first body is parsed, or the last would seem to have come late.
    tokio::task::yield_now().await;
    let path = request.uri().path();
    let api = path.starts_with("/v1");
    if (api || path == "/health") && shared.clock.now() < shared.spec.start {
        return Declined::busy(StatusCode::SERVICE_UNAVAILABLE).into_response();
    }
    if api && request.method() != Method::OPTIONS && !has_key(&shared.spec, request.headers()) {
        return answer(StatusCode::UNAUTHORIZED, json!({"error": "Unauthorized"}).to_string());
    }
    next.run(request).await
}

fn has_key(spec: &SimSpec, headers: &HeaderMap) -> bool {
    let Some(key) = &spec.api_key else { return true };
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    sent.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|sent| Secret::new(sent) == *key)
}

type Asked = (Extension<Arrival>, HeaderMap, Bytes);

async fn chat(
    State(shared): State<Shared>,
    arrival: Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    complete(shared, Api::Chat, (arrival, headers, body)).await
}

async fn completions(
    State(shared): State<Shared>,
    arrival: Extension<Arrival>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    complete(shared, Api::Completions, (arrival, headers, body)).await
}

async fn complete(shared: Shared, api: Api, asked: Asked) -> Response<Body> {
    let (Extension(Arrival(arrival)), headers, body) = &asked;
    let wanted = match read(api, body, &shared.spec) {
        Ok(wanted) => wanted,
        Err(declined) => return declined.into_response(),
    };
    let Wanted { model, prompt, max_tokens, stream, usage } = wanted;
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let prompt_tokens = prompt.tokens as u32;
    let voice = Voice {
        api,
        id: format!("{}-{number:016x}", api.prefix()),
        created: unix_seconds(),
        model: model.unwrap_or_else(|| shared.spec.model.clone()),
        prompt_tokens,
        salt: number,
        usage,
        usage_known: shared.spec.usage,
    };
    let row = TruthRow {
        request_id: request_id(headers).unwrap_or_else(|| voice.id.clone()),
        received_ns: arrival.0,
        planned_ns: Vec::new(),
        written_ns: Vec::new(),
        prompt_tokens,
        output_tokens: 0,
        outcome: TruthOutcome::Cancelled,
    };
    // Room for every token and the ending, so that the driver never waits for a slow reader.
    let (sink, emissions) = mpsc::channel(max_tokens as usize + 1);
    let ask = SimAsk { prompt_tokens, max_tokens, prefix_blocks: prompt.blocks };
    let id = match shared.driver.submit(Entry { arrival: *arrival, ask, sink }).await {
        Some(Ok(id)) => id,
        refused => return refuse(&shared, row, refused.and_then(Result::err)),
    };
    let Shared { spec, driver, clock, log, requests: _ } = shared;
    let flight = Flight { voice, emissions, id, max_tokens, chunk: spec.chunk, driver, clock, log, row };
    if stream { flight.streamed() } else { flight.whole().await }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("x-request-id")?.to_str().ok()?.to_owned())
}

/// Answers for the model's refusal, or for a driver too busy to be asked, and logs the truth of it.
fn refuse(shared: &Shared, row: TruthRow, refusal: Option<Refusal>) -> Response<Body> {
    let (outcome, declined) = match refusal {
        Some(Refusal::Error) => (TruthOutcome::Failed, Declined::broken()),
        Some(Refusal::Reject) => (TruthOutcome::Rejected, Declined::busy(StatusCode::TOO_MANY_REQUESTS)),
        Some(refusal @ Refusal::Context { .. }) => {
            return Declined::bad(None, refusal.to_string()).into_response();
        }
        Some(Refusal::Starting) | None => {
            (TruthOutcome::Unavailable, Declined::busy(StatusCode::SERVICE_UNAVAILABLE))
        }
    };
    shared.log.push(TruthRow { outcome, ..row });
    declined.into_response()
}

async fn models(State(shared): State<Shared>) -> Response<Body> {
    let SimSpec { model, adapters, profile, .. } = &*shared.spec;
    let listed = |id: &str, parent: Option<&str>| {
        json!({"id": id, "object": "model", "created": unix_seconds(), "owned_by": "vllm",
            "root": format!("sim/{}", profile.name), "parent": parent, "max_model_len": profile.context})
    };
    let adapters = adapters.iter().map(|adapter| listed(adapter, Some(model)));
    let data: Vec<_> = std::iter::once(listed(model, None)).chain(adapters).collect();
    answer(StatusCode::OK, json!({"object": "list", "data": data}).to_string())
}

async fn health() -> StatusCode {
    StatusCode::OK
}

async fn version() -> Response<Body> {
    answer(StatusCode::OK, json!({"version": FINGERPRINT}).to_string())
}

async fn show_metrics(State(shared): State<Shared>) -> Response<Body> {
    let Some(snapshot) = shared.driver.snapshot().await else {
        return Declined::busy(StatusCode::SERVICE_UNAVAILABLE).into_response();
    };
    let mut response = Response::new(Body::from(metrics::render(&snapshot, &shared.spec.model)));
    let kind = HeaderValue::from_static("text/plain; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// One JSON line per request; the number of rows that made room for later ones is in a header.
async fn show_truth(State(shared): State<Shared>) -> Response<Body> {
    let lines = shared.log.rows().into_iter().map(|row| {
        let mut line = serde_json::to_vec(&*row).map_err(std::io::Error::other)?;
        line.push(b'\n');
        Ok::<_, std::io::Error>(line)
    });
    let mut response = Response::new(Body::from_stream(stream::iter(lines)));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert("x-dropped-rows", shared.log.dropped().into());
    response
}

async fn clear_truth(State(shared): State<Shared>) -> StatusCode {
    shared.log.clear();
    StatusCode::NO_CONTENT
}
