//! Sans-IO codecs: bytes in, events out.

mod adapter;
mod anthropic;
mod api;
mod body;
mod buffer;
mod codec;
mod embeddings;
mod errors;
pub mod http1;
pub mod models;
mod openai;
mod rerank;
mod responses;
mod skim;
mod sse;
mod stream;
#[cfg(test)]
mod tests;
mod text;
#[cfg(test)]
mod told;
mod usage;
mod whole;

pub use adapter::{Adapter, Clues, Fields};
pub use api::Api;
pub use codec::{CallOptions, Codec, Decode, Event, Tokens};
pub use text::Text;

/// The codec of an API.
pub fn codec(api: Api) -> &'static dyn Codec {
    match api {
        Api::Chat => openai::CHAT,
        Api::Completions => openai::COMPLETIONS,
        Api::Responses => responses::RESPONSES,
        Api::Messages => anthropic::MESSAGES,
        Api::Embeddings => embeddings::EMBEDDINGS,
        Api::Rerank => rerank::RERANK,
    }
}
