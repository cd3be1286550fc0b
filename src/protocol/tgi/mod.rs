//! TGI's own API: `/generate_stream` and `/generate`.
//!
//! Wire facts: `StreamResponse`, `GenerateResponse` and `ErrorResponse` in TGI's docs/openapi.json.

mod ask;
mod read;
#[cfg(test)]
mod tests;

use super::answer::{Events, whole};
use super::codec::{CallOptions, Codec, Decode};
use super::{Api, errors};
use crate::record::{Ask, Failure};

pub(super) const GENERATE: &dyn Codec = &Tgi;

struct Tgi;

impl Codec for Tgi {
    fn api(&self) -> Api {
        Api::TgiGenerate
    }

    fn path(&self, _model: &str, stream: bool) -> String {
        if stream { "/generate_stream".to_owned() } else { "/generate".to_owned() }
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
