//! A response without streaming: one JSON document.

use super::codec::{Decode, Event};
use super::skim::Skim;
use super::stream::cut;
use super::{buffer, errors};
use crate::record::{Failure, FailureClass};

/// Reads one API's document, which is neither empty nor a stream; bytes that were not UTF-8 are U+FFFD in it.
pub(super) type Read = fn(&str, &mut dyn FnMut(Event<'_>)) -> Result<(), Failure>;

/// Keeps the body until its end, and reads it then: the instants of its events mean nothing.
pub(super) struct Whole {
    body: Vec<u8>,
    /// What stands between the bytes and `body`, where only the outline of a document matters.
    skim: Option<Skim>,
    oversize: bool,
    read: Read,
}

/// A hundred thousand tokens with log-probabilities fit.
const BODY_MAX: usize = 64 << 20;

impl Whole {
    pub(super) fn new(read: Read) -> Self {
        Self { body: Vec::new(), skim: None, oversize: false, read }
    }

    /// One that keeps a document's outline only.
    pub(super) fn skimmed(read: Read) -> Self {
        Self { skim: Some(Skim::default()), ..Self::new(read) }
    }
}

impl Decode for Whole {
    fn feed(&mut self, bytes: &[u8], _: &mut dyn FnMut(Event<'_>)) {
        if let Some(skim) = &mut self.skim {
            return skim.feed(bytes, &mut self.body);
        }
        if self.body.len() + bytes.len() > BODY_MAX {
            self.oversize = true;
            self.body = Vec::new();
        }
        if !self.oversize {
            self.body.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
        if !clean {
            return Err(cut());
        }
        let body = self.body.trim_ascii();
        let malformed = |words: String| Err(Failure::new(FailureClass::Malformed, words));
        if self.oversize {
            return malformed(format!("a body of more than {BODY_MAX} bytes"));
        }
        if body.is_empty() {
            return malformed("empty response".to_owned());
        }
        if body.starts_with(b"data:") || body.starts_with(b"event:") {
            return malformed("the server streams although no stream was asked for".to_owned());
        }
        // As in a stream: U+FFFD in place of bytes that are not UTF-8.
        (self.read)(&String::from_utf8_lossy(body), sink)
    }

    fn reset(&mut self) {
        buffer::reset(&mut self.body);
        self.oversize = false;
        if let Some(skim) = &mut self.skim {
            skim.reset();
        }
    }
}

/// A document that is no answer: an error in an API's usual shapes, or something else, `missing` what makes an answer.
pub(super) fn no_answer(document: &str, missing: &str) -> Failure {
    if let Some(words) = errors::document(document.as_bytes()) {
        Failure::new(FailureClass::InStreamError, words)
    } else {
        let words = format!("no {missing} in {}", errors::plain(document.as_bytes()));
        Failure::new(FailureClass::Malformed, words)
    }
}

/// A document that cannot be read as what it should be, for example `a completion`.
pub(super) fn unreadable(document: &str, what: &str, error: &serde_json::Error) -> Failure {
    let words = format!("not {what} ({error}): {}", errors::plain(document.as_bytes()));
    Failure::new(FailureClass::Malformed, words)
}
