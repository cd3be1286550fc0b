//! What the events of a streamed response mean. Their `type` tells; the name of the event only repeats it.

use super::whole::outcome;
use super::wire;
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::errors;
use crate::protocol::stream::{Log, Reader, Standing};
use crate::protocol::text::{Literal, Text};
use crate::protocol::usage::WireUsage;
use crate::record::{Failure, FailureClass};

/// What the events have said so far.
#[derive(Default)]
pub(super) struct Events {
    /// `response.completed` or `response.incomplete` came.
    ended: bool,
    /// With token counts.
    counted: bool,
}

impl Reader for Events {
    fn event(&mut self, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        let text = String::from_utf8_lossy(data);
        match serde_json::from_str::<wire::Event<'_>>(&text) {
            Ok(event) => self.read(&event, data, log, sink),
            Err(error) => log.broken(&error, data, sink),
        }
    }

    fn standing(&self, _: &Log) -> Standing {
        if self.ended {
            Standing::Complete { counted: self.counted }
        } else {
            Standing::Open("the stream ended without response.completed")
        }
    }

    fn is_whole(document: &[u8]) -> bool {
        serde_json::from_slice::<wire::Response<'_>>(document).is_ok_and(|whole| whole.output.is_some())
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Events {
    fn read(&mut self, event: &wire::Event<'_>, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(kind) = event.kind else {
            return match errors::document(data) {
                Some(words) => log.fail(Failure::new(FailureClass::InStreamError, words), sink),
                None => sink(Event::Idle),
            };
        };
        match kind.inside() {
            "error" => log.fail(errors::in_stream(data), sink),
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                self.end(event, data, log, sink);
            }
            "response.output_item.added" => {
                let name = event.item.as_ref().and_then(wire::Item::called);
                say(name, false, log, sink);
            }
            "response.output_text.delta" | "response.refusal.delta" => say(event.delta, true, log, sink),
            other if other.strip_suffix(".delta").is_some() => say(event.delta, false, log, sink),
            _ if event.error.is_some_and(|error| error.get() != "null") => {
                log.fail(errors::in_stream(data), sink);
            }
            _ => sink(Event::Idle),
        }
    }

    /// The event that closes the stream, with the response as it ended.
    fn end(&mut self, event: &wire::Event<'_>, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(response) = &event.response else {
            let words = format!("an end without its response: {}", errors::plain(data));
            return log.fail(Failure::new(FailureClass::Malformed, words), sink);
        };
        match outcome(response) {
            Ok(reason) => {
                self.ended = true;
                sink(Event::Finish(&reason));
            }
            Err(failure) => log.fail(failure, sink),
        }
        if let Some(usage) = response.usage.as_ref().and_then(WireUsage::counts) {
            self.counted |= usage.output.is_some();
            sink(Event::Usage(usage));
        }
        if let Some(timings) = event.timings.as_ref().or(response.timings.as_ref()) {
            sink(Event::Times(timings.times()));
        }
    }
}

/// Tokens, where there is text.
fn say(text: Option<Literal<'_>>, visible: bool, log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => {
            log.spoke();
            sink(Event::Tokens(Tokens { text: Text::new(text, &[]), visible, count: None }));
        }
        None => sink(Event::Idle),
    }
}
