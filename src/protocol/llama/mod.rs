//! llama-server's own API: `POST /completion`, streamed and whole.
//!
//! Wire facts: the capture in tests/fixtures/wire/llama-server, and the README of llama.cpp's server.

mod ask;
mod read;
#[cfg(test)]
mod tests;

use super::answer::{Events, whole};
use super::codec::{CallOptions, Codec, Decode};
use super::{Api, errors};
use crate::record::{Ask, Failure};

pub(super) const COMPLETION: &dyn Codec = &Llama;

struct Llama;

impl Codec for Llama {
    fn api(&self) -> Api {
        Api::LlamaCompletion
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        "/completion".to_owned()
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        ask::body(ask, options)
    }

    fn stream(&self) -> Box<dyn Decode> {
        Box::<Events<read::Read>>::default()
    }

    fn whole(&self) -> Box<dyn Decode> {
        whole::<read::Read>()
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}
