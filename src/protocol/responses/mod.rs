//! `OpenAI`'s responses: `POST /v1/responses`, streamed as named events and whole.

mod ask;
mod stream;
#[cfg(test)]
mod tests;
mod whole;
mod wire;

use super::codec::{CallOptions, Codec, Decode};
use super::stream::Stream;
use super::whole::Whole;
use super::{Api, errors};
use crate::record::{Ask, Failure};

#[cfg(test)]
pub(super) use tests::STREAMS;

pub(super) const RESPONSES: &dyn Codec = &Responses;

struct Responses;

impl Codec for Responses {
    fn api(&self) -> Api {
        Api::Responses
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        "/v1/responses".to_owned()
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        ask::body(ask, options)
    }

    fn stream(&self) -> Box<dyn Decode> {
        Box::<Stream<stream::Events>>::default()
    }

    fn whole(&self) -> Box<dyn Decode> {
        Box::new(Whole::new(whole::read))
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}
