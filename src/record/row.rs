//! One request's life, as instants since the run's start.

use std::sync::Arc;

use super::{Ask, Outcome, Slo};
use crate::base::Nanos;

/// Which part of a level a request belongs to. Warm-up rows are kept out of every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Warmup,
    Measure,
}

/// A chunk that carried at least one generated token (METRICS: `c_i`, `k_i`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// The instant at which its bytes left the socket.
    pub at: Nanos,
    /// Tokens in the chunk, where the server or a tokenizer after the run says so.
    pub tokens: Option<u32>,
}

/// Where a token count comes from, best first (METRICS: `output_tokens`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenSource {
    Usage,
    Tokenizer,
    Chunks,
}

impl TokenSource {
    pub const ALL: [Self; 3] = [Self::Usage, Self::Tokenizer, Self::Chunks];

    pub fn id(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Tokenizer => "tokenizer",
            Self::Chunks => "chunks",
        }
    }
}

/// Token counts as the server reported them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    pub prompt: Option<u32>,
    pub output: Option<u32>,
    pub cached: Option<u32>,
}

/// Where a server says that one request's time went; what it does not say is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerTimes {
    /// Waiting before any work on it.
    pub queue: Option<Nanos>,
    /// Loading the model.
    pub load: Option<Nanos>,
    /// Reading the prompt.
    pub prefill: Option<Nanos>,
    /// Generating.
    pub decode: Option<Nanos>,
    /// From its arrival at the server to its last token.
    pub total: Option<Nanos>,
}

/// What happened to one request. Instants are since the run's start, on a monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub index: u64,
    /// Part of a mix, turn of a conversation and server address, as the ask has them.
    pub part: u16,
    pub turn: u32,
    pub server: u16,
    pub phase: Phase,
    /// Planned send instant; open loop only.
    pub due: Option<Nanos>,
    /// First request byte handed to the socket; none when it never was.
    pub sent: Option<Nanos>,
    /// Response headers seen.
    pub headers: Option<Nanos>,
    /// Chunks with tokens, in order of arrival. Empty for a request without streaming.
    pub chunks: Vec<Chunk>,
    /// First chunk with visible (non-reasoning) content.
    pub first_visible: Option<Nanos>,
    /// End of the response, or the instant at which the request failed.
    pub done: Nanos,
    /// Whether the answer came as a stream: without one there is no first token to time.
    pub streamed: bool,
    pub prompt_tokens_asked: Option<u32>,
    pub output_tokens_asked: Option<u32>,
    pub usage: Usage,
    /// Where the server says it spent the time, if it says so.
    pub server_times: Option<ServerTimes>,
    /// Output tokens by the local tokenizer, counted after the run where `usage` was silent or for a sample.
    pub tokenizer_count: Option<u32>,
    /// The generated text, kept only while someone still has to count its tokens.
    pub text: String,
    pub finish_reason: Option<String>,
    /// Times that a pooled connection had been closed by the server and the request was sent again.
    pub reconnects: u32,
    /// Objectives of this request alone; none means the run's.
    pub slos: Option<Arc<[Slo]>>,
    pub outcome: Outcome,
}

impl Row {
    /// A row of a request that has not been sent yet, ended by `outcome` unless something better happens.
    pub fn unsent(ask: &Ask, phase: Phase, due: Option<Nanos>, now: Nanos, outcome: Outcome) -> Self {
        Self {
            index: ask.index,
            part: ask.part,
            turn: ask.turn,
            server: ask.server,
            phase,
            due,
            sent: None,
            headers: None,
            chunks: Vec::new(),
            first_visible: None,
            done: now,
            streamed: false,
            prompt_tokens_asked: ask.prompt_tokens,
            output_tokens_asked: ask.output_tokens,
            usage: Usage::default(),
            server_times: None,
            tokenizer_count: None,
            text: String::new(),
            finish_reason: None,
            reconnects: 0,
            slos: ask.slos.clone(),
            outcome,
        }
    }

    /// `N` of METRICS and its source: usage (or the server's own count in every chunk), else the tokenizer, else the
    /// number of chunks.
    pub fn output_tokens(&self) -> (u32, TokenSource) {
        let by_chunk = || self.chunks.iter().map(|chunk| chunk.tokens).sum::<Option<u32>>();
        let said = self.usage.output.or_else(|| by_chunk().filter(|count| *count > 0));
        match (said, self.tokenizer_count) {
            (Some(count), _) => (count, TokenSource::Usage),
            (None, Some(count)) => (count, TokenSource::Tokenizer),
            (None, None) => (u32::try_from(self.chunks.len()).unwrap_or(u32::MAX), TokenSource::Chunks),
        }
    }
}
