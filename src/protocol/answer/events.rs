//! The frame of server-sent events: one document in each event.

use super::reading::Reading;
use super::{Reader, Sink, cut};
use crate::protocol::codec::{Decode, Event};
use crate::protocol::errors;
use crate::protocol::sse::{Item, Sse};
use crate::record::{Failure, FailureClass};

/// Reads a stream of events, or says what came in its place.
#[derive(Default)]
pub(in crate::protocol) struct Events<R> {
    body: Body,
    sse: Sse,
    reading: Reading<R>,
}

/// What the first byte that is not white space tells about the body.
#[derive(Default)]
enum Body {
    #[default]
    Unknown,
    Events,
    /// Not server-sent events: the first part of it, for the failure's words.
    Foreign(Vec<u8>),
}

/// Enough for any error document.
const FOREIGN_MAX: usize = 1 << 20;

impl<R: Reader> Decode for Events<R> {
    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        let mut bytes = bytes;
        if matches!(self.body, Body::Unknown)
            && let Some(start) = bytes.iter().position(|byte| !b" \t\r\n\xef\xbb\xbf".contains(byte))
        {
            // The fields of an event are data, event, id and retry, or nothing before the colon of a comment.
            self.body = if b"deir:".contains(&bytes[start]) {
                Body::Events
            } else {
                bytes = &bytes[start..];
                Body::Foreign(Vec::new())
            };
        }
        match &mut self.body {
            Body::Foreign(kept) => {
                let room = FOREIGN_MAX - kept.len();
                kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Body::Events | Body::Unknown => self.sse.feed(bytes, &mut |item| self.reading.item(item, sink)),
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if clean {
            self.reading.body_ended = true;
            self.sse.finish(&mut |item| self.reading.item(item, sink));
        }
        match &self.body {
            Body::Foreign(kept) if clean => Err(foreign(kept)),
            Body::Foreign(_) => Err(cut()),
            Body::Events | Body::Unknown => self.reading.verdict(clean),
        }
    }

    fn reset(&mut self) {
        self.body = Body::Unknown;
        self.sse.reset();
        self.reading.reset();
    }
}

impl<R: Reader> Reading<R> {
    fn item(&mut self, item: Item<'_>, sink: &mut Sink<'_>) {
        match item {
            Item::Comment => sink(Event::Idle),
            Item::Oversize => self.oversize(Sse::EVENT_MAX, sink),
            Item::Event { name, data } => match data.trim_ascii() {
                b"" => sink(Event::Idle),
                b"[DONE]" => sink(Event::End),
                data if name == b"error" => self.answer.fail(errors::in_stream(data), sink),
                data => self.document(data, sink),
            },
        }
    }
}

/// A whole body that holds no server-sent events.
fn foreign(body: &[u8]) -> Failure {
    if let Some(words) = errors::document(body) {
        return Failure::new(FailureClass::InStreamError, words);
    }
    let words = if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        format!("the server does not stream: it answered with one document: {}", errors::plain(body))
    } else {
        format!("the body is not a stream of events: {}", errors::plain(body))
    };
    Failure::new(FailureClass::Malformed, words)
}
