//! Bodies of gRPC: messages in, messages and trailers out.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderMap;
use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http_body::Frame;

use super::Status;
use crate::simulator::http::routes::BODY_MAX;

/// The messages of a request as they arrive.
pub(super) struct Messages {
    body: BodyDataStream,
    buffer: BytesMut,
}

impl Messages {
    pub(super) fn new(body: Body) -> Self {
        Self { body: body.into_data_stream(), buffer: BytesMut::new() }
    }

    /// The next message; `None` once the client has closed its side. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Status>> {
        loop {
            match split(&mut self.buffer) {
                Ok(None) => {}
                Ok(Some(message)) => return Some(Ok(message)),
                Err(status) => return Some(Err(status)),
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                // A client that has gone away hears no answer either.
                Some(Err(_)) | None => return None,
            }
        }
    }
}

/// Takes the first message off the buffer, where it is whole.
fn split(buffer: &mut BytesMut) -> Result<Option<Bytes>, Status> {
    let Some((prefix, rest)) = buffer.split_first_chunk::<5>() else {
        return Ok(None);
    };
    let [compressed, length @ ..] = *prefix;
    let length = u32::from_be_bytes(length) as usize;
    if compressed != 0 {
        return Err(Status { code: 12, message: "compressed messages are not understood".to_owned() });
    }
    if length > BODY_MAX {
        let message = format!("a message of {length} bytes is more than {BODY_MAX}");
        return Err(Status { code: 8, message });
    }
    if rest.len() < length {
        return Ok(None);
    }
    buffer.advance(5);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// The pieces of an answer.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Pieces, then trailers.
pub(super) struct GrpcBody {
    pieces: Pieces,
    trailers: Option<HeaderMap>,
}

impl GrpcBody {
    pub(super) fn unary(frame: Option<Bytes>, status: &Status) -> Self {
        let pieces = Box::pin(stream::iter(frame.map(Ok)));
        Self { pieces, trailers: Some(status.trailers()) }
    }

    /// Breaks the connection in the middle of the message.
    pub(super) fn half(frame: Bytes) -> Self {
        let pieces = Box::pin(stream::iter([Ok(frame), Err(io::ErrorKind::BrokenPipe.into())]));
        Self { pieces, trailers: None }
    }

    /// Whatever goes wrong in a stream is told in it, so its status is good.
    pub(super) fn streamed(pieces: Pieces) -> Self {
        Self { pieces, trailers: Some(Status::OK.trailers()) }
    }
}

impl http_body::Body for GrpcBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.as_mut().poll_next(context).map(|piece| match piece {
            Some(piece) => Some(piece.map(Frame::data)),
            None => self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))),
        })
    }
}
