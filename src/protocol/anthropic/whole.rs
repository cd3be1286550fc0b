//! A message in one piece.

use super::wire::{Block, Message};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::errors;
use crate::protocol::text::{Literal, Text};
use crate::protocol::usage::WireUsage;
use crate::protocol::whole::{no_answer, unreadable};
use crate::record::{Failure, FailureClass};

pub(super) fn read(document: &str, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
    let message: Message<'_> =
        serde_json::from_str(document).map_err(|error| unreadable(document, "a message", &error))?;
    let blocks = message.content.as_ref().filter(|_| message.error.is_none());
    let Some(blocks) = blocks else { return Err(no_answer(document, "content")) };
    let mut spoke = false;
    for (text, visible) in blocks.iter().filter_map(Block::said) {
        spoke = true;
        sink(Event::Tokens(Tokens { text: Text::new(text, &[]), visible, count: None }));
    }
    let reason = message.stop_reason.map(Literal::text).filter(|reason| !reason.is_empty());
    if let Some(reason) = &reason {
        sink(Event::Finish(reason));
    }
    let usage = message.usage.as_ref().map(WireUsage::message);
    if let Some(usage) = usage {
        sink(Event::Usage(usage));
    }
    let counted = reason.is_some() && usage.is_some_and(|usage| usage.output.is_some());
    match reason.as_deref().and_then(errors::finish_reason) {
        Some(failure) => Err(failure),
        None if spoke || counted => Ok(()),
        None => Err(Failure::new(FailureClass::Malformed, "no tokens")),
    }
}
