//! `KServe`'s gRPC API (`inference.GRPCInferenceService`) over HTTP/2 without TLS.

mod body;
mod messages;
mod proto;
mod stream;
mod voice;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use bytes::{BufMut, BytesMut};

use self::body::{GrpcBody, Messages};
use self::messages::{InferRequest, flag, model_metadata, name_of, server_metadata};
use self::proto::Malformed;
use super::api::triton::{MODEL_VERSION, known_model};
use super::complete::{launch, request_id};
use super::declined::Declined;
use super::meta::VERSION;
use super::routes::Shared;
use crate::base::Nanos;

/// How a call ended: gRPC's code, and words where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Status {
    code: u8,
    message: String,
}

impl Status {
    const OK: Self = Self { code: 0, message: String::new() };

    fn invalid(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }

    fn trailers(&self) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", u16::from(self.code).into());
        if !self.message.is_empty()
            && let Ok(message) = HeaderValue::from_str(&percent_encoded(&self.message))
        {
            trailers.insert("grpc-message", message);
        }
        trailers
    }
}

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        Self::invalid("the message breaks the format of Protocol Buffers")
    }
}

/// Triton's codes for what HTTP says with a status.
impl From<Declined> for Status {
    fn from(Declined { status, message, .. }: Declined) -> Self {
        let code = match status.as_u16() {
            400 => 3,
            404 => 5,
            429 | 503 => 14,
            _ => 13,
        };
        Self { code, message }
    }
}

/// Answers one call, whatever its method.
pub(super) async fn call(shared: Shared, arrival: Nanos, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let method = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let messages = Messages::new(body);
    if method == "ModelStreamInfer" {
        let data = stream::answers(shared, messages, request_id(&head.headers));
        return respond(Body::new(GrpcBody::streamed(data)));
    }
    let body = match unary(&shared, arrival, &method, messages, &head.headers).await {
        Ok(Answer::Message(message)) => GrpcBody::unary(Some(framed(&message)), &Status::OK),
        Ok(Answer::Half(message)) => GrpcBody::half(framed(&message)),
        Err(status) => GrpcBody::unary(None, &status),
    };
    respond(Body::new(body))
}

enum Answer {
    Message(Bytes),
    /// What is sent of it before the connection breaks.
    Half(Bytes),
}

async fn unary(
    shared: &Shared,
    arrival: Nanos,
    method: &str,
    mut messages: Messages,
    headers: &HeaderMap,
) -> Result<Answer, Status> {
    let message = messages.next().await.transpose()?.unwrap_or_default();
    let ready = shared.clock.now() >= shared.spec.start;
    let message = match method {
        "ServerLive" => flag(true),
        "ServerReady" => flag(ready),
        "ServerMetadata" => server_metadata(VERSION),
        "ModelReady" => flag(ready && known_model(&shared.spec, Some(&name_of(&message)?)).is_ok()),
        "ModelMetadata" => {
            let model = known_model(&shared.spec, Some(&name_of(&message)?))?;
            model_metadata(&model, MODEL_VERSION)
        }
        "ModelInfer" => {
            let request = InferRequest::read(&message)?;
            let wanted = voice::read(shared, &request, voice::Shape::Unary)?;
            let flight = launch(shared, arrival, request_id(headers), wanted).await?;
            match flight.whole_bytes().await? {
                (message, true) => message,
                (half, false) => return Ok(Answer::Half(half)),
            }
        }
        _ => {
            return Err(Status { code: 12, message: format!("the simulator has no method {method}") });
        }
    };
    Ok(Answer::Message(message))
}

fn respond(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// A message with gRPC's prefix: not compressed, and its length.
fn framed(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    frame.freeze()
}

/// As gRPC's specification wants words in a header: bytes outside printable ASCII, and the sign itself, as `%XX`.
fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' '..=b'~' if byte != b'%' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
