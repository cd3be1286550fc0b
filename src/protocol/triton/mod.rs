//! Triton Inference Server: the generate extension over HTTP, and `KServe`'s v2 protocol over HTTP and gRPC.
//!
//! Wire facts: captures of 2.51 in tests/fixtures/wire/triton; Triton's `extension_generate.md`, `KServe`'s
//! `required_api.md` and `grpc_predict_v2.proto`, Triton's `extension_binary_data.md` and `extension_parameters.md`.

mod ask;
mod generate;
mod growth;
mod grpc;
mod infer;
mod messages;
#[cfg(test)]
mod tests;

use super::answer::{Events, whole};
use super::codec::{CallOptions, Codec, Decode};
use super::sse::{Item, Sse};
use super::{Api, errors};
use crate::record::{Ask, Failure};

pub(super) use grpc::STREAM_INFER;

pub(super) const GENERATE: &dyn Codec = &Triton(Api::TritonGenerate);
pub(super) const INFER: &dyn Codec = &Triton(Api::KserveInfer);

/// The output that is the text, by the convention of TensorRT-LLM's ensemble and the vLLM backend.
const TEXT_OUTPUT: &str = "text_output";

/// The two APIs over HTTP.
struct Triton(Api);

impl Codec for Triton {
    fn api(&self) -> Api {
        self.0
    }

    fn path(&self, model: &str, stream: bool) -> String {
        let verb = match self.0 {
            Api::KserveInfer => "infer",
            _ if stream => "generate_stream",
            _ => "generate",
        };
        format!("/v2/models/{model}/{verb}")
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        match self.0 {
            Api::KserveInfer => ask::infer(ask, options),
            _ => ask::generate(ask, options),
        }
    }

    fn stream(&self) -> Box<dyn Decode> {
        match self.0 {
            // There is no stream of it.
            Api::KserveInfer => self.whole(),
            _ => Box::<Events<generate::Read>>::default(),
        }
    }

    fn whole(&self) -> Box<dyn Decode> {
        match self.0 {
            Api::KserveInfer => whole::<infer::Read>(),
            _ => whole::<generate::Read>(),
        }
    }

    /// A refused stream has its error document in an event.
    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        let mut document = None;
        if body.starts_with(b"data:") {
            let mut sse = Sse::default();
            let mut sink = |item: Item<'_>| {
                if let Item::Event { data, .. } = item {
                    document.get_or_insert_with(|| data.to_vec());
                }
            };
            sse.feed(body, &mut sink);
            sse.finish(&mut sink);
        }
        errors::refusal(status, document.as_deref().unwrap_or(body))
    }
}
