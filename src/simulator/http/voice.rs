//! What every API has in common: how it is asked, and the parts of its answers.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::Value;

use super::declined::{Declined, Tongue};
use super::prompt::{Prompt, word};
use crate::base::Nanos;
use crate::simulator::model::SimSpec;

/// Sequences that one request may start, so that no request is a flood.
pub(super) const SEQUENCES_MAX: usize = 128;

/// A request before it is read.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub body: &'a [u8],
    pub spec: &'a SimSpec,
    /// The model that the path names, where it does.
    pub path_model: Option<&'a str>,
    pub requests: &'a AtomicU64,
    pub unix_seconds: u64,
}

/// A request that the server accepts.
pub(super) struct Wanted {
    pub prompts: Vec<Prompt>,
    /// Answers to each prompt.
    pub choices: u32,
    /// Tokens of each answer; none for embeddings and scores.
    pub max_tokens: u32,
    /// The first tokens of each answer that are reasoning.
    pub reasoning: u32,
    pub stream: bool,
    /// The answer's own id.
    pub id: String,
    pub voice: Box<dyn Voice>,
}

/// Tokens `from..to` of one choice; `ends` when they are its last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub choice: u32,
    pub from: u32,
    pub to: u32,
    pub ends: bool,
    /// Whether these tokens are reasoning: no span is both.
    pub reasoning: bool,
}

/// One choice that has ended, by the model's instants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ended {
    pub prompt: u32,
    pub tokens: u32,
    pub cached: u32,
    pub reasoning: u32,
    /// When the request had arrived.
    pub received: Nanos,
    /// When it left the queue.
    pub began: Nanos,
    pub first: Nanos,
    pub last: Nanos,
}

/// One request's answer in the words of its API.
pub(super) trait Voice: Send + Sync {
    /// In whose words errors are.
    fn tongue(&self) -> Tongue;

    fn content_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }

    /// Whether the headers of a stream leave only with its first token.
    fn holds_headers(&self) -> bool {
        false
    }

    /// What precedes the first token of a choice and travels with it.
    fn opening(&mut self, _choice: u32) -> Option<Bytes> {
        None
    }

    fn tokens(&mut self, span: Span) -> Bytes;

    /// What follows the last token of one choice.
    fn ended(&mut self, _choice: u32, _ended: &Ended) -> Option<Bytes> {
        None
    }

    /// What follows the last token of all choices.
    fn closing(&mut self, _ended: &[Ended]) -> Option<Bytes> {
        None
    }

    /// An error in a stream that has begun.
    fn breaking(&mut self) -> Bytes;

    /// The answer in one piece.
    fn whole(&mut self, ended: &[Ended]) -> Bytes;
}

impl Asked<'_> {
    /// The request's number; each is given once.
    pub(super) fn number(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// How many tokens are wanted of the context that the longest prompt leaves. `None` asks for no number.
    pub(super) fn room(&self, prompts: &[Prompt]) -> u32 {
        let longest = prompts.iter().map(|prompt| prompt.tokens).max().unwrap_or(0);
        self.spec.profile.context.saturating_sub(u32::try_from(longest).unwrap_or(u32::MAX))
    }
}

/// A number of output tokens between 1 and the room; APIs that have no words of their own for a wrong one use this.
pub(super) fn bounded(asked: Option<i64>, default: u32, room: u32) -> Result<u32, Declined> {
    match asked {
        Some(asked) if asked < 1 => {
            Err(Declined::invalid(format!("max tokens must be at least 1, got {asked}")))
        }
        Some(asked) if asked > i64::from(room) => Err(Declined::invalid(format!(
            "the prompt and {asked} output tokens are more than the context holds; {room} are left for the output"
        ))),
        Some(asked) => Ok(asked as u32),
        None if room == 0 => Err(Declined::invalid("the prompt fills the context".to_owned())),
        None => Ok(room.min(default)),
    }
}

/// The text of a span; `salt` chooses the words of a request.
pub(super) fn text(salt: u64, choice: u32, from: u32, to: u32) -> String {
    (from..to).map(|index| word(salt.wrapping_add(u64::from(choice)), index)).collect()
}

/// One server-sent event.
pub(super) fn event(data: &Value) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// One server-sent event with its name in front, as the event-typed APIs send it.
pub(super) fn named_event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}
