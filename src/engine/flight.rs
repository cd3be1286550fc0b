//! One request from its due instant to its row.

use std::vec::IntoIter;

use super::drive::Work;
use super::port::Call;
use crate::base::Nanos;
use crate::config::Timeouts;
use crate::protocol::{Decode, Event};
use crate::record::{Ask, Cancel, Chunk, Failure, FailureClass, Outcome, Phase, Prompt, Row};
use crate::workload::Turn;

/// Enough of an error body to find its message.
const REFUSAL_MAX: usize = 64 * 1024;
/// A response larger than this is not a language model's answer.
const WHOLE_MAX: usize = 64 * 1024 * 1024;
/// Room for the chunks of most answers, made before the first one comes.
const CHUNKS_AHEAD: u32 = 1_024;

/// The conversation that a request is a turn of.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) turns: IntoIter<Turn>,
    /// What was said so far, the request under way included; kept only while more turns follow.
    pub(super) said: Option<Prompt>,
}

/// A request between its due instant and its row.
pub(super) struct Flight {
    pub(super) row: Row,
    pub(super) call: Call,
    pub(super) talk: Talk,
    /// Whether it was sent a second time, on a fresh line.
    pub(super) retried: bool,
    pub(super) decoder: Option<Box<dyn Decode>>,
    pub(super) stream: bool,
    /// When it took a line or began to open one.
    began: Nanos,
    /// The last bytes after the first token; none before it.
    last: Option<Nanos>,
    status: Option<u16>,
    refusal: Vec<u8>,
    error: Option<Failure>,
    size: usize,
    tokens: u32,
    cancel: Option<Cancel>,
    keep_text: bool,
}

impl Flight {
    pub(super) fn new(
        ask: &Ask,
        call: Call,
        talk: Talk,
        (phase, due, now): (Phase, Option<Nanos>, Nanos),
        work: &Work,
    ) -> Self {
        let open = Outcome::Failed(Failure::new(FailureClass::Cancelled, "not finished"));
        Self {
            row: Row::unsent(ask, phase, due, now, open),
            call,
            retried: false,
            decoder: None,
            stream: work.options.stream,
            began: now,
            last: None,
            status: None,
            refusal: Vec::new(),
            error: None,
            size: 0,
            tokens: 0,
            cancel: ask.cancel,
            keep_text: work.keep_text || talk.turns.len() > 0,
            talk,
        }
    }

    /// It waits for a line from now on.
    pub(super) fn begin(&mut self, now: Nanos) {
        self.began = now;
    }

    /// Its first byte was handed over at `at`.
    pub(super) fn sent(&mut self, at: Nanos, decoder: Box<dyn Decode>) {
        self.row.sent = Some(at);
        self.row.chunks.reserve(self.row.output_tokens_asked.unwrap_or(0).min(CHUNKS_AHEAD) as usize);
        self.decoder = Some(decoder);
    }

    /// A second try starts from nothing.
    pub(super) fn forget(&mut self, now: Nanos) {
        self.retried = true;
        self.row.reconnects += 1;
        self.row.sent = None;
        self.began = now;
    }

    pub(super) fn head(&mut self, status: u16, at: Nanos) {
        self.status = Some(status);
        self.row.headers = Some(at);
        self.row.streamed = self.stream;
    }

    /// Body bytes that left the socket at `at`. An error ends the request here and now.
    pub(super) fn body(&mut self, bytes: &[u8], at: Nanos) -> Result<(), Failure> {
        self.row.done = at;
        if !self.is_welcome() {
            let room = REFUSAL_MAX - self.refusal.len();
            self.refusal.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return Ok(());
        }
        self.size += bytes.len();
        if self.size > WHOLE_MAX {
            let words = format!("the response passed {WHOLE_MAX} bytes");
            return Err(Failure::new(FailureClass::Malformed, words));
        }
        if let Some(mut decoder) = self.decoder.take() {
            decoder.feed(bytes, &mut |event| self.settle(event, at));
            self.decoder = Some(decoder);
        }
        if !self.row.chunks.is_empty() {
            self.last = Some(at);
        }
        match self.cancel {
            Some(Cancel::Tokens(limit)) if self.tokens >= limit => Err(Failure::new(
                FailureClass::Cancelled,
                format!("cancelled after {} tokens, as planned", self.tokens),
            )),
            _ => Ok(()),
        }
    }

    /// The body has ended or, where it is not `clean`, was cut.
    pub(super) fn end(&mut self, clean: Result<(), Failure>, at: Nanos, work: &Work) -> Result<(), Failure> {
        self.row.done = at;
        let Some(status) = self.status else {
            return clean.and_then(|()| {
                Err(Failure::new(FailureClass::Connect, "connection lost before the response"))
            });
        };
        if !self.is_welcome() {
            return Err(work.codec.refusal(status, &self.refusal));
        }
        let Some(mut decoder) = self.decoder.take() else { return clean };
        let verdict = decoder.finish(clean.is_ok(), &mut |event| self.settle(event, at));
        self.decoder = Some(decoder);
        verdict.and(self.error.take().map_or(Ok(()), Err)).and(clean)
    }

    /// What is wrong when nothing has come until now; none while there is time.
    pub(super) fn overdue(&self, now: Nanos, work: &Work) -> Option<Failure> {
        let (deadline, class, limit) = self.limit(work.timeouts);
        (now >= deadline).then(|| match (class, self.status) {
            (FailureClass::Stalled | FailureClass::TimeoutFirstToken, Some(status)) if !self.is_welcome() => {
                // A server that refuses and then keeps the body open is cut off: what came so far is enough.
                work.codec.refusal(status, &self.refusal)
            }
            _ => late(class, limit),
        })
    }

    /// When its patience ends, as it stands.
    pub(super) fn deadline(&self, work: &Work) -> Nanos {
        self.limit(work.timeouts).0
    }

    fn limit(&self, limits: Timeouts) -> (Nanos, FailureClass, Nanos) {
        let Some(sent) = self.row.sent else {
            return (self.began + limits.connect, FailureClass::Connect, limits.connect);
        };
        let total = (sent + limits.total, FailureClass::TimeoutTotal, limits.total);
        let silence = match self.last {
            Some(last) => (last + limits.stall, FailureClass::Stalled, limits.stall),
            None if self.stream => {
                (sent + limits.first_token, FailureClass::TimeoutFirstToken, limits.first_token)
            }
            None => total,
        };
        let first = if silence.0 < total.0 { silence } else { total };
        match self.cancel {
            Some(Cancel::After(span)) if sent + span < first.0 => {
                (sent + span, FailureClass::Cancelled, span)
            }
            _ => first,
        }
    }

    fn is_welcome(&self) -> bool {
        self.status.is_none_or(|status| (200..300).contains(&status))
    }

    fn settle(&mut self, event: Event<'_>, at: Nanos) {
        match event {
            Event::Idle | Event::End => {}
            Event::Tokens(tokens) => {
                self.tokens += tokens.count.unwrap_or(1);
                if self.row.streamed {
                    self.row.chunks.push(Chunk { at, tokens: tokens.count });
                }
                if tokens.visible && self.row.first_visible.is_none() {
                    self.row.first_visible = Some(at);
                }
                if self.keep_text {
                    tokens.text.push_to(&mut self.row.text);
                }
            }
            Event::Finish(reason) => self.row.finish_reason = Some(reason.to_owned()),
            Event::Usage(usage) => self.row.usage = usage,
            Event::Times(times) => self.row.server_times = Some(times),
            Event::Error(failure) => self.error = self.error.take().or(Some(failure)),
        }
    }
}

fn late(class: FailureClass, limit: Nanos) -> Failure {
    let words = match class {
        FailureClass::Connect => format!("no connection within {limit}"),
        FailureClass::Stalled => format!("no bytes within {limit}"),
        FailureClass::TimeoutTotal => format!("not finished within {limit}"),
        FailureClass::Cancelled => format!("cancelled after {limit}, as planned"),
        _ => format!("no first token within {limit}"),
    };
    Failure::new(class, words)
}
