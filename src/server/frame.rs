//! Around everything: the id of each request, errors as problem+json, headers that browsers heed, the log and the counts.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{info, warn};

use super::door::Peer;
use super::enter::Route;
use super::house::Shared;
use super::identity::Identity;
use super::problem::Problem;
use crate::host::{RealClock, nonce};

/// The name under which the id of a request travels.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What a page of ours may do: load its own files and talk to its own server.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// What a report may do: be looked at.
pub(super) const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// The outermost layer.
pub(super) async fn frame(State(house): State<Shared>, request: Request, next: Next) -> Response {
    let id = id_of(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0.0);
    let clock = RealClock::start();
    let response = next.run(request).await;
    let mut response = with_problem(response, &id);
    dress(response.headers_mut());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let route = response.extensions().get::<Route>().map_or("other", |route| route.0);
    let status = response.status();
    house.meters.count_answer(verb(&method), route, status.as_u16());
    let ms = clock.now().ms();
    let key = response.extensions().get::<Identity>().and_then(|identity| identity.key.clone());
    let peer = peer.map(|peer| peer.to_string());
    // The query stays out: people paste keys into it.
    if status.is_server_error() {
        let detail = response.extensions().get::<Problem>().map(|problem| problem.detail.clone());
        warn!(request = %id, %method, path = %clipped(&path), status = status.as_u16(), ms, key, peer, detail, "answered");
    } else {
        info!(request = %id, %method, path = %clipped(&path), status = status.as_u16(), ms, key, peer, "answered");
    }
    response
}

/// A caller's own id where it is one, else a new one.
fn id_of(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_id = |text: &&str| {
        (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    match given.filter(is_id) {
        Some(given) => given.to_owned(),
        None => nonce().map_or_else(|_| "unknown".to_owned(), |id| id.chars().take(16).collect()),
    }
}

/// Every error has the same form, ours and the framework's.
fn with_problem(mut response: Response, id: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem =
        response.extensions().get::<Problem>().cloned().unwrap_or_else(|| Problem::of_status(status));
    let body = serde_json::to_vec(&problem.document(id)).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(body);
    response
}

fn dress(headers: &mut HeaderMap) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A report brings its own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Methods as labels: whatever else somebody sends is one.
fn verb(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

fn clipped(path: &str) -> String {
    path.chars().take(200).collect()
}

/// What a handler that panicked answers; the panic itself is in the log.
pub(super) fn after_panic(_panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.extensions_mut().insert(Problem::internal("this server has a bug in its answer"));
    response
}
