//! A completion in one piece.

use super::wire::{Chunk, Few};
use crate::protocol::codec::Event;
use crate::protocol::errors;
use crate::protocol::usage::WireUsage;
use crate::protocol::whole::{no_answer, unreadable};
use crate::record::{Failure, FailureClass};

pub(super) fn read(document: &str, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
    let chunk: Chunk<'_> =
        serde_json::from_str(document).map_err(|error| unreadable(document, "a completion", &error))?;
    if chunk.error.is_some() || chunk.choices.is_none() {
        return Err(no_answer(document, "choices"));
    }
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
    if let Some(timings) = &chunk.timings {
        sink(Event::Times(timings.times()));
    }
    let counted = finished && usage.is_some_and(|usage| usage.output.is_some());
    match aborted {
        Some(failure) => Err(failure),
        None if spoke || counted => Ok(()),
        None => Err(Failure::new(FailureClass::Malformed, "no tokens")),
    }
}
