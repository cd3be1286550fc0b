//! A streamed response, event by event.

use super::tally::Tally;
use super::wire::{Choice, Chunk};
use crate::protocol::codec::{Decode, Event, Tokens};
use crate::protocol::errors;
use crate::protocol::sse::{Item, Sse};
use crate::record::{Failure, FailureClass, Usage};

/// Reads a stream of server-sent events, or says what came in its place.
#[derive(Default)]
pub(super) struct Stream {
    body: Body,
    sse: Sse,
    reading: Reading,
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

impl Decode for Stream {
    fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
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
            Body::Events | Body::Unknown => {
                self.sse.feed(bytes, &mut |item| self.reading.item(item, events));
            }
        }
    }

    fn finish(&mut self, clean: bool, events: &mut Vec<Event>) -> Result<(), Failure> {
        if clean {
            self.reading.body_ended = true;
            self.sse.finish(&mut |item| self.reading.item(item, events));
        }
        match &self.body {
            Body::Foreign(kept) if clean => Err(foreign(kept)),
            Body::Foreign(_) => Err(cut()),
            Body::Events | Body::Unknown => self.reading.verdict(clean),
        }
    }
}

/// What the events have said so far.
#[derive(Default)]
struct Reading {
    tally: Tally,
    progress: Progress,
    /// `[DONE]` came.
    done: bool,
    /// What is read now is the unfinished rest of a body that has ended.
    body_ended: bool,
    /// The first thing that went wrong.
    failure: Option<Failure>,
}

/// How far the answer got.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Progress {
    #[default]
    Nothing,
    /// An event with data came.
    Began,
    /// A chunk with tokens came.
    Spoke,
}

impl Reading {
    fn item(&mut self, item: Item<'_>, events: &mut Vec<Event>) {
        match item {
            Item::Comment => events.push(Event::Idle),
            Item::Oversize => {
                let words = format!("an event of more than {} bytes", Sse::EVENT_MAX);
                self.fail(Failure::new(FailureClass::Malformed, words), events);
            }
            Item::Event { name, data } => self.event(name, data.trim_ascii(), events),
        }
    }

    fn event(&mut self, name: &[u8], data: &[u8], events: &mut Vec<Event>) {
        if data.is_empty() {
            return events.push(Event::Idle);
        }
        self.progress = self.progress.max(Progress::Began);
        if data == b"[DONE]" {
            self.done = true;
            events.push(Event::End);
        } else if name == b"error" {
            self.fail(errors::in_stream(data), events);
        } else {
            self.data(data, events);
        }
    }

    fn data(&mut self, data: &[u8], events: &mut Vec<Event>) {
        match serde_json::from_slice::<Chunk<'_>>(data) {
            Ok(chunk) if chunk.error.is_some() => self.fail(errors::in_stream(data), events),
            Ok(chunk) if chunk.choices.is_none() && chunk.usage.is_none() => match errors::document(data) {
                Some(words) => self.fail(Failure::new(FailureClass::InStreamError, words), events),
                None => events.push(Event::Idle),
            },
            Ok(chunk) => self.chunk(chunk, events),
            // The standard asks for U+FFFD in place of bytes that are not UTF-8.
            Err(_) if std::str::from_utf8(data).is_err() => {
                self.data(String::from_utf8_lossy(data).as_bytes(), events);
            }
            Err(_) if self.body_ended => {
                self.fail(Failure::new(FailureClass::Truncated, "the body ended inside an event"), events);
            }
            Err(error) => {
                let words = format!("an event is not a chunk ({error}): {}", errors::plain(data));
                self.fail(Failure::new(FailureClass::Malformed, words), events);
            }
        }
    }

    fn chunk(&mut self, chunk: Chunk<'_>, events: &mut Vec<Event>) {
        let usage = chunk.usage.and_then(|usage| usage.counts());
        let lone = chunk.choices.as_ref().is_some_and(|choices| choices.len() == 1);
        let mut closing = usage.filter(|_| !lone);
        let before = events.len();
        for choice in chunk.choices.into_iter().flatten() {
            let index = choice.index.unwrap_or(0);
            let own_usage = usage.filter(|_| lone);
            let Some(state) = self.tally.choice(index) else {
                let words = format!("more than {} choices", Tally::CHOICES_MAX);
                return self.fail(Failure::new(FailureClass::Malformed, words), events);
            };
            let cumulative = own_usage.filter(|_| !state.finished);
            if cumulative.is_none() {
                closing = closing.or(own_usage);
            }
            self.choice(index, choice, cumulative, events);
        }
        if !events[before..].iter().any(|event| matches!(event, Event::Tokens(_))) {
            events.insert(before, Event::Idle);
        }
        if let Some(usage) = closing {
            self.tally.close(usage);
        }
        if usage.is_some() {
            events.push(Event::Usage(self.tally.usage()));
        }
    }

    /// One choice of a chunk, with the usage that speaks for it alone.
    fn choice(&mut self, index: u32, choice: Choice, usage: Option<Usage>, events: &mut Vec<Event>) {
        let mut choice = choice;
        let finish = choice.finish_reason.take().filter(|reason| !reason.is_empty());
        let ids = choice.token_ids.as_ref().map_or(0, Vec::len);
        let ids = u32::try_from(ids).ok().filter(|&count| count > 0);
        let (text, visible) = choice.into_text();
        let Some(state) = self.tally.choice(index) else {
            return;
        };
        let rise = state.rise(usage);
        // A token may have no text of its own (part of a character, a special token). But usage that first comes with the
        // finish and no text counts what earlier chunks brought, or kept to themselves: it marks no arrival.
        let textless = ids.or(rise.filter(|_| finish.is_none() || state.is_continuous()));
        if !text.is_empty() || textless.is_some() {
            let count = ids.or(rise);
            state.spoke(count);
            self.progress = Progress::Spoke;
            events.push(Event::Tokens(Tokens { text, visible, count }));
        }
        if let Some(usage) = usage {
            self.tally.report(index, usage);
        }
        if let Some(reason) = finish
            && self.tally.finish(index)
        {
            if let Some(failure) = errors::finish_reason(&reason) {
                self.fail(failure, events);
            }
            events.push(Event::Finish(reason));
        }
    }

    fn fail(&mut self, failure: Failure, events: &mut Vec<Event>) {
        self.failure.get_or_insert_with(|| failure.clone());
        events.push(Event::Error(failure));
    }

    fn verdict(&mut self, clean: bool) -> Result<(), Failure> {
        let counted = self.tally.any_finished() && self.tally.usage().output.is_some();
        let unfinished = self.tally.any_finished() && !self.tally.is_complete();
        let (class, words) = if let Some(failure) = &self.failure {
            return Err(failure.clone());
        } else if !clean {
            return Err(cut());
        } else if self.progress == Progress::Nothing {
            (FailureClass::Malformed, "empty response")
        } else if unfinished {
            (FailureClass::Truncated, "the stream ended before every choice had finished")
        } else if !self.done && !self.tally.is_complete() {
            (FailureClass::Truncated, "the stream ended without a finish reason, usage or [DONE]")
        } else if self.progress < Progress::Spoke && !counted {
            (FailureClass::Malformed, "no tokens")
        } else {
            return Ok(());
        };
        Err(Failure::new(class, words))
    }
}

fn cut() -> Failure {
    Failure::new(FailureClass::Truncated, "the connection closed before the body's end")
}

/// A whole body that holds no server-sent events.
fn foreign(body: &[u8]) -> Failure {
    if let Some(words) = errors::document(body) {
        return Failure::new(FailureClass::InStreamError, words);
    }
    let words = match serde_json::from_slice::<Chunk<'_>>(body) {
        Ok(Chunk { choices: Some(_), .. }) => {
            "the server does not stream: it answered with one whole completion".to_owned()
        }
        _ => format!("the body is not a stream of events: {}", errors::plain(body)),
    };
    Failure::new(FailureClass::Malformed, words)
}
