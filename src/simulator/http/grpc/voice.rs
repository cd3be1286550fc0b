//! The model's answer as messages of `KServe`'s gRPC API.

use bytes::Bytes;

use super::framed;
use super::messages::{InferRequest, InferResponse, stream_error};
use crate::simulator::http::api::triton::{Inference, MODEL_VERSION, wanted};
use crate::simulator::http::clock::unix_seconds;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::routes::Shared;
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, text};

/// Which call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Unary,
    Streamed,
}

struct Grpc {
    shape: Shape,
    model: String,
    /// The client's own id of the request.
    id: String,
    salt: u64,
    marks_end: bool,
}

/// Checks a request and makes it one for the model.
pub(super) fn read(shared: &Shared, request: &InferRequest, shape: Shape) -> Result<Wanted, Declined> {
    let InferRequest { model, id, text, max_tokens, stream, marks_end } = request;
    let asked = Asked {
        body: &[],
        spec: &shared.spec,
        path_model: Some(model),
        requests: &shared.requests,
        unix_seconds: unix_seconds(),
    };
    let inference = Inference { text: text.clone(), max_tokens: *max_tokens, stream: *stream };
    let streamed = shape == Shape::Streamed && *stream;
    let mut wanted = wanted(&asked, &inference, streamed, |model, salt| {
        Box::new(Grpc { shape, model, id: id.clone(), salt, marks_end: *marks_end })
    })?;
    if !id.is_empty() {
        wanted.id.clone_from(id);
    }
    Ok(wanted)
}

impl Voice for Grpc {
    fn tongue(&self) -> Tongue {
        Tongue::Triton
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        framed(&self.response(Some(&text(self.salt, 0, span.from, span.to)), Some(false)).streamed())
    }

    /// The response without output that marks the end, for those who wished for it.
    fn closing(&mut self, _ended: &[Ended]) -> Option<Bytes> {
        self.marks_end.then(|| framed(&self.response(None, Some(true)).streamed()))
    }

    fn breaking(&mut self) -> Bytes {
        let error = framed(&stream_error(&Declined::broken().message, &self.model, &self.id));
        match self.closing(&[]) {
            Some(end) => [error, end].concat().into(),
            None => error,
        }
    }

    /// One message: bare for a unary call, framed with its end mark in a stream.
    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let tokens = ended.first().map_or(0, |ended| ended.tokens);
        let words = text(self.salt, 0, 0, tokens);
        match self.shape {
            Shape::Unary => self.response(Some(&words), None).write().finish(),
            Shape::Streamed => {
                let whole = framed(&self.response(Some(&words), Some(false)).streamed());
                match self.closing(ended) {
                    Some(end) => [whole, end].concat().into(),
                    None => whole,
                }
            }
        }
    }
}

impl Grpc {
    fn response<'a>(&'a self, text: Option<&'a str>, is_final: Option<bool>) -> InferResponse<'a> {
        InferResponse { model: &self.model, version: MODEL_VERSION, id: &self.id, text, is_final }
    }
}
