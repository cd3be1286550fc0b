//! A response without streaming: one document.

use super::{Answer, Reader, Sink};
use crate::protocol::codec::Decode;
use crate::protocol::errors;
use crate::protocol::whole::Whole;
use crate::record::{Failure, FailureClass};

/// A decoder of one document in one piece.
pub(in crate::protocol) fn whole<R: Reader>() -> Box<dyn Decode> {
    Box::new(Whole::new(read::<R>))
}

fn read<R: Reader>(document: &str, sink: &mut Sink<'_>) -> Result<(), Failure> {
    let malformed = |words: String| Err(Failure::new(FailureClass::Malformed, words));
    let body = document.as_bytes();
    let mut answer = Answer::default();
    answer.begin();
    match R::default().read(document, &mut answer, sink) {
        Ok(true) => answer.verdict(true, R::END),
        Ok(false) => match errors::document(body) {
            Some(words) => Err(Failure::new(FailureClass::InStreamError, words)),
            None => malformed(format!("not an answer of this API: {}", errors::plain(body))),
        },
        Err(error) => malformed(format!("not an answer of this API ({error}): {}", errors::plain(body))),
    }
}
