//! Documents in server-sent events, one in each.

use super::reading::Reading;
use super::{Reader, Sink};
use crate::protocol::codec::Event;
use crate::protocol::errors;
use crate::protocol::sse::{Item, Sse};
use crate::protocol::stream::{Frame, Items};
use crate::record::Failure;

/// Reads a stream of events, or says what came in its place.
pub(in crate::protocol) type Events<R> = Frame<Reading<R>>;

impl<R: Reader> Items for Reading<R> {
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

    fn ends(&mut self) {
        self.body_ended = true;
    }

    fn verdict(&self, clean: bool) -> Result<(), Failure> {
        self.answer.verdict(clean, R::END)
    }

    fn whole(body: &[u8]) -> Option<String> {
        let is_document = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        is_document.then(|| {
            format!("the server does not stream: it answered with one document: {}", errors::plain(body))
        })
    }

    fn reset(&mut self) {
        let Self { reader, answer, body_ended } = self;
        reader.reset();
        (*answer, *body_ended) = (super::Answer::default(), false);
    }
}
