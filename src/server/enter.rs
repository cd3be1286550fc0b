//! What stands before every handler: the host, the origin, the key and its scope, the rate, the type of the body, the query.

use std::net::IpAddr;

use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::door::Peer;
use super::endpoints::{Endpoint, Name, Taken};
use super::house::Shared;
use super::identity::{identify, too_many};
use super::problem::Problem;
use super::query::Asked;
use crate::document::v1::service::KeyScope;

/// The server and the row that a request came to.
#[derive(Clone)]
pub(super) struct Entrance {
    pub(super) house: Shared,
    pub(super) endpoint: &'static Endpoint,
}

/// The route of an answer, for logs and metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route(pub(super) &'static str);

/// Lets a request through to its handler, or answers with what is wrong with it.
pub(super) async fn enter(
    State(Entrance { house, endpoint }): State<Entrance>,
    ConnectInfo(Peer(address)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut response = match admit(&house, endpoint, address, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => axum::response::IntoResponse::into_response(problem),
    };
    response.extensions_mut().insert(Route(endpoint.path));
    if let Some(instead) = endpoint.instead {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("deprecation"), axum::http::HeaderValue::from_static("true"));
        if let Ok(link) = format!("<{instead}>; rel=\"successor-version\"").parse() {
            headers.insert(header::LINK, link);
        }
    }
    response
}

async fn admit(
    house: &Shared,
    endpoint: &'static Endpoint,
    address: IpAddr,
    request: &mut Request,
) -> Result<(), Problem> {
    check_host(house, request)?;
    let is_socket = endpoint.name == Name::Socket;
    if endpoint.verb.changes() || is_socket {
        same_origin(house, request)?;
    }
    if let Some(scope) = endpoint.scope {
        let identity = identify(house, request.headers(), address).await?;
        house.rates.request(&identity.name()).map_err(too_many)?;
        identity.needs(scope)?;
        request.extensions_mut().insert(identity);
    } else {
        house.rates.request(&format!("address {address}")).map_err(too_many)?;
    }
    check_type(endpoint.takes, request.headers())?;
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|error| Problem::bad(format!("the query cannot be read: {}", error.body_text())))?;
    let asked = Asked::read(endpoint, pairs.0)?;
    request.extensions_mut().insert(asked);
    Ok(())
}

/// A name that leads here by somebody else's DNS is not ours: with it a page of another site could ask for everything.
pub(super) fn check_host(house: &Shared, request: &Request) -> Result<(), Problem> {
    if house.hosts.is_empty() {
        return Ok(());
    }
    let host = host_of(request);
    if house.hosts.iter().any(|known| host.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let host: String = host.chars().take(100).collect();
    Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, format!("this server is not called '{host}'"))
        .hint(format!("it is: {}; a proxy's name is added with serve --host NAME", house.hosts.join(", "))))
}

/// The host that a request asks for, as HTTP/1.1 and HTTP/2 say it.
fn host_of(request: &Request) -> &str {
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    header.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str)).unwrap_or_default()
}

/// Browsers say which site a request comes from, and only ours may change something.
fn same_origin(house: &Shared, request: &Request) -> Result<(), Problem> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("null");
    let from = origin.split_once("://").map_or("", |(_, host)| host);
    let host = host_of(request);
    let own = !from.is_empty()
        && (from.eq_ignore_ascii_case(host)
            || house.hosts.iter().any(|known| from.eq_ignore_ascii_case(known)));
    if own {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "a page of another site asks for this")
        .hint("open the dashboard of this server itself"))
}

/// A body has a type that no form of another site can send.
fn check_type(takes: Taken, headers: &HeaderMap) -> Result<(), Problem> {
    let kinds = takes.kinds();
    if kinds.is_empty() {
        return Ok(());
    }
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kinds.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body has another type than this takes")
        .hint(format!("send `content-type: {}`", kinds.join("` or `"))))
}

/// Deleting what is over is for administrators, although stopping what runs is not.
pub(super) const DELETE_SCOPE: KeyScope = KeyScope::Admin;
