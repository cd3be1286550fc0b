//! Ollama's own API: `/api/chat` and `/api/generate`, streamed as lines of JSON and whole.
//!
//! Wire facts: Ollama's docs/api.md and server/routes.go.

mod ask;
mod read;
#[cfg(test)]
mod tests;

use super::answer::{Lines, whole};
use super::codec::{CallOptions, Codec, Decode};
use super::{Api, errors};
use crate::record::{Ask, Failure};

pub(super) const CHAT: &dyn Codec = &Ollama(Api::OllamaChat);
pub(super) const GENERATE: &dyn Codec = &Ollama(Api::OllamaGenerate);

/// The two APIs differ in how they ask; their answers are read by one reader.
struct Ollama(Api);

impl Codec for Ollama {
    fn api(&self) -> Api {
        self.0
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        match self.0 {
            Api::OllamaGenerate => "/api/generate".to_owned(),
            _ => "/api/chat".to_owned(),
        }
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        ask::body(self.0, ask, options)
    }

    fn stream(&self) -> Box<dyn Decode> {
        Box::<Lines<read::Read>>::default()
    }

    fn whole(&self) -> Box<dyn Decode> {
        whole::<read::Read>()
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}
