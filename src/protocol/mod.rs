//! Sans-IO codecs: bytes in, events out.

mod adapter;
mod answer;
mod anthropic;
mod api;
mod body;
mod buffer;
mod codec;
mod embeddings;
mod errors;
pub mod http1;
mod llama;
pub mod logs;
pub mod models;
mod ndjson;
mod ollama;
mod openai;
pub mod prometheus;
mod rerank;
mod responses;
mod sglang;
mod skim;
mod sse;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod tgi;
#[cfg(test)]
mod told;
mod triton;
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
        Api::OllamaChat => ollama::CHAT,
        Api::OllamaGenerate => ollama::GENERATE,
        Api::TritonGenerate => triton::GENERATE,
        Api::KserveInfer => triton::INFER,
        Api::KserveGrpc => triton::STREAM_INFER,
        Api::TgiGenerate => tgi::GENERATE,
        Api::SglangGenerate => sglang::GENERATE,
        Api::LlamaCompletion => llama::COMPLETION,
        Api::Responses => responses::RESPONSES,
        Api::Messages => anthropic::MESSAGES,
        Api::Embeddings => embeddings::EMBEDDINGS,
        Api::Rerank => rerank::RERANK,
    }
}
