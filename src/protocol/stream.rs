//! A streamed response as server-sent events, whatever they mean: what kind of body it is, how far it got, how it ended.

use super::codec::{Decode, Event};
use super::errors;
use super::sse::{Item, Sse};
use crate::record::{Failure, FailureClass};

/// What the events of one API mean.
pub(super) trait Reader: Default + Send {
    /// Reads the data of an event: it is neither empty nor `[DONE]`, and not an error by the event's name.
    fn event(&mut self, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>));

    /// Whether the answer is complete, as far as its events tell.
    fn standing(&self, log: &Log) -> Standing;

    /// Whether a JSON document is an answer of this API in one piece.
    fn is_whole(document: &[u8]) -> bool;

    /// Ready for another response, as good as new.
    fn reset(&mut self);
}

/// What becomes of a body that ends here and ends properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Something is missing, in these words.
    Open(&'static str),
    /// The answer is complete; `counted` when the server counts its tokens, though none may have been seen.
    Complete { counted: bool },
}

/// What reads the items of a stream, one after the other.
pub(super) trait Items: Default + Send {
    fn item(&mut self, item: Item<'_>, sink: &mut dyn FnMut(Event<'_>));

    /// What comes from now on is the unfinished rest of a body that has ended.
    fn ends(&mut self);

    /// How the response stands when its body has ended or, where that is not `clean`, was cut.
    fn verdict(&self, clean: bool) -> Result<(), Failure>;

    /// Words for a body that is a JSON document of its own and no error; none where it is another one.
    fn whole(body: &[u8]) -> Option<String>;

    /// Ready for another response, as good as new.
    fn reset(&mut self);
}

/// Reads a stream of server-sent events, or says what came in its place.
#[derive(Default)]
pub(super) struct Frame<I> {
    body: Body,
    sse: Sse,
    items: I,
}

/// The frame of APIs whose events a [`Reader`] reads.
pub(super) type Stream<R> = Frame<Logged<R>>;

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

impl<I: Items> Decode for Frame<I> {
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
            Body::Events | Body::Unknown => self.sse.feed(bytes, &mut |item| self.items.item(item, sink)),
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
        if clean {
            self.items.ends();
            self.sse.finish(&mut |item| self.items.item(item, sink));
        }
        match &self.body {
            Body::Foreign(kept) if clean => Err(foreign(kept, I::whole)),
            Body::Foreign(_) => Err(cut()),
            Body::Events | Body::Unknown => self.items.verdict(clean),
        }
    }

    fn reset(&mut self) {
        self.body = Body::Unknown;
        self.sse.reset();
        self.items.reset();
    }
}

/// A reader, and how its stream went so far.
#[derive(Default)]
pub(super) struct Logged<R> {
    log: Log,
    reader: R,
}

impl<R: Reader> Items for Logged<R> {
    fn item(&mut self, item: Item<'_>, sink: &mut dyn FnMut(Event<'_>)) {
        match item {
            Item::Comment => sink(Event::Idle),
            Item::Oversize => {
                let words = format!("an event of more than {} bytes", Sse::EVENT_MAX);
                self.log.fail(Failure::new(FailureClass::Malformed, words), sink);
            }
            Item::Event { name, data } => self.event(name, data.trim_ascii(), sink),
        }
    }

    fn ends(&mut self) {
        self.log.body_ended = true;
    }

    fn verdict(&self, clean: bool) -> Result<(), Failure> {
        self.log.verdict(clean, || self.reader.standing(&self.log))
    }

    fn whole(body: &[u8]) -> Option<String> {
        R::is_whole(body)
            .then(|| "the server does not stream: it answered with one whole completion".to_owned())
    }

    fn reset(&mut self) {
        self.log = Log::default();
        self.reader.reset();
    }
}

impl<R: Reader> Logged<R> {
    fn event(&mut self, name: &[u8], data: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        let Self { log, reader } = self;
        if data.is_empty() {
            return sink(Event::Idle);
        }
        log.progress = log.progress.max(Progress::Began);
        if data == b"[DONE]" {
            log.done = true;
            sink(Event::End);
        } else if name == b"error" {
            log.fail(errors::in_stream(data), sink);
        } else {
            reader.event(data, log, sink);
        }
    }
}

#[cfg(test)]
impl<R> Frame<Logged<R>> {
    pub(super) fn new(reader: R) -> Self {
        Self { body: Body::Unknown, sse: Sse::default(), items: Logged { log: Log::default(), reader } }
    }

    pub(super) fn reader(&self) -> &R {
        &self.items.reader
    }

    /// Bytes of memory behind it, the reader's left out.
    pub(super) fn held(&self) -> usize {
        let foreign = if let Body::Foreign(kept) = &self.body { kept.capacity() } else { 0 };
        foreign + self.sse.held()
    }
}

/// How the stream went so far.
#[derive(Default)]
pub(super) struct Log {
    progress: Progress,
    /// `[DONE]` came.
    done: bool,
    /// What is read now is the unfinished rest of a body that has ended.
    body_ended: bool,
    /// The first thing that went wrong.
    failure: Option<Failure>,
}

/// How far the answer got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Progress {
    #[default]
    Nothing,
    /// An event with data came.
    Began,
    /// A chunk with tokens came.
    Spoke,
}

impl Log {
    /// Tokens came.
    pub(super) fn spoke(&mut self) {
        self.progress = Progress::Spoke;
    }

    /// Whether `[DONE]` came.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn fail(&mut self, failure: Failure, sink: &mut dyn FnMut(Event<'_>)) {
        self.failure.get_or_insert_with(|| failure.clone());
        sink(Event::Error(failure));
    }

    /// Data that is not of the protocol's shape.
    pub(super) fn broken(&mut self, error: &serde_json::Error, data: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        let failure = if self.body_ended {
            Failure::new(FailureClass::Truncated, "the body ended inside an event")
        } else {
            let words = format!("an event is not a chunk ({error}): {}", errors::plain(data));
            Failure::new(FailureClass::Malformed, words)
        };
        self.fail(failure, sink);
    }

    fn verdict(&self, clean: bool, standing: impl FnOnce() -> Standing) -> Result<(), Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if !clean {
            return Err(cut());
        }
        if self.progress == Progress::Nothing {
            return Err(Failure::new(FailureClass::Malformed, "empty response"));
        }
        match standing() {
            Standing::Open(words) => Err(Failure::new(FailureClass::Truncated, words)),
            Standing::Complete { counted } if counted || self.progress == Progress::Spoke => Ok(()),
            Standing::Complete { .. } => Err(Failure::new(FailureClass::Malformed, "no tokens")),
        }
    }
}

/// The connection went away inside the body.
pub(super) fn cut() -> Failure {
    Failure::new(FailureClass::Truncated, "the connection closed before the body's end")
}

/// A whole body that holds no server-sent events.
fn foreign(body: &[u8], whole: fn(&[u8]) -> Option<String>) -> Failure {
    if let Some(words) = errors::document(body) {
        return Failure::new(FailureClass::InStreamError, words);
    }
    let other = || format!("the body is not a stream of events: {}", errors::plain(body));
    Failure::new(FailureClass::Malformed, whole(body).unwrap_or_else(other))
}
