//! A response without streaming: one JSON document.

use super::wire::{Chunk, Few, WireUsage};
use crate::protocol::codec::{Decode, Event};
use crate::protocol::{buffer, errors};
use crate::record::{Failure, FailureClass};

/// Keeps the body until its end, and reads it then: the instants of its events mean nothing.
#[derive(Default)]
pub(super) struct Whole {
    body: Vec<u8>,
    oversize: bool,
}

/// A hundred thousand tokens with log-probabilities fit.
const BODY_MAX: usize = 64 << 20;

impl Decode for Whole {
    fn feed(&mut self, bytes: &[u8], _: &mut dyn FnMut(Event<'_>)) {
        if self.body.len() + bytes.len() > BODY_MAX {
            self.oversize = true;
            self.body = Vec::new();
        }
        if !self.oversize {
            self.body.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
        if clean {
            self.read(sink)
        } else {
            Err(Failure::new(FailureClass::Truncated, "the connection closed before the body's end"))
        }
    }

    fn reset(&mut self) {
        buffer::reset(&mut self.body);
        self.oversize = false;
    }
}

impl Whole {
    fn read(&self, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
        let body = self.body.trim_ascii();
        let malformed = |words: String| Err(Failure::new(FailureClass::Malformed, words));
        if self.oversize {
            return malformed(format!("a body of more than {BODY_MAX} bytes"));
        }
        if body.is_empty() {
            return malformed("empty response".to_owned());
        }
        if body.starts_with(b"data:") {
            return malformed("the server streams although no stream was asked for".to_owned());
        }
        // As in a stream: U+FFFD in place of bytes that are not UTF-8.
        let body = String::from_utf8_lossy(body);
        let chunk: Chunk<'_> = match serde_json::from_str(&body) {
            Ok(chunk) => chunk,
            Err(error) => {
                return malformed(format!("not a completion ({error}): {}", errors::plain(body.as_bytes())));
            }
        };
        if chunk.error.is_some() || chunk.choices.is_none() {
            return match errors::document(body.as_bytes()) {
                Some(words) => Err(Failure::new(FailureClass::InStreamError, words)),
                None => malformed(format!("no choices in {}", errors::plain(body.as_bytes()))),
            };
        }
        completion(&chunk, sink)
    }
}

fn completion(chunk: &Chunk<'_>, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
    let usage = chunk.usage.as_ref().and_then(WireUsage::counts);
    let (mut spoke, mut finished, mut aborted) = (false, false, None);
    for choice in chunk.choices.iter().flat_map(Few::iter) {
        let said = choice.said();
        if !said.is_empty() {
            spoke = true;
            sink(Event::Tokens(said.tokens(None)));
        }
        if let Some(reason) = choice.finish() {
            finished = true;
            aborted = aborted.or_else(|| errors::finish_reason(&reason));
            sink(Event::Finish(&reason));
        }
    }
    if let Some(usage) = usage {
        sink(Event::Usage(usage));
    }
    let counted = finished && usage.is_some_and(|usage| usage.output.is_some());
    match aborted {
        Some(failure) => Err(failure),
        None if spoke || counted => Ok(()),
        None => Err(Failure::new(FailureClass::Malformed, "no tokens")),
    }
}
