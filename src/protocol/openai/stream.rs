//! A streamed response, event by event.

use super::tally::Tally;
use super::template::{Plain, Templates};
use super::wire::{Choice, Chunk, Few, WireUsage};
use crate::protocol::codec::{Decode, Event, Tokens};
use crate::protocol::errors;
use crate::protocol::sse::{Item, Sse};
use crate::protocol::text::Text;
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
    fn feed(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
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
                self.sse.feed(bytes, &mut |item| self.reading.item(item, sink));
            }
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
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

/// What the events have said so far.
#[derive(Default)]
struct Reading {
    templates: Templates,
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
    fn reset(&mut self) {
        let Self { templates, tally, progress, done, body_ended, failure } = self;
        templates.reset();
        tally.reset();
        (*progress, *done, *body_ended, *failure) = (Progress::Nothing, false, false, None);
    }

    fn item(&mut self, item: Item<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        match item {
            Item::Comment => sink(Event::Idle),
            Item::Oversize => {
                let words = format!("an event of more than {} bytes", Sse::EVENT_MAX);
                self.fail(Failure::new(FailureClass::Malformed, words), sink);
            }
            Item::Event { name, data } => self.event(name, data.trim_ascii(), sink),
        }
    }

    fn event(&mut self, name: &[u8], data: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        if data.is_empty() {
            return sink(Event::Idle);
        }
        self.progress = self.progress.max(Progress::Began);
        if data == b"[DONE]" {
            self.done = true;
            sink(Event::End);
        } else if name == b"error" {
            self.fail(errors::in_stream(data), sink);
        } else if !self.repeat(data, sink) {
            self.data(data, sink);
        }
    }

    /// Reads a chunk that differs from an earlier one only in its text, just as `data` would; false when it does not.
    fn repeat(&mut self, data: &[u8], sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let Some(Plain { index, visible, text }) = self.templates.read(data) else {
            return false;
        };
        let Some(choice) = self.tally.choice(index) else {
            return false;
        };
        choice.spoke(None);
        self.progress = Progress::Spoke;
        sink(Event::Tokens(Tokens { text: Text::new(text, &[]), visible, count: None }));
        true
    }

    fn data(&mut self, data: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        let Ok(text) = std::str::from_utf8(data) else {
            // The standard asks for U+FFFD in place of bytes that are not UTF-8.
            return self.data(String::from_utf8_lossy(data).as_bytes(), sink);
        };
        match serde_json::from_str::<Chunk<'_>>(text) {
            Ok(chunk) if chunk.error.is_some() => self.fail(errors::in_stream(data), sink),
            Ok(chunk) if chunk.choices.is_none() && chunk.usage.is_none() => match errors::document(data) {
                Some(words) => self.fail(Failure::new(FailureClass::InStreamError, words), sink),
                None => sink(Event::Idle),
            },
            Ok(chunk) => {
                self.chunk(&chunk, sink);
                if let Some(plain) = chunk.plain() {
                    self.templates.learn(data, plain);
                }
            }
            Err(_) if self.body_ended => {
                self.fail(Failure::new(FailureClass::Truncated, "the body ended inside an event"), sink);
            }
            Err(error) => {
                let words = format!("an event is not a chunk ({error}): {}", errors::plain(data));
                self.fail(Failure::new(FailureClass::Malformed, words), sink);
            }
        }
    }

    fn chunk(&mut self, chunk: &Chunk<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        let usage = chunk.usage.as_ref().and_then(WireUsage::counts);
        let lone = chunk.choices.as_ref().is_some_and(|choices| choices.len() == 1);
        let mut closing = usage.filter(|_| !lone);
        let choices = || chunk.choices.iter().flat_map(Few::iter);
        // None of several choices has usage of its own, so text and ids tell whether there are tokens at all.
        if !lone && !choices().any(Choice::speaks) {
            sink(Event::Idle);
        }
        for choice in choices() {
            let own_usage = usage.filter(|_| lone);
            let Some(state) = self.tally.choice(choice.index()) else {
                let words = format!("more than {} choices", Tally::CHOICES_MAX);
                return self.fail(Failure::new(FailureClass::Malformed, words), sink);
            };
            let cumulative = own_usage.filter(|_| !state.finished);
            if cumulative.is_none() {
                closing = closing.or(own_usage);
            }
            if !self.tokens(choice, cumulative, sink) && lone {
                sink(Event::Idle);
            }
            self.book(choice, cumulative, sink);
        }
        if let Some(usage) = closing {
            self.tally.close(usage);
        }
        if usage.is_some() {
            sink(Event::Usage(self.tally.usage()));
        }
    }

    /// The tokens of one choice of a chunk, with the usage that speaks for it alone; false when there are none.
    fn tokens(&mut self, choice: &Choice<'_>, usage: Option<Usage>, sink: &mut dyn FnMut(Event<'_>)) -> bool {
        let Some(state) = self.tally.choice(choice.index()) else {
            return false;
        };
        let (said, ids, rise) = (choice.said(), choice.ids(), state.rise(usage));
        // A token may have no text of its own (part of a character, a special token). But usage that first comes with the
        // finish and no text counts what earlier chunks brought, or kept to themselves: it marks no arrival.
        let textless = ids.or(rise.filter(|_| choice.finish().is_none() || state.is_continuous()));
        if said.is_empty() && textless.is_none() {
            return false;
        }
        let count = ids.or(rise);
        state.spoke(count);
        self.progress = Progress::Spoke;
        sink(Event::Tokens(said.tokens(count)));
        true
    }

    /// What else one choice of a chunk says: how many tokens it has by now, and that it has finished.
    fn book(&mut self, choice: &Choice<'_>, usage: Option<Usage>, sink: &mut dyn FnMut(Event<'_>)) {
        if let Some(usage) = usage {
            self.tally.report(choice.index(), usage);
        }
        if let Some(reason) = choice.finish()
            && self.tally.finish(choice.index())
        {
            if let Some(failure) = errors::finish_reason(&reason) {
                self.fail(failure, sink);
            }
            sink(Event::Finish(&reason));
        }
    }

    fn fail(&mut self, failure: Failure, sink: &mut dyn FnMut(Event<'_>)) {
        self.failure.get_or_insert_with(|| failure.clone());
        sink(Event::Error(failure));
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

#[cfg(test)]
impl Stream {
    /// A decoder that parses every chunk.
    pub(super) fn without_templates() -> Self {
        let reading = Reading { templates: Templates::none(), ..Reading::default() };
        Self { reading, ..Self::default() }
    }

    /// Whether a chunk would be read without parsing it.
    pub(super) fn knows(&self, data: &[u8]) -> bool {
        self.reading.templates.read(data).is_some()
    }

    /// Bytes of memory behind it.
    pub(super) fn held(&self) -> usize {
        let foreign = if let Body::Foreign(kept) = &self.body { kept.capacity() } else { 0 };
        foreign + self.sse.held() + self.reading.templates.held() + self.reading.tally.held()
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
