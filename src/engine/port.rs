//! The engine's two seams: where time comes from, and where bytes go.

use std::future::Future;

use bytes::Bytes;

use crate::base::Nanos;
use crate::record::Failure;

/// A monotonic clock: the real one, or tokio's paused one in tests.
pub trait Clock: Clone + Send + Sync + Unpin + 'static {
    /// Time since the run's start.
    fn now(&self) -> Nanos;

    /// Returns at `instant` or as shortly after it as the system allows; at once when it has passed.
    fn until(&self, instant: Nanos) -> impl Future<Output = ()> + Send;
}

/// One request, ready to be written.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: &'static str,
    pub body: Bytes,
    /// Sent as `x-request-id`, so that a server's log can be joined to the rows.
    pub id: String,
    pub stream: bool,
}

/// The start of a response.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// First request byte handed to the socket.
    pub sent: Nanos,
    /// Headers complete.
    pub at: Nanos,
    pub status: u16,
}

/// Body bytes and the instant at which they left the socket.
#[derive(Debug, Clone)]
pub struct Piece {
    pub at: Nanos,
    pub bytes: Bytes,
}

/// What went wrong on a line before or inside a response.
#[derive(Debug, Clone)]
pub struct Broken {
    pub failure: Failure,
    /// First byte of the request handed to the socket, where it came to that.
    pub sent: Option<Nanos>,
    /// The server had closed this kept-alive connection before any byte of the response: another line may try once.
    pub stale: bool,
}

/// Opens lines to one server.
pub trait Transport: Send + Sync + 'static {
    type Line: Line;

    /// A connection, ready for its first request.
    fn open(&self) -> impl Future<Output = Result<Self::Line, Failure>> + Send;
}

/// One connection that carries one request at a time.
pub trait Line: Send + 'static {
    /// Writes the request and waits for the headers.
    fn send(&mut self, call: Call) -> impl Future<Output = Result<Head, Broken>> + Send;

    /// The next piece of the body; none at its clean end. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = Result<Option<Piece>, Failure>> + Send;

    /// The instant of the last read from the socket.
    fn read_at(&self) -> Nanos;

    /// Whether another request may follow on this line.
    fn reusable(&self) -> bool;
}
