//! The shape that every protocol has: a request as bytes, a response as events. Sans-IO.

use serde_json::{Map, Value};

use super::text::Text;
use super::{Adapter, Api};
use crate::record::{Ask, Failure, ServerTimes, Usage};

/// What a protocol needs besides the ask to write a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallOptions {
    pub model: String,
    pub stream: bool,
    pub temperature: Option<f64>,
    /// Ask for the exact length, in the fields that the adapter knows for it.
    pub ignore_eos: bool,
    /// Ask for token counts in every chunk, where the adapter knows how.
    pub continuous_usage: bool,
    pub adapter: Adapter,
    /// Merged over the body last, so that the user has the last word.
    pub extra_body: Map<String, Value>,
}

/// One meaningful piece of a response, in the order in which the bytes said it. It borrows from those bytes.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A chunk without any generated token: role, empty delta, keep-alive.
    Idle,
    /// At least one generated token.
    Tokens(Tokens<'a>),
    /// A finish reason, for example `stop` or `length`.
    Finish(&'a str),
    /// Token counts; the last ones win, but per-choice counts have been added up by the decoder.
    Usage(Usage),
    /// Where the server says it spent the time; the last one wins.
    Times(ServerTimes),
    /// An error inside the body.
    Error(Failure),
    /// The protocol's own terminator (`[DONE]`).
    End,
}

/// The generated part of one chunk.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a> {
    /// Costs nothing until it is asked for.
    pub text: Text<'a>,
    /// False for reasoning and tool-call arguments, which a reader does not see.
    pub visible: bool,
    /// Tokens in the chunk, where the chunk itself says so (continuous usage, token ids).
    pub count: Option<u32>,
}

/// Bytes in, events out; the cut of the bytes never matters.
pub trait Decode: Send {
    /// Decodes what is complete so far, keeping the rest. Each event reaches `sink` as soon as it is read.
    fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Event<'_>));

    /// The body has ended (`clean`) or was cut. Adds what the rest still says and returns how the response stands:
    /// a success, or a failure of its own class (truncated, in-stream error, malformed, empty).
    fn finish(&mut self, clean: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure>;

    /// Makes the decoder ready for another response, as good as a new one; its buffers stay.
    fn reset(&mut self);
}

/// One API: how to ask and how to read.
pub trait Codec: Send + Sync {
    fn api(&self) -> Api;

    /// Path after the base URL, for example `/v1/chat/completions`; some APIs name the model in it.
    fn path(&self, model: &str, stream: bool) -> String;

    /// Headers that the API asks for, besides those of every request.
    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The header that carries the key as it is, where `Authorization` alone does not do.
    fn key_header(&self) -> Option<&'static str> {
        None
    }

    /// The JSON body of one request.
    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8>;

    /// A decoder for one streamed response.
    fn stream(&self) -> Box<dyn Decode>;

    /// A decoder for one response without streaming.
    fn whole(&self) -> Box<dyn Decode>;

    /// A response with a status other than 2xx, with its body as far as it was read.
    fn refusal(&self, status: u16, body: &[u8]) -> Failure;
}
