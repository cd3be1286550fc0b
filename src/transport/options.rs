//! What every connection and request to one server shares.

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};

use super::address::Address;
use super::tls::{TlsError, TlsOptions};
use crate::base::{Nanos, Secret};

/// How to reach one server, and what to say in every request.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    pub address: Address,
    pub api_key: Option<Secret>,
    /// A header that carries the key as it is, besides `Authorization`.
    pub key_header: Option<&'static str>,
    pub headers: Vec<(String, String)>,
    pub tls: TlsOptions,
    pub connect_timeout: Nanos,
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("'{name}' is not a header that HTTP allows")]
    Header { name: String },
    #[error("cannot watch sockets: {0}")]
    Poll(std::io::Error),
}

/// The headers of every request but its id and length.
pub(super) fn headers(options: &HttpOptions) -> Result<HeaderMap, HttpError> {
    let mut map = HeaderMap::new();
    let value = |name: &str, text: &str| {
        HeaderValue::from_str(text).map_err(|_| HttpError::Header { name: name.to_owned() })
    };
    map.insert(HOST, value("host", &options.address.authority())?);
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    map.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
    map.insert(USER_AGENT, HeaderValue::from_static(concat!("llm-loadtest/", env!("CARGO_PKG_VERSION"))));
    if let Some(key) = &options.api_key {
        let mut bearer = value("authorization", &format!("Bearer {}", key.expose()))?;
        bearer.set_sensitive(true);
        map.insert(AUTHORIZATION, bearer);
        if let Some(name) = options.key_header {
            let mut plain = value(name, key.expose())?;
            plain.set_sensitive(true);
            map.insert(HeaderName::from_static(name), plain);
        }
    }
    for (name, text) in &options.headers {
        let key =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::Header { name: name.clone() })?;
        map.insert(key, value(name, text)?);
    }
    Ok(map)
}
