//! What an event, or a whole response, of the generate extension says. There is no finish reason, no usage and no
//! terminator: a body that ended properly after a token is all there is to know.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::growth::{self, Growth};
use crate::protocol::answer::{Answer, Reader, Sink};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::text::{Literal, Text};

#[derive(Default)]
pub(super) struct Read {
    growth: Growth,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    text_output: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

impl Reader for Read {
    const END: &'static str = "any text_output";

    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool> {
        let Chunk { text_output, error } = serde_json::from_str(document)?;
        let (None, Some(output)) = (error, text_output) else { return Ok(false) };
        // A tensor of one element is unwrapped.
        if output.get().starts_with('[') {
            let mut texts: Vec<Literal<'_>> = serde_json::from_str(output.get())?;
            texts.retain(|text| !text.is_empty());
            match texts.split_first() {
                Some((first, rest)) => speak(Text::new(*first, rest), answer, sink),
                None => sink(Event::Idle),
            }
        } else {
            match growth::text(&self.growth.add(serde_json::from_str(output.get())?)) {
                Some(text) => speak(text, answer, sink),
                None => sink(Event::Idle),
            }
        }
        Ok(true)
    }

    fn reset(&mut self) {
        self.growth.reset();
    }
}

/// From its first token on, a body may end.
fn speak(text: Text<'_>, answer: &mut Answer, sink: &mut Sink<'_>) {
    answer.end();
    answer.speak(Tokens { text, visible: true, count: None }, sink);
}
