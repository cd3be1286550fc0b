//! One request as the schedule words it, before any protocol gives it bytes.

use std::sync::Arc;

use serde_json::Value;

use super::Slo;
use crate::base::Nanos;

/// What to ask of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Position in the level's schedule, from 0; warm-up requests count on their own.
    pub index: u64,
    /// Which part of a weighted mix this is, from 0; 0 where there is no mix.
    pub part: u16,
    /// Turn of its conversation, from 0.
    pub turn: u32,
    /// Which of the plan's server addresses is asked, from 0.
    pub server: u16,
    /// The new text of this turn; what was said before is put in front of it when it is known.
    pub prompt: Prompt,
    /// Tokens that the prompt was built to have, where a tokenizer or the word rule says so; none where the history of a
    /// conversation adds tokens that nobody planned.
    pub prompt_tokens: Option<u32>,
    /// Output tokens asked for (`max_tokens`); none leaves it to the server.
    pub output_tokens: Option<u32>,
    /// The model or adapter of this request; none asks for the run's.
    pub model: Option<Arc<str>>,
    /// Fields of this request's body alone, a JSON object as text, merged after the run's own.
    pub extra_body: Option<Arc<str>>,
    /// Objectives of this request alone; none means the run's.
    pub slos: Option<Arc<[Slo]>>,
    /// The user who goes away before the end.
    pub cancel: Option<Cancel>,
}

impl Ask {
    /// A text and nothing else.
    pub fn plain(index: u64, text: String) -> Self {
        Self {
            index,
            part: 0,
            turn: 0,
            server: 0,
            prompt: Prompt::Text(text),
            prompt_tokens: None,
            output_tokens: None,
            model: None,
            extra_body: None,
            slos: None,
            cancel: None,
        }
    }
}

/// The words of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    /// One text: the user's, or the whole prompt of a completion.
    Text(String),
    Messages(Vec<Message>),
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// A text, or a list of content parts.
    pub content: Value,
}

/// When a client hangs up, counted from the first byte sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancel {
    /// With the chunk that brings this many tokens or more.
    Tokens(u32),
    After(Nanos),
}

impl Prompt {
    /// This prompt as the next turn after `history` and the server's `answer` to it: messages are appended, texts joined
    /// by line feeds.
    #[must_use]
    pub fn after(self, history: Self, answer: &str) -> Self {
        match (history, self) {
            (Self::Text(before), Self::Text(next)) => Self::Text(format!("{before}\n{answer}\n{next}")),
            (history, next) => {
                let mut messages = history.into_messages();
                messages.push(Message { role: "assistant".to_owned(), content: Value::from(answer) });
                messages.extend(next.into_messages());
                Self::Messages(messages)
            }
        }
    }

    /// As messages; a text is the user's.
    pub fn into_messages(self) -> Vec<Message> {
        match self {
            Self::Text(text) => vec![Message { role: "user".to_owned(), content: Value::String(text) }],
            Self::Messages(messages) => messages,
        }
    }

    /// All of its text: that of messages is joined by line feeds, parts without text left out.
    pub fn text(&self) -> String {
        let texts = |content: &Value| match content {
            Value::String(text) => vec![text.clone()],
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part.get("text").and_then(Value::as_str).map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        match self {
            Self::Text(text) => text.clone(),
            Self::Messages(messages) => {
                messages.iter().flat_map(|message| texts(&message.content)).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_follows_what_was_said() {
        let text = Prompt::Text("b".into()).after(Prompt::Text("a".into()), "x");
        assert_eq!(text, Prompt::Text("a\nx\nb".into()));
        let chat =
            Prompt::Text("b".into()).after(Prompt::Messages(Prompt::Text("a".into()).into_messages()), "x");
        let Prompt::Messages(messages) = &chat else { panic!("not messages") };
        let roles: Vec<&str> = messages.iter().map(|message| message.role.as_str()).collect();
        assert_eq!(roles, ["user", "assistant", "user"]);
        assert_eq!(chat.text(), "a\nx\nb");
    }
}
