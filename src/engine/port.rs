//! The engine's two seams: where bytes go, and where visits come from.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::base::Nanos;
use crate::record::Failure;
use crate::workload::Visit;

/// One connection. The slot is used again after a close, the generation never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineId {
    pub slot: u32,
    pub generation: u32,
}

/// One request, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub path: Arc<str>,
    pub body: Bytes,
    /// Sent as `x-request-id`, so that a server's log can be joined to the rows.
    pub id: String,
}

/// Connections to the servers of a plan, and the time: real sockets, or a script in tests.
pub trait Net {
    /// Time since the run's start.
    fn now(&self) -> Nanos;

    /// Begins to open a line to a server; it arrives as `Opened`, or as `Closed` with the reason.
    fn open(&mut self, server: u16) -> LineId;

    /// Writes a request to an open line. Answers the instant right before its first byte was handed over. A line that
    /// turns out to be broken arrives as `Closed`.
    fn send(&mut self, line: LineId, call: &Call) -> Nanos;

    /// Closes a line; nothing arrives on it any more. A line that arrived as `Closed` keeps its slot until then.
    fn close(&mut self, line: LineId);

    /// Waits until something arrives or `until` has come, whichever is first, and fills the inbox. Every byte carries
    /// the instant right after it left its socket.
    fn wait(&mut self, until: Nanos, inbox: &mut Inbox);
}

/// What arrived in one wait, in order. The bytes of all lines share one buffer.
#[derive(Debug, Default)]
pub struct Inbox {
    pub bytes: Vec<u8>,
    pub arrivals: Vec<Arrival>,
}

/// Something happened on a line.
#[derive(Debug)]
pub struct Arrival {
    pub line: LineId,
    pub at: Nanos,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    /// Ready for its first request.
    Opened,
    /// A part of the inbox's bytes.
    Bytes(Range<usize>),
    /// The server closed the line, or it broke for this reason.
    Closed(Option<Failure>),
}

/// A visit with the bytes of its first request.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub visit: Visit,
    pub body: Bytes,
}

/// The schedule's visits, prepared ahead of time.
pub trait Visits {
    /// The next visit; never waits.
    fn next(&mut self) -> Supply;

    /// Waits until so many visits lie ready, or as many as will.
    fn stock(&mut self, count: usize);
}

/// What the schedule has to offer now.
#[derive(Debug)]
pub enum Supply {
    Ready(Prepared),
    /// The next visit is still being prepared.
    Later,
    /// There was no more.
    Over,
}
