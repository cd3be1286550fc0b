//! What the events of a streamed message mean. Their `type` tells; the name of the event only repeats it.

use super::wire;
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::errors;
use crate::protocol::stream::{Log, Reader, Standing};
use crate::protocol::text::{Literal, Text};
use crate::protocol::usage::WireUsage;
use crate::record::{Failure, FailureClass, Usage};

/// What the events have said so far.
#[derive(Default)]
pub(super) struct Events {
    /// A stop reason or `message_stop` came.
    ended: bool,
    /// The counts of the start, and the totals that later events report.
    usage: Usage,
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
            Standing::Complete { counted: self.usage.output.is_some() }
        } else {
            Standing::Open("the stream ended without a stop reason or message_stop")
        }
    }

    fn is_whole(document: &[u8]) -> bool {
        serde_json::from_slice::<wire::Message<'_>>(document).is_ok_and(|whole| whole.content.is_some())
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Events {
    fn read(&mut self, event: &wire::Event<'_>, data: &[u8], log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
        match event.kind.map(Literal::inside) {
            Some("message_start") => {
                let usage = event.message.as_ref().and_then(|message| message.usage.as_ref());
                // What it counts as output is a start, not a total: an answer that is cut has none.
                self.count(usage.map(|usage| Usage { output: None, ..usage.message() }), sink);
                sink(Event::Idle);
            }
            Some("content_block_start") => {
                say(event.content_block.as_ref().and_then(wire::Block::said), log, sink);
            }
            Some("content_block_delta") => say(event.delta.as_ref().and_then(wire::Delta::said), log, sink),
            Some("message_delta") => {
                sink(Event::Idle);
                let reason = event.delta.as_ref().and_then(|delta| delta.stop_reason);
                if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
                    self.ended = true;
                    let reason = reason.text();
                    if let Some(failure) = errors::finish_reason(&reason) {
                        log.fail(failure, sink);
                    }
                    sink(Event::Finish(&reason));
                }
                self.count(event.usage.as_ref().map(WireUsage::message), sink);
            }
            Some("message_stop") => {
                self.ended = true;
                sink(Event::End);
            }
            Some("error") => log.fail(errors::in_stream(data), sink),
            Some(_) => sink(Event::Idle),
            None => match errors::document(data) {
                Some(words) => log.fail(Failure::new(FailureClass::InStreamError, words), sink),
                None => sink(Event::Idle),
            },
        }
    }

    /// Later counts replace earlier ones, one by one.
    fn count(&mut self, usage: Option<Usage>, sink: &mut dyn FnMut(Event<'_>)) {
        let Some(Usage { prompt, output, cached }) = usage else { return };
        let before = self.usage;
        self.usage = Usage {
            prompt: prompt.or(before.prompt),
            output: output.or(before.output),
            cached: cached.or(before.cached),
        };
        sink(Event::Usage(self.usage));
    }
}

/// Tokens, where there is text.
fn say(said: Option<(Literal<'_>, bool)>, log: &mut Log, sink: &mut dyn FnMut(Event<'_>)) {
    match said {
        Some((text, visible)) => {
            log.spoke();
            sink(Event::Tokens(Tokens { text: Text::new(text, &[]), visible, count: None }));
        }
        None => sink(Event::Idle),
    }
}
