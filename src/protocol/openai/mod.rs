//! OpenAI-shaped servers: chat completions and completions, streamed and whole.

mod ask;
mod stream;
mod tally;
mod template;
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
pub(super) use tests::samples::{STREAMS, WHOLES};

pub(super) const CHAT: &dyn Codec = &OpenAi(Api::Chat);
pub(super) const COMPLETIONS: &dyn Codec = &OpenAi(Api::Completions);

/// The two APIs differ in how they ask; their answers are read by one decoder.
struct OpenAi(Api);

impl Codec for OpenAi {
    fn api(&self) -> Api {
        self.0
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        let path = if self.0 == Api::Chat { "/v1/chat/completions" } else { "/v1/completions" };
        path.to_owned()
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        ask::body(self.0, ask, options)
    }

    fn stream(&self) -> Box<dyn Decode> {
        Box::<Stream<stream::Chunks>>::default()
    }

    fn whole(&self) -> Box<dyn Decode> {
        Box::new(Whole::new(whole::read))
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}
