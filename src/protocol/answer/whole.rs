//! The frame of a response without streaming: one document.

use super::{Answer, Reader, Sink, cut};
use crate::protocol::codec::Decode;
use crate::protocol::{buffer, errors};
use crate::record::{Failure, FailureClass};

/// Keeps the body until its end, and reads it then: the instants of its events mean nothing.
#[derive(Default)]
pub(in crate::protocol) struct Whole<R> {
    body: Vec<u8>,
    oversize: bool,
    reader: R,
}

/// A hundred thousand tokens with log-probabilities fit.
const BODY_MAX: usize = 64 << 20;

impl<R: Reader> Decode for Whole<R> {
    fn feed(&mut self, bytes: &[u8], _: &mut Sink<'_>) {
        if self.body.len() + bytes.len() > BODY_MAX {
            self.oversize = true;
            self.body = Vec::new();
        }
        if !self.oversize {
            self.body.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let malformed = |words: String| Err(Failure::new(FailureClass::Malformed, words));
        if !clean {
            return Err(cut());
        }
        if self.oversize {
            return malformed(format!("a body of more than {BODY_MAX} bytes"));
        }
        let body = self.body.trim_ascii();
        if body.is_empty() {
            return malformed("empty response".to_owned());
        }
        if body.starts_with(b"data:") {
            return malformed("the server streams although no stream was asked for".to_owned());
        }
        let mut answer = Answer::default();
        answer.begin();
        match self.reader.read(&String::from_utf8_lossy(body), &mut answer, sink) {
            Ok(true) => answer.verdict(true, R::END),
            Ok(false) => match errors::document(body) {
                Some(words) => Err(Failure::new(FailureClass::InStreamError, words)),
                None => malformed(format!("not an answer of this API: {}", errors::plain(body))),
            },
            Err(error) => malformed(format!("not an answer of this API ({error}): {}", errors::plain(body))),
        }
    }

    fn reset(&mut self) {
        buffer::reset(&mut self.body);
        self.oversize = false;
        self.reader.reset();
    }
}
