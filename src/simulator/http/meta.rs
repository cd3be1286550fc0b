//! What each engine tells about itself: models, health, versions, and what it says where nothing is.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::api::triton::{MODEL_VERSION, known_model};
use super::api::vllm::FINGERPRINT;
use super::clock::{rfc3339, unix_seconds};
use super::declined::{Declined, Tongue, answer};
use super::metrics;
use super::routes::Shared;
use crate::simulator::model::{Engine, SimSpec};

/// The version that is told where only numbers will do.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The pages of a server that claims to be no engine.
pub(super) fn nobody() -> Router<Shared> {
    vllm()
}

pub(super) fn vllm() -> Router<Shared> {
    common().route("/version", get(version)).route("/metrics", get(show_metrics))
}

pub(super) fn sglang() -> Router<Shared> {
    common()
        .route("/metrics", get(show_metrics))
        .route("/get_model_info", get(sglang_model))
        .route("/model_info", get(sglang_model))
}

pub(super) fn llama_server() -> Router<Shared> {
    Router::new()
        .route("/health", get(async || page(&json!({"status": "ok"}))))
        .route("/props", get(llama_props))
        .route("/metrics", get(show_metrics))
}

pub(super) fn ollama() -> Router<Shared> {
    Router::new()
        .route("/", get(async || text("text/plain; charset=utf-8", "Ollama is running")))
        .route("/api/version", get(async || page(&json!({"version": VERSION}))))
        .route("/api/tags", get(ollama_tags))
        .route("/api/ps", get(ollama_running))
}

pub(super) fn trtllm() -> Router<Shared> {
    common()
        .route("/version", get(async || page(&json!({"version": VERSION}))))
        .route("/metrics", get(trtllm_iterations))
        .route("/prometheus/metrics", get(show_metrics))
}

pub(super) fn tgi() -> Router<Shared> {
    common().route("/info", get(tgi_info)).route("/metrics", get(show_metrics))
}

pub(super) fn triton() -> Router<Shared> {
    Router::new()
        .route("/v2", get(triton_server))
        .route("/v2/repository/index", post(triton_index))
        .route("/v2/models/{model}/ready", get(triton_model_ready))
        .route("/metrics", get(show_metrics))
}

pub(super) fn anthropic() -> Router<Shared> {
    Router::new().route("/v1/models", get(anthropic_models))
}

fn common() -> Router<Shared> {
    Router::new().route("/health", get(async || StatusCode::OK))
}

/// Headers that every answer of an engine carries.
pub(super) fn headers(engine: Option<Engine>) -> &'static [(&'static str, &'static str)] {
    match engine {
        Some(Engine::Vllm | Engine::Sglang | Engine::TrtLlm) => &[("server", "uvicorn")],
        Some(Engine::LlamaServer) => &[("server", "llama.cpp")],
        None | Some(Engine::Ollama | Engine::Tgi | Engine::Triton | Engine::Anthropic) => &[],
    }
}

pub(super) fn not_found(engine: Option<Engine>) -> Response<Body> {
    let json = match engine {
        None | Some(Engine::Vllm | Engine::Sglang | Engine::TrtLlm) => json!({"detail": "Not Found"}),
        Some(Engine::Ollama) => {
            let mut response = text("text/plain", "404 page not found");
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        Some(Engine::Tgi) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
        Some(Engine::LlamaServer) => {
            Declined::unknown_model("File Not Found".to_owned()).told(Tongue::LlamaServer)
        }
        Some(engine @ (Engine::Triton | Engine::Anthropic)) => {
            Declined::unknown_model("Not Found".to_owned()).told(Tongue::of(Some(engine)))
        }
    };
    answer(StatusCode::NOT_FOUND, json.to_string())
}

pub(super) fn method_not_allowed(engine: Option<Engine>) -> Response<Body> {
    match engine {
        None | Some(Engine::Vllm | Engine::Sglang | Engine::TrtLlm) => {
            answer(StatusCode::METHOD_NOT_ALLOWED, json!({"detail": "Method Not Allowed"}).to_string())
        }
        // The others route by method and path together, so a wrong method is a wrong path.
        engine => not_found(engine),
    }
}

pub(super) fn unauthorized(tongue: Tongue) -> Response<Body> {
    let json = match tongue {
        Tongue::LlamaServer => {
            json!({"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}})
        }
        Tongue::Anthropic => {
            let status = StatusCode::UNAUTHORIZED;
            Declined { status, ..Declined::invalid("invalid x-api-key") }.told(tongue)
        }
        Tongue::Vllm | Tongue::Flat | Tongue::Ollama | Tongue::Triton | Tongue::Tgi => {
            json!({"error": "Unauthorized"})
        }
    };
    answer(StatusCode::UNAUTHORIZED, json.to_string())
}

/// OpenAI's list of models, with each engine's name in `owned_by`.
pub(super) async fn models(State(shared): State<Shared>) -> Response<Body> {
    let SimSpec { model, adapters, .. } = &*shared.spec;
    let adapters = adapters.iter().map(|adapter| listed(&shared.spec, adapter, Some(model)));
    let data: Vec<_> = std::iter::once(listed(&shared.spec, model, None)).chain(adapters).collect();
    page(&json!({"object": "list", "data": data}))
}

fn listed(spec: &SimSpec, id: &str, parent: Option<&str>) -> Value {
    let entry =
        |owner: &str| json!({"id": id, "object": "model", "created": unix_seconds(), "owned_by": owner});
    let mut entry = match spec.engine {
        None | Some(Engine::Vllm) => entry("vllm"),
        Some(Engine::Sglang) => entry("sglang"),
        Some(Engine::LlamaServer) => {
            let mut entry = entry("llamacpp");
            entry["meta"] = json!({"n_ctx": spec.profile.context, "n_ctx_train": spec.profile.context});
            return entry;
        }
        Some(Engine::TrtLlm) => return entry("tensorrt_llm"),
        // A model's owner is the registry's shelf it stands on, and for TGI the model itself.
        Some(Engine::Tgi) => return entry(id),
        Some(Engine::Ollama | Engine::Triton | Engine::Anthropic) => return entry("library"),
    };
    entry["root"] = json!(format!("sim/{}", spec.profile.name));
    entry["parent"] = json!(parent);
    entry["max_model_len"] = json!(spec.profile.context);
    entry
}

async fn version() -> Response<Body> {
    page(&json!({"version": FINGERPRINT}))
}

async fn show_metrics(State(shared): State<Shared>) -> Response<Body> {
    let Some(snapshot) = shared.driver.snapshot().await else {
        return Declined::busy(StatusCode::SERVICE_UNAVAILABLE).respond(Tongue::of(shared.spec.engine));
    };
    text("text/plain; version=1.0.0; charset=utf-8", metrics::render(&snapshot, &shared.spec))
}

/// What `trtllm-serve` keeps at this path: statistics of iterations as JSON, of which the latest is shown.
async fn trtllm_iterations(State(shared): State<Shared>) -> Response<Body> {
    let Some(snapshot) = shared.driver.snapshot().await else {
        return Declined::busy(StatusCode::SERVICE_UNAVAILABLE).respond(Tongue::Flat);
    };
    let (counters, gauges) = (&snapshot.counters, &snapshot.gauges);
    let blocks = shared.spec.profile.kv_blocks;
    let used = (gauges.kv_usage * f64::from(blocks)).round();
    page(&json!([{"iter": counters.steps, "numActiveRequests": gauges.running + gauges.waiting,
        "numQueuedRequests": gauges.waiting, "inflightBatchingStats": {"numScheduledRequests": gauges.running},
        "kvCacheStats": {"maxNumBlocks": blocks, "usedNumBlocks": used, "freeNumBlocks": f64::from(blocks) - used,
        "tokensPerBlock": 16}}]))
}

async fn sglang_model(State(shared): State<Shared>) -> Response<Body> {
    let SimSpec { model, profile, .. } = &*shared.spec;
    page(&json!({"model_path": format!("sim/{}", profile.name), "served_model_name": model,
        "tokenizer_path": format!("sim/{}", profile.name), "is_generation": true,
        "preferred_sampling_params": null, "weight_version": "default"}))
}

async fn llama_props(State(shared): State<Shared>) -> Response<Body> {
    let SimSpec { model, profile, .. } = &*shared.spec;
    page(&json!({"default_generation_settings": {"n_ctx": profile.context}, "total_slots": profile.max_batch,
        "model_alias": model, "model_path": format!("sim/{}.gguf", profile.name), "endpoint_slots": false,
        "endpoint_props": false, "endpoint_metrics": true, "build_info": FINGERPRINT}))
}

fn ollama_entry(name: &str) -> Value {
    json!({"name": name, "model": name, "size": 0, "digest": "0".repeat(64),
        "details": {"parent_model": "", "format": "gguf", "family": "sim", "families": ["sim"],
        "parameter_size": "", "quantization_level": ""}})
}

fn ollama_models(spec: &SimSpec, moment: &str, at: u64) -> Response<Body> {
    let names = std::iter::once(&spec.model).chain(&spec.adapters);
    let models: Vec<Value> = names
        .map(|name| {
            let mut entry = ollama_entry(name);
            entry[moment] = json!(rfc3339(at));
            entry
        })
        .collect();
    page(&json!({"models": models}))
}

async fn ollama_tags(State(shared): State<Shared>) -> Response<Body> {
    ollama_models(&shared.spec, "modified_at", unix_seconds())
}

/// The models that are loaded, which is all of them, for the next five minutes.
async fn ollama_running(State(shared): State<Shared>) -> Response<Body> {
    ollama_models(&shared.spec, "expires_at", unix_seconds() + 300)
}

async fn tgi_info(State(shared): State<Shared>) -> Response<Body> {
    let SimSpec { model, profile, .. } = &*shared.spec;
    page(&json!({"model_id": model, "model_sha": null, "model_pipeline_tag": "text-generation",
        "max_concurrent_requests": profile.max_batch, "max_input_tokens": profile.context - 1,
        "max_total_tokens": profile.context, "router": "text-generation-router", "version": VERSION}))
}

async fn triton_server() -> Response<Body> {
    page(&json!({"name": "triton", "version": VERSION,
        "extensions": ["sequence", "model_repository", "parameters", "statistics"]}))
}

pub(super) async fn triton_ready(State(shared): State<Shared>) -> StatusCode {
    if shared.clock.now() < shared.spec.start { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}

async fn triton_model_ready(State(shared): State<Shared>, Path(model): Path<String>) -> Response<Body> {
    match known_model(&shared.spec, Some(&model)) {
        Ok(_) => Response::new(Body::empty()),
        Err(declined) => declined.respond(Tongue::Triton),
    }
}

pub(super) async fn triton_model(State(shared): State<Shared>, Path(model): Path<String>) -> Response<Body> {
    let model = match known_model(&shared.spec, Some(&model)) {
        Ok(model) => model,
        Err(declined) => return declined.respond(Tongue::Triton),
    };
    let tensor = |name: &str, datatype: &str| json!({"name": name, "datatype": datatype, "shape": [1]});
    page(&json!({"name": model, "versions": [MODEL_VERSION], "platform": "python",
        "inputs": [tensor("text_input", "BYTES"), tensor("max_tokens", "INT32"), tensor("stream", "BOOL")],
        "outputs": [tensor("text_output", "BYTES")]}))
}

async fn triton_index(State(shared): State<Shared>) -> Response<Body> {
    let names = std::iter::once(&shared.spec.model).chain(&shared.spec.adapters);
    let entries: Vec<Value> =
        names.map(|name| json!({"name": name, "version": MODEL_VERSION, "state": "READY"})).collect();
    page(&json!(entries))
}

async fn anthropic_models(State(shared): State<Shared>) -> Response<Body> {
    let names = || std::iter::once(&shared.spec.model).chain(&shared.spec.adapters);
    let data: Vec<Value> = names()
        .map(|name| {
            json!({"type": "model", "id": name, "display_name": name, "created_at": rfc3339(unix_seconds())})
        })
        .collect();
    page(&json!({"data": data, "has_more": false, "first_id": names().next(), "last_id": names().last()}))
}

fn page(json: &Value) -> Response<Body> {
    answer(StatusCode::OK, json.to_string())
}

fn text(kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
