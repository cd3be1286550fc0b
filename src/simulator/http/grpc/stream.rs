//! `ModelStreamInfer`: requests come in on one stream, and their answers leave on it as they are made.

use std::io;

use bytes::Bytes;
use futures_util::stream::{self, SelectAll};
use futures_util::{FutureExt, StreamExt};

use super::body::{Messages, Pieces};
use super::messages::{InferRequest, stream_error};
use super::voice::{Shape, read};
use super::{Status, framed};
use crate::simulator::http::complete::launch;
use crate::simulator::http::declined::Declined;
use crate::simulator::http::routes::Shared;
use crate::simulator::http::voice::SEQUENCES_MAX;

/// One client's stream.
struct Exchange {
    shared: Shared,
    /// `None` once the client has closed its side.
    messages: Option<Messages>,
    answers: SelectAll<Pieces>,
    /// The id in the call's metadata, which names the first request of the stream.
    request_id: Option<String>,
}

/// What happened first.
enum Event {
    Message(Option<Result<Bytes, Status>>),
    Piece(io::Result<Bytes>),
}

/// The pieces of all answers, framed, until the last request of the stream has been answered.
pub(super) fn answers(shared: Shared, messages: Messages, request_id: Option<String>) -> Pieces {
    let exchange = Exchange { shared, messages: Some(messages), answers: SelectAll::new(), request_id };
    Box::pin(stream::unfold(exchange, |mut exchange| async move {
        let piece = exchange.next().await?;
        Some((piece, exchange))
    }))
}

impl Exchange {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.event().await? {
                Event::Piece(piece) => return Some(piece),
                Event::Message(Some(Ok(message))) => self.begin(message).await,
                Event::Message(Some(Err(Status { message, .. }))) => {
                    self.messages = None;
                    return Some(Ok(framed(&stream_error(&message, "", ""))));
                }
                Event::Message(None) => self.messages = None,
            }
        }
    }

    /// `None` when nothing more can happen. A stream that has many requests under way is not read further.
    async fn event(&mut self) -> Option<Event> {
        let Self { messages, answers, .. } = self;
        let messages = messages.as_mut().filter(|_| answers.len() < SEQUENCES_MAX);
        match (messages, answers.is_empty()) {
            (None, true) => None,
            (None, false) => answers.next().await.map(Event::Piece),
            (Some(messages), true) => Some(Event::Message(messages.next().await)),
            (Some(messages), false) => tokio::select! {
                message = messages.next() => Some(Event::Message(message)),
                Some(piece) = answers.next() => Some(Event::Piece(piece)),
            },
        }
    }

    async fn begin(&mut self, message: Bytes) {
        let arrival = self.shared.clock.now();
        let request = match InferRequest::read(&message) {
            Ok(request) => request,
            Err(malformed) => return self.decline(&Status::from(malformed).message, "", ""),
        };
        let streamed = request.stream;
        let wanted = match read(&self.shared, &request, Shape::Streamed) {
            Ok(wanted) => wanted,
            Err(Declined { message, .. }) => return self.decline(&message, &request.model, &request.id),
        };
        let flight = match launch(&self.shared, arrival, self.request_id.take(), wanted).await {
            Ok(flight) => flight,
            Err(Declined { message, .. }) => return self.decline(&message, &request.model, &request.id),
        };
        if streamed {
            self.answers.push(Box::pin(flight.events(None)));
            return;
        }
        let InferRequest { model, id, .. } = request;
        let whole = flight.whole_bytes().map(move |whole| match whole {
            Ok((bytes, true)) => Ok(bytes),
            Ok((_, false)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(Declined { message, .. }) => Ok(framed(&stream_error(&message, &model, &id))),
        });
        self.answers.push(Box::pin(stream::once(whole)));
    }

    fn decline(&mut self, error: &str, model: &str, id: &str) {
        let frame = framed(&stream_error(error, model, id));
        self.answers.push(Box::pin(stream::iter([Ok(frame)])));
    }
}
