//! A reader at work on the documents of one stream.

use super::{Answer, Reader, Sink};
use crate::protocol::codec::Event;
use crate::protocol::errors;
use crate::record::{Failure, FailureClass};

/// A reader, and what its stream has said so far.
#[derive(Default)]
pub(in crate::protocol) struct Reading<R> {
    pub(super) reader: R,
    pub(super) answer: Answer,
    /// What is read now is the unfinished rest of a body that has ended.
    pub(super) body_ended: bool,
}

impl<R: Reader> Reading<R> {
    pub(super) fn document(&mut self, data: &[u8], sink: &mut Sink<'_>) {
        self.answer.begin();
        // U+FFFD in place of bytes that are not UTF-8.
        let text = String::from_utf8_lossy(data);
        match self.reader.read(&text, &mut self.answer, sink) {
            Ok(true) => {}
            Ok(false) => match errors::document(data) {
                Some(words) => self.answer.fail(Failure::new(FailureClass::InStreamError, words), sink),
                None => sink(Event::Idle),
            },
            Err(error) if self.body_ended && error.is_eof() => {
                let words = "the body ended inside a document";
                self.answer.fail(Failure::new(FailureClass::Truncated, words), sink);
            }
            Err(error) => {
                let words = format!("not a chunk ({error}): {}", errors::plain(data));
                self.answer.fail(Failure::new(FailureClass::Malformed, words), sink);
            }
        }
    }

    /// A document of more than `most` bytes.
    pub(super) fn oversize(&mut self, most: usize, sink: &mut Sink<'_>) {
        let words = format!("a chunk of more than {most} bytes");
        self.answer.fail(Failure::new(FailureClass::Malformed, words), sink);
    }
}
