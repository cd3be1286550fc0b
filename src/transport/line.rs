//! One HTTP/1.1 connection that carries one request at a time.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request};

use super::stamped::Marks;
use crate::base::Nanos;
use crate::engine::{Broken, Call, Head, Line, Piece};
use crate::record::{Failure, FailureClass};

/// Invariant: `body` is the response under way, none between requests.
pub struct HttpLine {
    sender: SendRequest<Full<Bytes>>,
    marks: Arc<Marks>,
    headers: HeaderMap,
    prefix: String,
    body: Option<Incoming>,
    /// The last response was read to its end.
    clean: bool,
}

impl HttpLine {
    pub(super) fn new(
        sender: SendRequest<Full<Bytes>>,
        marks: Arc<Marks>,
        headers: HeaderMap,
        prefix: String,
    ) -> Self {
        Self { sender, marks, headers, prefix, body: None, clean: true }
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, Failure> {
        let unfit = |error: &dyn std::fmt::Display| Failure::new(FailureClass::Connect, error.to_string());
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{}", self.prefix, call.path))
            .body(Full::new(call.body.clone()))
            .map_err(|error| unfit(&error))?;
        *request.headers_mut() = self.headers.clone();
        let id = HeaderValue::from_str(&call.id).map_err(|error| unfit(&error))?;
        request.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
        Ok(request)
    }
}

impl Line for HttpLine {
    async fn send(&mut self, call: Call) -> Result<Head, Broken> {
        let broken = |failure, sent, stale| Broken { failure, sent, stale };
        self.clean = false;
        // Until the connection's task has finished the last response it takes no new request; if it has ended, it never will.
        self.sender.ready().await.map_err(|error| broken(lost(&error), None, true))?;
        let request = self.request(&call).map_err(|failure| broken(failure, None, false))?;
        self.marks.arm();
        match self.sender.send_request(request).await {
            Ok(response) => {
                let at = self.marks.read();
                let status = response.status().as_u16();
                self.body = Some(response.into_body());
                Ok(Head { sent: self.marks.sent().unwrap_or(at), at, status })
            }
            // Anything but an unreadable answer means that the connection went away before one.
            Err(error) => Err(broken(lost(&error), self.marks.sent(), !error.is_parse())),
        }
    }

    async fn next(&mut self) -> Result<Option<Piece>, Failure> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        loop {
            match body.frame().await {
                Some(Ok(frame)) => {
                    // Trailers carry no tokens.
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(Piece { at: self.marks.read(), bytes }));
                    }
                }
                Some(Err(error)) => {
                    self.body = None;
                    return Err(Failure::new(
                        FailureClass::Truncated,
                        format!("the body was cut: {}", chain(&error)),
                    ));
                }
                None => {
                    self.body = None;
                    self.clean = true;
                    return Ok(None);
                }
            }
        }
    }

    fn read_at(&self) -> Nanos {
        self.marks.read()
    }

    fn reusable(&self) -> bool {
        self.clean && !self.sender.is_closed()
    }
}

fn lost(error: &hyper::Error) -> Failure {
    let (class, what) = if error.is_parse() {
        (FailureClass::Malformed, "the answer is not HTTP")
    } else {
        (FailureClass::Connect, "connection lost before the response")
    };
    Failure::new(class, format!("{what}: {}", chain(error)))
}

/// hyper's words and those of the cause beneath them.
fn chain(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
