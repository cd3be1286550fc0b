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
use super::{Api, errors};
use crate::record::{Ask, Failure};

/// The codec of an API.
pub fn codec(api: Api) -> &'static dyn Codec {
    match api {
        Api::Chat => &OpenAi(Api::Chat),
        Api::Completions => &OpenAi(Api::Completions),
    }
}

/// The two APIs differ in how they ask; their answers are read by one decoder.
struct OpenAi(Api);

impl Codec for OpenAi {
    fn api(&self) -> Api {
        self.0
    }

    fn path(&self) -> &'static str {
        match self.0 {
            Api::Chat => "/v1/chat/completions",
            Api::Completions => "/v1/completions",
        }
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        ask::body(self.0, ask, options)
    }

    fn stream(&self) -> Box<dyn Decode> {
        Box::<stream::Stream>::default()
    }

    fn whole(&self) -> Box<dyn Decode> {
        Box::<whole::Whole>::default()
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}
