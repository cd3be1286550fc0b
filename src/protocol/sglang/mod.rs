//! `SGLang`'s own API: `POST /generate`, streamed and whole.
//!
//! Wire facts: captures of 0.5.23 in tests/fixtures/wire/sglang, `GenerateReqInput` in `SGLang`'s `io_struct.py`. The API of the
//! same path in `LMDeploy` is another one: its request is flat, with `prompt` and `max_tokens`.

mod ask;
mod read;
#[cfg(test)]
mod tests;

use super::answer::{Events, whole};
use super::codec::{CallOptions, Codec, Decode};
use super::{Api, errors};
use crate::record::{Ask, Failure};

pub(super) const GENERATE: &dyn Codec = &Sglang;

struct Sglang;

impl Codec for Sglang {
    fn api(&self) -> Api {
        Api::SglangGenerate
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        "/generate".to_owned()
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
