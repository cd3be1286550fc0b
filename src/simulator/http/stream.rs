//! One request's way out: from the model's emissions to the bytes of its answer, noting the truth.

use std::collections::VecDeque;
use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc::Receiver;

use super::clock::Clock;
use super::declined::{Declined, answer};
use super::driver::Driver;
use super::truth::{TruthLog, TruthOutcome, TruthRow};
use super::voice::{Ended, Span, Voice};
use crate::base::Nanos;
use crate::simulator::model::{Emission, Ticket, What};

/// A request that the model works on. Dropping it early cancels the request; its truth is logged in any case.
pub(super) struct Flight {
    pub voice: Box<dyn Voice>,
    pub emissions: Receiver<Emission>,
    pub lanes: Vec<Lane>,
    /// Tokens of each choice.
    pub max_tokens: u32,
    pub reasoning: u32,
    /// Tokens per chunk after the first.
    pub chunk: u32,
    pub driver: Driver,
    pub clock: Clock,
    pub log: TruthLog,
    pub row: TruthRow,
}

/// One choice on its way.
#[derive(Debug)]
pub(super) struct Lane {
    ticket: Ticket,
    prompt: u32,
    planned: Vec<u64>,
    written: Vec<u64>,
    /// Tokens that have been turned into chunks.
    told: u32,
    ended: Option<Ended>,
}

/// The pieces of a stream that are ready to be handed over, each with what has been written once it is.
struct Writer {
    flight: Flight,
    ready: VecDeque<Piece>,
    over: bool,
}

enum Piece {
    /// Bytes with the tokens up to `tokens` of the choice `lane`.
    Bytes {
        bytes: Bytes,
        lane: usize,
        tokens: u32,
    },
    End(TruthOutcome),
    Break,
}

/// How the last choice of a request ended.
enum Ending {
    Finished,
    Failed,
    Cut,
}

impl Lane {
    pub(super) fn new(ticket: Ticket, prompt: u32) -> Self {
        Self { ticket, prompt, planned: Vec::new(), written: Vec::new(), told: 0, ended: None }
    }
}

impl Flight {
    /// The answer as a stream of events. Its headers leave at once, long before the first token, or with it.
    pub(super) async fn streamed(mut self) -> Response<Body> {
        let kind = self.voice.content_type();
        let first = if self.voice.holds_headers() { self.emissions.recv().await } else { None };
        let mut response = Response::new(Body::from_stream(self.events(first)));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    /// The answer in one piece, once its last token is there.
    pub(super) async fn whole(self) -> Response<Body> {
        let tongue = self.voice.tongue();
        match self.whole_bytes().await {
            Ok((body, true)) => answer(StatusCode::OK, body),
            Ok((half, false)) => {
                let pieces = stream::iter([Ok(half)]).chain(stream::once(break_off()).map(Err));
                answer(StatusCode::OK, Body::from_stream(pieces))
            }
            Err(declined) => declined.respond(tongue),
        }
    }

    /// The answer's bytes, and whether they are all.
    pub(super) async fn whole_bytes(mut self) -> Result<(Bytes, bool), Declined> {
        let ending = self.last().await;
        let ended: Vec<Ended> = (0..self.lanes.len()).map(|lane| self.ended(lane)).collect();
        match ending {
            Ending::Finished => {
                let body = self.voice.whole(&ended);
                for (lane, ended) in ended.iter().enumerate() {
                    self.note_written(lane, ended.tokens);
                }
                self.row.outcome = TruthOutcome::Finished;
                Ok((body, true))
            }
            Ending::Failed => {
                self.row.outcome = TruthOutcome::StreamError;
                Err(Declined::broken())
            }
            Ending::Cut => {
                self.row.outcome = TruthOutcome::Cut;
                let body = self.voice.whole(&ended);
                Ok((body.slice(..body.len().min(32)), false))
            }
        }
    }

    /// Waits for the last emission of all choices.
    async fn last(&mut self) -> Ending {
        while self.lanes.iter().any(|lane| lane.ended.is_none()) {
            match self.emissions.recv().await {
                Some(Emission { id, at, what: What::Token { .. } }) => self.plan(id, at),
                Some(Emission { id, at, what: What::Finished { cached, began } }) => {
                    self.end(id, at, cached, began);
                }
                Some(Emission { what: What::Cut, .. }) => return Ending::Cut,
                // Nothing more is sent when the server is shutting down.
                Some(Emission { what: What::Failed, .. }) | None => return Ending::Failed,
            }
        }
        Ending::Finished
    }

    /// The answer piece by piece; `first` has been received already.
    pub(super) fn events(self, first: Option<Emission>) -> impl Stream<Item = io::Result<Bytes>> {
        let mut writer = Writer { flight: self, ready: VecDeque::new(), over: false };
        if let Some(emission) = first {
            writer.take(emission);
        }
        stream::unfold(writer, |mut writer| async move {
            let item = writer.next().await?;
            Some((item, writer))
        })
    }

    fn lane_of(&self, id: Ticket) -> usize {
        self.lanes.iter().position(|lane| lane.ticket == id).unwrap_or(0)
    }

    fn plan(&mut self, id: Ticket, at: Nanos) {
        let lane = self.lane_of(id);
        self.lanes[lane].planned.push(at.0);
    }

    fn end(&mut self, id: Ticket, at: Nanos, cached: u32, began: Nanos) {
        let lane = self.lane_of(id);
        let ended = Ended { cached, began, last: at, ..self.ended(lane) };
        self.lanes[lane].ended = Some(ended);
    }

    /// What is known of a choice's end by now.
    fn ended(&self, lane: usize) -> Ended {
        let Lane { prompt, planned, ended, .. } = &self.lanes[lane];
        let received = Nanos(self.row.received_ns);
        let tokens = planned.len() as u32;
        let instant = |at: Option<&u64>| at.map_or(received, |at| Nanos(*at));
        ended.unwrap_or(Ended {
            prompt: *prompt,
            tokens,
            cached: 0,
            reasoning: self.reasoning.min(tokens),
            received,
            began: received,
            first: instant(planned.first()),
            last: instant(planned.last()),
        })
    }

    /// Notes that tokens up to `tokens` of a choice have been handed over by now.
    fn note_written(&mut self, lane: usize, tokens: u32) {
        let now = self.clock.now().0;
        let written = &mut self.lanes[lane].written;
        self.row.output_tokens += tokens.saturating_sub(written.len() as u32);
        written.resize(tokens as usize, now);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // What has ended is no longer known to the model, and cancelling it changes nothing.
        if self.row.outcome != TruthOutcome::Finished {
            self.lanes
                .iter()
                .filter(|lane| lane.ended.is_none())
                .for_each(|lane| self.driver.cancel(lane.ticket));
        }
        let (mut planned_ns, mut written_ns) = (Vec::new(), Vec::new());
        for lane in &mut self.lanes {
            planned_ns.append(&mut lane.planned);
            written_ns.append(&mut lane.written);
        }
        self.log.push(TruthRow { planned_ns, written_ns, ..self.row.clone() });
    }
}

impl Writer {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.ready.pop_front() {
                Some(Piece::Bytes { bytes, lane, tokens }) => {
                    self.flight.note_written(lane, tokens);
                    if !bytes.is_empty() {
                        return Some(Ok(bytes));
                    }
                }
                Some(Piece::End(outcome)) => self.flight.row.outcome = outcome,
                Some(Piece::Break) => {
                    self.over = true;
                    return Some(Err(break_off().await));
                }
                None if self.over => return None,
                None => match self.flight.emissions.recv().await {
                    Some(emission) => self.take(emission),
                    // The server is shutting down.
                    None => self.ready.push_back(Piece::Break),
                },
            }
        }
    }

    /// Turns one emission into pieces.
    fn take(&mut self, Emission { id, at, what }: Emission) {
        let lane = self.flight.lane_of(id);
        match what {
            What::Token { index } => {
                self.flight.plan(id, at);
                self.take_token(lane, index + 1);
            }
            What::Finished { cached, began } => {
                self.flight.end(id, at, cached, began);
                self.finish(lane);
            }
            What::Failed => {
                let bytes = self.flight.voice.breaking();
                self.say(lane, bytes);
                self.ready.push_back(Piece::End(TruthOutcome::StreamError));
                self.over = true;
            }
            What::Cut => self.ready.extend([Piece::End(TruthOutcome::Cut), Piece::Break]),
        }
    }

    fn take_token(&mut self, lane: usize, tokens: u32) {
        let flight = &mut self.flight;
        let told = flight.lanes[lane].told;
        if tokens == 1
            && let Some(bytes) = flight.voice.opening(lane as u32)
        {
            self.ready.push_back(Piece::Bytes { bytes, lane, tokens: 0 });
        }
        // The last token waits for the word that it was: its chunk carries the finish reason.
        let full = tokens == 1 || tokens - told >= flight.chunk || tokens == flight.reasoning;
        if full && tokens < flight.max_tokens {
            self.tell(lane, tokens, false);
        }
    }

    fn finish(&mut self, lane: usize) {
        let ended = self.flight.ended(lane);
        self.tell(lane, ended.tokens, true);
        if let Some(bytes) = self.flight.voice.ended(lane as u32, &ended) {
            self.say(lane, bytes);
        }
        if self.flight.lanes.iter().all(|lane| lane.ended.is_some()) {
            let all: Vec<Ended> = (0..self.flight.lanes.len()).map(|lane| self.flight.ended(lane)).collect();
            if let Some(bytes) = self.flight.voice.closing(&all) {
                self.say(lane, bytes);
            }
            self.ready.push_back(Piece::End(TruthOutcome::Finished));
            self.over = true;
        }
    }

    /// A chunk with the tokens that have not been told yet, up to `to`.
    fn tell(&mut self, lane: usize, to: u32, ends: bool) {
        let Flight { lanes, voice, reasoning, .. } = &mut self.flight;
        let from = std::mem::replace(&mut lanes[lane].told, to);
        let span = Span { choice: lane as u32, from, to, ends, reasoning: to <= *reasoning };
        let bytes = voice.tokens(span);
        self.ready.push_back(Piece::Bytes { bytes, lane, tokens: to });
    }

    /// A chunk without tokens of its own.
    fn say(&mut self, lane: usize, bytes: Bytes) {
        let tokens = self.flight.lanes[lane].told;
        self.ready.push_back(Piece::Bytes { bytes, lane, tokens });
    }
}

/// The error that makes the server drop a connection, after a pause in which what was handed over is flushed.
async fn break_off() -> io::Error {
    tokio::task::yield_now().await;
    io::ErrorKind::BrokenPipe.into()
}
