//! From the table of endpoints to routes: each row gets its handler and what stands before it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::assets;
use super::endpoints::{ENDPOINTS, Name, Verb};
use super::enter::{Entrance, check_host, enter};
use super::frame::{after_panic, frame};
use super::house::Shared;
use super::identity::Identity;
use super::problem::Problem;
use super::routes::{baselines, benchmarks, history, import, insight, live, rows, setup};

/// Every route of the server.
pub(super) fn router(house: &Shared) -> Router {
    let mut router = Router::new();
    for endpoint in ENDPOINTS {
        let entrance = Entrance { house: Arc::clone(house), endpoint };
        let filter = match endpoint.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Put => MethodFilter::PUT,
            Verb::Delete => MethodFilter::DELETE,
        };
        let route = handler(endpoint.name, filter)
            .layer(from_fn(remember))
            .route_layer(from_fn_with_state(entrance, enter));
        router = router.route(endpoint.path, route);
    }
    let house = Arc::clone(house);
    let page = Arc::clone(&house);
    router
        .fallback(move |request: Request| std::future::ready(file(&page, &request)))
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(from_fn_with_state(Arc::clone(&house), frame))
        .layer(CompressionLayer::new().gzip(true))
        .with_state(house)
}

/// The one handler of each endpoint.
fn handler(name: Name, filter: MethodFilter) -> MethodRouter<Shared> {
    match name {
        Name::Start => on(filter, benchmarks::start),
        Name::List => on(filter, benchmarks::list),
        Name::Show => on(filter, benchmarks::show),
        Name::Status => on(filter, benchmarks::status),
        Name::OnlyResult => on(filter, benchmarks::only_result),
        Name::Remove => on(filter, benchmarks::remove),
        Name::Rows => on(filter, rows::rows),
        Name::PutRows => on(filter, rows::put),
        Name::Row => on(filter, rows::row),
        Name::Points => on(filter, rows::points),
        Name::Charts => on(filter, rows::charts),
        Name::Compare => on(filter, rows::compare),
        Name::Report => on(filter, rows::report),
        Name::Analyze => on(filter, insight::analyze),
        Name::Recommend => on(filter, insight::recommend),
        Name::Events => on(filter, live::events),
        Name::Socket => on(filter, live::socket),
        Name::Baselines => on(filter, baselines::list),
        Name::SaveBaseline => on(filter, baselines::save),
        Name::Baseline => on(filter, baselines::show),
        Name::Promote => on(filter, baselines::promote),
        Name::History => on(filter, history::history),
        Name::Import => on(filter, import::import),
        Name::Gpus => on(filter, setup::gpus),
        Name::Settings => on(filter, setup::settings),
        Name::Models => on(filter, setup::models),
        Name::Viewer => on(filter, setup::viewer),
        Name::OpenApi => on(filter, setup::openapi),
        Name::Metrics => on(filter, setup::metrics),
        Name::Health => on(filter, setup::health),
        Name::Ready => on(filter, setup::ready),
    }
}

/// Keeps who asked, for the log.
async fn remember(request: Request, next: axum::middleware::Next) -> Response {
    let identity = request.extensions().get::<Identity>().cloned();
    let mut response = next.run(request).await;
    if let Some(identity) = identity {
        response.extensions_mut().insert(identity);
    }
    response
}

/// A file of the dashboard; there is no other way to a file, and none of them lies on a disk.
fn file(house: &Shared, request: &Request) -> Response {
    if let Err(problem) = check_host(house, request) {
        return problem.into_response();
    }
    let Some(asset) = assets::find(request.uri().path()) else {
        return Problem::of_status(StatusCode::NOT_FOUND).into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    let etag = HeaderValue::from_str(asset.etag).unwrap_or(HeaderValue::from_static("\"\""));
    let known = request.headers().get(header::IF_NONE_MATCH) == Some(&etag);
    let mut response = if known {
        (StatusCode::NOT_MODIFIED, headers).into_response()
    } else {
        (headers, asset.body).into_response()
    };
    response.headers_mut().insert(header::ETAG, etag);
    response
}
