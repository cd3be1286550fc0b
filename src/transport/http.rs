//! Opens connections to the server under test.

use std::io;
use std::net::SocketAddr;

use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::Address;
use super::line::HttpLine;
use super::stamped::Stamped;
use super::tls::{self, TlsError, TlsOptions};
use crate::base::{Nanos, Secret};
use crate::engine::{Clock, Transport};
use crate::record::{Failure, FailureClass};

/// What every connection and request shares.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    pub address: Address,
    pub api_key: Option<Secret>,
    pub headers: Vec<(String, String)>,
    pub tls: TlsOptions,
    pub connect_timeout: Nanos,
}

/// HTTP/1.1 to one server, without proxies: a proxy from the environment would be measured instead of the server.
pub struct Http<C> {
    options: HttpOptions,
    tls: Option<TlsConnector>,
    headers: HeaderMap,
    clock: C,
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("'{name}' is not a header that HTTP allows")]
    Header { name: String },
}

impl<C: Clock> Http<C> {
    pub fn new(options: HttpOptions, clock: C) -> Result<Self, HttpError> {
        let headers = headers(&options)?;
        let tls = options.address.tls.then(|| tls::config(&options.tls)).transpose()?.map(TlsConnector::from);
        Ok(Self { options, tls, headers, clock })
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let failed = |error: &io::Error| {
            Failure::new(FailureClass::Connect, connect_words(&self.options.address, error))
        };
        let place = (self.options.address.bare_host(), self.options.address.port);
        let places: Vec<SocketAddr> =
            tokio::net::lookup_host(place).await.map_err(|error| failed(&error))?.collect();
        let stream = TcpStream::connect(places.as_slice()).await.map_err(|error| failed(&error))?;
        // Without this a request's second packet could wait for the first one's acknowledgement.
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        Ok(stream)
    }

    async fn handshake(&self) -> Result<HttpLine, Failure> {
        let stream = self.connect().await?;
        let Some(tls) = &self.tls else {
            return self.speak(stream).await;
        };
        let refused = |why: String| Failure::new(FailureClass::Tls, why);
        let name = ServerName::try_from(self.options.address.bare_host().to_owned())
            .map_err(|error| refused(error.to_string()))?;
        self.speak(tls.connect(name, stream).await.map_err(|error| refused(error.to_string()))?).await
    }

    async fn speak<S>(&self, stream: S) -> Result<HttpLine, Failure>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (stream, marks) = Stamped::new(stream, self.clock.clone());
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::new(FailureClass::Connect, error.to_string()))?;
        // The connection's own task ends with the sender; its error reaches the request that met it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(HttpLine::new(sender, marks, self.headers.clone(), self.options.address.prefix.clone()))
    }
}

impl<C: Clock> Transport for Http<C> {
    type Line = HttpLine;

    async fn open(&self) -> Result<HttpLine, Failure> {
        let limit = self.options.connect_timeout;
        tokio::time::timeout(limit.into(), self.handshake()).await.unwrap_or_else(|_| {
            Err(Failure::new(FailureClass::Connect, format!("no connection within {limit}")))
        })
    }
}

/// Words for a connection that did not come about.
fn connect_words(address: &Address, error: &io::Error) -> String {
    format!("cannot connect to {}: {error}", address.authority())
}

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
    }
    for (name, text) in &options.headers {
        let key =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| HttpError::Header { name: name.clone() })?;
        map.insert(key, value(name, text)?);
    }
    Ok(map)
}
