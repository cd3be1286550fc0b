//! What an event, or a whole response, says.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Reader, Sink};
use crate::protocol::codec::Tokens;
use crate::protocol::text::{Literal, Text};
use crate::record::Usage;

/// Every event stands for itself.
#[derive(Default)]
pub(super) struct Read;

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    token: Option<Token<'a>>,
    /// On the last event, and in a whole response: all of the text.
    generated_text: Option<Literal<'a>>,
    details: Option<Details<'a>>,
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    text: Literal<'a>,
    /// The end of the sequence, for example: generated and counted, but no text for a reader.
    special: Option<bool>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    finish_reason: Option<Literal<'a>>,
    generated_tokens: Option<u32>,
    /// Of the prompt; newer servers tell it in streams.
    input_length: Option<u32>,
}

impl Reader for Read {
    const END: &'static str = "generated_text";

    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool> {
        let chunk: Chunk<'_> = serde_json::from_str(document)?;
        let Chunk { token, generated_text, details, error } = &chunk;
        if error.is_some() || (token.is_none() && generated_text.is_none()) {
            return Ok(false);
        }
        if let Some(Token { text, special }) = token {
            let visible = *special != Some(true) && !text.is_empty();
            let text = if visible { Text::new(*text, &[]) } else { Text::default() };
            answer.speak(Tokens { text, visible, count: Some(1) }, sink);
        }
        let Some(text) = generated_text else { return Ok(true) };
        // Behind tokens it repeats them.
        if !answer.has_spoken() && !text.is_empty() {
            answer.speak(Tokens { text: Text::new(*text, &[]), visible: true, count: None }, sink);
        }
        answer.end();
        if let Some(Details { finish_reason, generated_tokens, input_length }) = details {
            if let Some(reason) = finish_reason {
                answer.finish(&reason.text(), sink);
            }
            let usage = Usage { prompt: *input_length, output: *generated_tokens, cached: None };
            if usage != Usage::default() {
                answer.count(usage, sink);
            }
        }
        Ok(true)
    }

    fn reset(&mut self) {}
}
