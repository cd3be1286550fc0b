//! How a request ended: well, or in one of the named ways of failing.

use std::fmt;

/// The closed set of ways in which a request fails (METRICS: `error_rate` per class).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureClass {
    /// The connection was refused, reset before the first byte, or its name not found.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// No token within the first-token limit.
    TimeoutFirstToken,
    /// Not finished within the total limit.
    TimeoutTotal,
    /// Tokens came, then none within the stall limit.
    Stalled,
    /// A 4xx other than 429.
    Http4xx,
    /// 429 Too Many Requests.
    Http429,
    /// A 5xx, or any other status that is not a success.
    Http5xx,
    /// The body ended without a terminator or a finish reason.
    Truncated,
    /// An error object inside a 200.
    InStreamError,
    /// Bytes that are not the protocol's: bad JSON, wrong shape, an empty 200.
    Malformed,
    /// A proper end with another number of tokens than was asked for, where exact lengths were required.
    WrongLength,
    /// Ended by us: interrupted or cut by the end of the run.
    Cancelled,
}

impl FailureClass {
    pub const ALL: [Self; 13] = [
        Self::Connect,
        Self::Tls,
        Self::TimeoutFirstToken,
        Self::TimeoutTotal,
        Self::Stalled,
        Self::Http4xx,
        Self::Http429,
        Self::Http5xx,
        Self::Truncated,
        Self::InStreamError,
        Self::Malformed,
        Self::WrongLength,
        Self::Cancelled,
    ];

    /// The key in documents and tables.
    pub fn id(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::TimeoutFirstToken => "timeout_first_token",
            Self::TimeoutTotal => "timeout_total",
            Self::Stalled => "stalled",
            Self::Http4xx => "http_4xx",
            Self::Http429 => "http_429",
            Self::Http5xx => "http_5xx",
            Self::Truncated => "truncated",
            Self::InStreamError => "in_stream_error",
            Self::Malformed => "malformed",
            Self::WrongLength => "wrong_length",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A failure with the server's or the system's own words, cut to a bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    /// One line, at most `Failure::DETAIL_MAX` bytes. It may hold text that a server chose: escape it when printing.
    pub detail: String,
    /// The HTTP status, where one came.
    pub status: Option<u16>,
}

impl Failure {
    /// Enough for a server's message, little enough that ten thousand failures stay small.
    pub const DETAIL_MAX: usize = 400;

    pub fn new(class: FailureClass, detail: impl AsRef<str>) -> Self {
        let text: String = detail.as_ref().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let cut =
            (0..=Self::DETAIL_MAX.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        Self { class, detail: text.get(..cut).unwrap_or_default().trim().to_owned(), status: None }
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} ({status}): {}", self.class, self.detail),
            None => write!(f, "{}: {}", self.class, self.detail),
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A proper end: terminator or finish reason seen, no error, no cut.
    Success,
    Failed(Failure),
}

impl Outcome {
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }

    /// The way it failed.
    pub fn class(&self) -> Option<FailureClass> {
        match self {
            Self::Success => None,
            Self::Failed(failure) => Some(failure.class),
        }
    }
}
