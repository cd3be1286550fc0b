//! What was seen, before anyone says what it means.

use crate::base::Nanos;
use crate::protocol::Adapter;
use crate::record::{Failure, Usage};

/// Everything that was looked at. What could not be looked at because something before it failed is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The server's base URL.
    pub url: String,
    pub place: Place,
    pub reach: Reach,
    pub service: Option<Service>,
    /// One request whose answer comes in one piece.
    pub whole: Option<Whole>,
    /// One streamed request.
    pub stream: Option<Streamed>,
    /// The same request again, right after it.
    pub repeat: Option<Repeat>,
    pub parallel: Option<Parallel>,
}

/// The machine that asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// Names of variables that name a proxy.
    pub proxies: Vec<String>,
    /// Most open files of this shell.
    pub open_files: Option<u64>,
    /// Local ports that connections may leave from.
    pub ports: Option<u64>,
    /// Whether this runs in a container.
    pub container: bool,
    /// What this container should write in place of localhost, if that is what is wrong.
    pub advice: Option<String>,
}

/// How far the way to the server was open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Its name stands for no address.
    NoName { host: String, why: String },
    /// No address answered; each with the reason.
    NoConnection { tried: Vec<(String, String)>, loopback: bool },
    /// The handshake failed.
    NoTls { address: String, why: String },
    Open {
        /// All addresses of the name; the first is the one that answered.
        addresses: Vec<String>,
        lookup: Nanos,
        connect: Nanos,
        /// None without TLS.
        tls: Option<Nanos>,
        /// Addresses that did not answer, with the reason.
        refused: Vec<(String, String)>,
    },
}

/// What the server says when it is asked about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Status of `/health` and how long it took, or why there was no answer.
    pub health: Result<(u16, Nanos), String>,
    /// The path of the list of models.
    pub listing: &'static str,
    pub models: Models,
    /// The model that requests name.
    pub model: Option<String>,
    /// The engine, where its answers tell, and the API that is asked.
    pub engine: Option<Adapter>,
    pub api: &'static str,
    /// The path at which its metrics were found.
    pub metrics: Option<String>,
    /// How far its clock is ahead of ours, in seconds; its `Date` header counts whole ones.
    pub clock_ahead_s: Option<f64>,
}

/// The list of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Models {
    Listed(Vec<String>),
    /// The server has no such list.
    Absent {
        status: u16,
    },
    Refused {
        status: u16,
        words: String,
    },
    Unreadable(String),
}

/// An answer in one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    pub took: Nanos,
    pub usage: Usage,
    pub asked_tokens: Option<u32>,
    pub verdict: Result<(), Failure>,
}

/// A streamed answer, read by read. Instants count from the first byte sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Streamed {
    /// Response headers seen.
    pub headers: Option<Nanos>,
    pub pieces: Vec<Piece>,
    pub usage: Usage,
    pub asked_tokens: Option<u32>,
    pub finish: Option<String>,
    pub verdict: Result<(), Failure>,
}

/// What one read of the socket brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub at: Nanos,
    pub bytes: usize,
    pub told: Vec<Told>,
}

/// An event, by what it is to a reader. Tokens have a count where the chunk says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub kind: Kind,
    pub tokens: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A chunk without tokens: a role, a comment.
    Idle,
    Text,
    /// Reasoning or a tool call.
    Hidden,
    Finish,
    Usage,
    /// `[DONE]`, or what an API has in its place.
    End,
    Error,
}

/// The second time that one prompt was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    pub ttft: Option<Nanos>,
    pub usage: Usage,
}

/// One client alone, and several at once, with requests of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Parallel {
    pub clients: u32,
    pub alone: Speed,
    pub together: Speed,
}

/// How fast requests were answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Speed {
    /// Successful requests per second.
    pub requests: f64,
    /// Medians in milliseconds; none without streaming.
    pub ttft_ms: Option<f64>,
    pub e2e_ms: Option<f64>,
    pub offered: u64,
    pub succeeded: u64,
    /// Failures by class, as words.
    pub failures: Option<String>,
}

impl Streamed {
    /// The instant of the first read with tokens.
    pub fn first_token(&self) -> Option<Nanos> {
        self.spoken().next().map(|(at, _)| at)
    }

    /// Every chunk with tokens: its instant, and its count where it is said.
    pub(super) fn spoken(&self) -> impl Iterator<Item = (Nanos, Option<u32>)> {
        self.pieces.iter().flat_map(|piece| {
            let spoken = piece.told.iter().filter(|told| matches!(told.kind, Kind::Text | Kind::Hidden));
            spoken.map(|told| (piece.at, told.tokens))
        })
    }

    /// Whether an event of this kind came.
    pub(super) fn told(&self, kind: Kind) -> bool {
        self.pieces.iter().any(|piece| piece.told.iter().any(|told| told.kind == kind))
    }
}
