//! One request's way out: from the model's emissions to the bytes of its answer, noting the truth.

use std::collections::VecDeque;
use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::Receiver;

use super::answer::Voice;
use super::clock::Clock;
use super::driver::Driver;
use super::openai::{Declined, answer};
use super::truth::{TruthLog, TruthOutcome, TruthRow};
use crate::base::Nanos;
use crate::simulator::model::{Emission, Ticket, What};

/// A request that the model works on. Dropping it early cancels the request; its truth is logged in any case.
#[derive(Debug)]
pub(super) struct Flight {
    pub voice: Voice,
    pub emissions: Receiver<Emission>,
    pub id: Ticket,
    pub max_tokens: u32,
    /// Tokens per chunk after the first.
    pub chunk: u32,
    pub driver: Driver,
    pub clock: Clock,
    pub log: TruthLog,
    pub row: TruthRow,
}

/// The pieces of a stream that are ready to be handed over, each with the number of tokens written once it is.
struct Writer {
    flight: Flight,
    ready: VecDeque<Piece>,
    over: bool,
}

enum Piece {
    Bytes { bytes: Bytes, tokens: u32 },
    End(TruthOutcome),
    Break,
}

impl Flight {
    /// The answer as a stream of events. Its headers leave at once, long before the first token.
    pub(super) fn streamed(self) -> Response<Body> {
        let mut response = Response::new(Body::from_stream(self.events()));
        let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }

    /// The answer in one piece, once its last token is there.
    pub(super) async fn whole(mut self) -> Response<Body> {
        let ending = loop {
            match self.emissions.recv().await {
                Some(Emission { at, what: What::Token { .. }, .. }) => self.row.planned_ns.push(at.0),
                Some(ending) => break ending.what,
                // The server is shutting down.
                None => break What::Failed,
            }
        };
        let tokens = self.row.planned_ns.len() as u32;
        match ending {
            What::Finished { .. } | What::Token { .. } => {
                let cached = if let What::Finished { cached } = ending { cached } else { 0 };
                let body = self.voice.whole(tokens, cached);
                self.note_written(tokens);
                self.row.outcome = TruthOutcome::Finished;
                answer(StatusCode::OK, body)
            }
            What::Failed => {
                self.row.outcome = TruthOutcome::StreamError;
                Declined::broken().into_response()
            }
            What::Cut => {
                self.row.outcome = TruthOutcome::Cut;
                let half = Bytes::copy_from_slice(&self.voice.whole(tokens, 0).as_bytes()[..32]);
                let pieces = stream::iter([Ok(half)]).chain(stream::once(break_off()).map(Err));
                answer(StatusCode::OK, Body::from_stream(pieces))
            }
        }
    }

    fn events(self) -> impl Stream<Item = io::Result<Bytes>> {
        let writer = Writer { flight: self, ready: VecDeque::new(), over: false };
        stream::unfold(writer, |mut writer| async move {
            let item = writer.next().await?;
            Some((item, writer))
        })
    }

    /// Notes that tokens up to `tokens` have been handed over by now.
    fn note_written(&mut self, tokens: u32) {
        self.row.written_ns.resize(tokens as usize, self.clock.now().0);
        self.row.output_tokens = tokens;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.row.outcome == TruthOutcome::Cancelled {
            self.driver.cancel(self.id);
        }
        let planned_ns = std::mem::take(&mut self.row.planned_ns);
        let written_ns = std::mem::take(&mut self.row.written_ns);
        self.log.push(TruthRow { planned_ns, written_ns, ..self.row.clone() });
    }
}

impl Writer {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.ready.pop_front() {
                Some(Piece::Bytes { bytes, tokens }) => {
                    self.flight.note_written(tokens);
                    return Some(Ok(bytes));
                }
                Some(Piece::End(outcome)) => self.flight.row.outcome = outcome,
                Some(Piece::Break) => {
                    self.over = true;
                    return Some(Err(break_off().await));
                }
                None if self.over => return None,
                None => match self.flight.emissions.recv().await {
                    Some(Emission { at, what, .. }) => self.take(at, what),
                    // The server is shutting down.
                    None => self.ready.push_back(Piece::Break),
                },
            }
        }
    }

    /// Turns one emission into pieces; `row.output_tokens` is what has been written when the queue is empty.
    fn take(&mut self, at: Nanos, what: What) {
        let flight = &mut self.flight;
        let written = flight.row.output_tokens;
        match what {
            What::Token { index } => {
                flight.row.planned_ns.push(at.0);
                let tokens = index + 1;
                // The last token waits for the word that it was: its chunk carries the finish reason.
                let full = tokens == 1 || tokens - written >= flight.chunk;
                let opening = if tokens == 1 { flight.voice.opening() } else { None };
                let chunk =
                    (full && tokens < flight.max_tokens).then(|| flight.voice.tokens(written, tokens, false));
                let opening = opening.map(|bytes| Piece::Bytes { bytes, tokens: 0 });
                let chunk = chunk.map(|bytes| Piece::Bytes { bytes, tokens });
                self.ready.extend(opening.into_iter().chain(chunk));
            }
            What::Finished { cached } => {
                let tokens = flight.row.planned_ns.len() as u32;
                let last = flight.voice.tokens(written, tokens, true);
                let closing = flight.voice.closing(tokens, cached);
                self.ready.extend([
                    Piece::Bytes { bytes: last, tokens },
                    Piece::Bytes { bytes: closing, tokens },
                    Piece::End(TruthOutcome::Finished),
                ]);
                self.over = true;
            }
            What::Failed => {
                self.ready.extend([
                    Piece::Bytes { bytes: Voice::breaking(), tokens: written },
                    Piece::End(TruthOutcome::StreamError),
                ]);
                self.over = true;
            }
            What::Cut => self.ready.extend([Piece::End(TruthOutcome::Cut), Piece::Break]),
        }
    }
}

/// The error that makes the server drop a connection, after a pause in which what was handed over is flushed.
async fn break_off() -> io::Error {
    tokio::task::yield_now().await;
    io::ErrorKind::BrokenPipe.into()
}
