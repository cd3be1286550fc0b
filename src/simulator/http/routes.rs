//! What answers at which path, for each engine.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use futures_util::stream;

use super::api::{anthropic, llama_native, ollama, openai, pooling, responses, sglang_native, tgi, triton};
use super::clock::Clock;
use super::complete::{Post, Read, complete};
use super::declined::{Declined, Tongue};
use super::driver::Driver;
use super::truth::TruthLog;
use super::{grpc, meta};
use crate::base::{Nanos, Secret};
use crate::simulator::model::{Engine, SimSpec};

/// Bytes of a request's body at most: a full context of long words fits several times.
pub(super) const BODY_MAX: usize = 16 * 1024 * 1024;

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
    let engine = shared.spec.engine;
    let own = match engine {
        None => open_ai(engine).merge(pooled()).merge(ollama_api()).merge(triton_api()).merge(everything()),
        Some(Engine::Vllm) => open_ai(engine).merge(pooled()).merge(messages()).merge(meta::vllm()),
        Some(Engine::Sglang) => open_ai(engine)
            .merge(pooled())
            .route("/generate", asks(sglang_native::generate, Tongue::Flat))
            .merge(meta::sglang()),
        Some(Engine::LlamaServer) => open_ai(engine)
            .merge(pooled())
            .merge(messages())
            .route("/completion", asks(llama_native::completion, Tongue::LlamaServer))
            .merge(meta::llama_server()),
        Some(Engine::Ollama) => open_ai(engine)
            .merge(ollama_api())
            .route("/v1/embeddings", asks(pooling::embeddings, Tongue::Vllm))
            .merge(meta::ollama()),
        Some(Engine::TrtLlm) => open_ai(engine).merge(meta::trtllm()),
        Some(Engine::Tgi) => open_ai(engine)
            .merge(tgi_api())
            .route("/generate", asks(tgi::generate, Tongue::Tgi))
            .merge(meta::tgi()),
        Some(Engine::Triton) => triton_api().merge(meta::triton()),
        Some(Engine::Anthropic) => messages().merge(meta::anthropic()),
    };
    own.route("/sim/truth", get(show_truth).delete(clear_truth))
        .fallback(async move || meta::not_found(engine))
        .method_not_allowed_fallback(async move || meta::method_not_allowed(engine))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

fn open_ai(engine: Option<Engine>) -> Router<Shared> {
    let tongue = match engine {
        Some(Engine::Ollama | Engine::Tgi) => Tongue::Vllm,
        engine => Tongue::of(engine),
    };
    let routes = Router::new()
        .route("/v1/chat/completions", asks(openai::chat, tongue))
        .route("/v1/completions", asks(openai::completions, tongue))
        .route("/v1/models", get(meta::models));
    if matches!(engine, Some(Engine::Tgi)) {
        return routes;
    }
    routes.route("/v1/responses", asks(responses::read, tongue))
}

fn pooled() -> Router<Shared> {
    Router::new()
        .route("/v1/embeddings", asks(pooling::embeddings, Tongue::Vllm))
        .route("/v1/rerank", asks(pooling::rerank, Tongue::Vllm))
        .route("/rerank", asks(pooling::rerank, Tongue::Vllm))
}

fn messages() -> Router<Shared> {
    Router::new().route("/v1/messages", asks(anthropic::read, Tongue::Anthropic))
}

fn ollama_api() -> Router<Shared> {
    Router::new()
        .route("/api/generate", asks(ollama::generate, Tongue::Ollama))
        .route("/api/chat", asks(ollama::chat, Tongue::Ollama))
        .route("/api/embed", asks(pooling::embed, Tongue::Ollama))
}

fn triton_api() -> Router<Shared> {
    let (generate, stream, infer) = (
        || asks(triton::generate, Tongue::Triton),
        || asks(triton::generate_stream, Tongue::Triton),
        || asks(triton::infer, Tongue::Triton),
    );
    Router::new()
        .route("/v2/models/{model}/generate", generate())
        .route("/v2/models/{model}/versions/{version}/generate", generate())
        .route("/v2/models/{model}/generate_stream", stream())
        .route("/v2/models/{model}/versions/{version}/generate_stream", stream())
        .route("/v2/models/{model}/infer", infer())
        .route("/v2/models/{model}/versions/{version}/infer", infer())
        .route("/v2/models/{model}", get(meta::triton_model))
        .route("/v2/health/ready", get(meta::triton_ready))
        .route("/v2/health/live", get(async || StatusCode::OK))
        .route("/inference.GRPCInferenceService/{method}", post(grpc_call))
}

fn tgi_api() -> Router<Shared> {
    Router::new().route("/generate_stream", asks(tgi::generate_stream, Tongue::Tgi))
}

/// What else no two engines claim. Pages that only say which engine this is are left out: it is none of them.
fn everything() -> Router<Shared> {
    messages().merge(tgi_api()).merge(meta::nobody())
}

fn asks(read: Read, tongue: Tongue) -> MethodRouter<Shared> {
    post(
        async move |State(shared): State<Shared>,
                    Extension(Arrival(arrival)): Extension<Arrival>,
                    uri: Uri,
                    headers: HeaderMap,
                    body: Bytes| {
            complete(shared, read, tongue, Post { arrival, uri, headers, body }).await
        },
    )
}

async fn grpc_call(
    State(shared): State<Shared>,
    Extension(Arrival(arrival)): Extension<Arrival>,
    request: Request,
) -> Response<Body> {
    grpc::call(shared, arrival, request).await
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
    let engine = shared.spec.engine;
    let tongue = if path == "/v1/messages" { Tongue::Anthropic } else { Tongue::of(engine) };
    let api = path.starts_with("/v1") || path.starts_with("/generate") || path == "/rerank";
    if (api || path == "/health") && shared.clock.now() < shared.spec.start {
        return Declined::busy(StatusCode::SERVICE_UNAVAILABLE).respond(tongue);
    }
    if api && request.method() != Method::OPTIONS && !has_key(&shared.spec, request.headers()) {
        return meta::unauthorized(tongue);
    }
    let mut response = next.run(request).await;
    for (name, value) in meta::headers(engine) {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

/// As a bearer, or in the header of Anthropic's own.
fn has_key(spec: &SimSpec, headers: &HeaderMap) -> bool {
    let Some(key) = &spec.api_key else { return true };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| text("x-api-key")).is_some_and(|sent| Secret::new(sent) == *key)
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
