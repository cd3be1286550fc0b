//! One row as the turns of a visit: its shape found, its own wishes read.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::error::shown;
use super::talk::{self, Talk};
use super::values::{body, cancel, first, list, name, slos, span, tokens};
use super::{DataFile, DataFormat, Problem, Said};
use crate::base::Nanos;
use crate::record::{Message, Prompt};
use crate::workload::TokenCounter;

/// Fields by name, whatever the file.
pub(super) type Row = Map<String, Value>;

const LENGTH_KEYS: [&str; 5] =
    ["output_tokens", "output_len", "output_length", "max_tokens", "max_completion_tokens"];
const TALK_KEYS: [&str; 2] = ["conversations", "conversation"];
const THINK_KEYS: [&str; 3] = ["think_ms", "think", "delay"];
/// Texts, the surest names first; `messages` stands between them.
const PROMPT_KEYS: [&str; 2] = ["prompt", "text_input"];
const TEXT_KEYS: [&str; 3] = ["text", "question", "instruction"];

/// How rows are to be read.
pub(super) struct Reading<'a> {
    format: DataFormat,
    prompt_column: Option<&'a str>,
    output_column: Option<&'a str>,
    conversations: bool,
    counter: &'a TokenCounter,
}

/// What one row came to. No turns: it holds nothing to ask.
pub(super) struct Read {
    pub(super) turns: Vec<Said>,
    pub(super) session: Option<String>,
    pub(super) shape: &'static str,
}

impl<'a> Reading<'a> {
    pub(super) fn new(file: &'a DataFile, conversations: bool, counter: &'a TokenCounter) -> Self {
        Self {
            format: file.format,
            prompt_column: file.prompt_column.as_deref(),
            output_column: file.output_column.as_deref(),
            conversations,
            counter,
        }
    }

    pub(super) fn read(&self, row: &Row) -> Result<Read, Problem> {
        let (shape, talk) = self.talk(row)?;
        let session =
            first(row, &["session", "session_id"]).map(|(key, value)| name(key, value)).transpose()?;
        let wishes = self.wishes(row)?;
        let turns = match talk {
            Some(talk) => self.turns(talk, &wishes)?,
            None => Vec::new(),
        };
        Ok(Read { turns, session, shape })
    }

    /// What is said in a row, by the first shape that fits; none where vLLM's bounds leave the row out.
    fn talk(&self, row: &Row) -> Result<(&'static str, Option<Talk>), Problem> {
        if let Some(column) = self.prompt_column {
            let value = row
                .get(column)
                .ok_or_else(|| Problem::NoColumn { name: column.to_owned(), known: known(row) })?;
            return Ok(("custom", Some(self.prompted(row, column, value)?)));
        }
        let conversation = first(row, &TALK_KEYS);
        if self.format == DataFormat::ShareGpt || (self.format == DataFormat::Auto && conversation.is_some())
        {
            let (key, value) = conversation
                .ok_or(Problem::OtherShape { key: TALK_KEYS[0], format: DataFormat::ShareGpt.id() })?;
            return Ok(("sharegpt", talk::sharegpt(key, value, self.conversations, self.counter)?));
        }
        let messages = first(row, &["messages"]);
        if self.format == DataFormat::Messages && messages.is_none() {
            return Err(Problem::OtherShape { key: "messages", format: DataFormat::Messages.id() });
        }
        if let Some((key, value)) = first(row, &["turns"]) {
            return Ok(("turns", Some(Talk::turns(key, list(key, value)?)?)));
        }
        if self.format != DataFormat::Messages
            && let Some((key, value)) = first(row, &PROMPT_KEYS)
        {
            return Ok(("custom", Some(self.prompted(row, key, value)?)));
        }
        if let Some((key, value)) = messages {
            let mut messages = talk::messages(key, value)?;
            lead(&mut messages, system(row)?);
            let talk = Talk::of_messages(messages, self.conversations, self.counter);
            return talk.map(|talk| ("messages", Some(talk))).ok_or_else(|| no_prompt(row));
        }
        match first(row, &TEXT_KEYS) {
            Some((key, value)) => Ok(("custom", Some(self.prompted(row, key, value)?))),
            None => Err(no_prompt(row)),
        }
    }

    /// A text, or a list of messages under a text's name.
    fn prompted(&self, row: &Row, key: &str, value: &Value) -> Result<Talk, Problem> {
        let mut messages = match value {
            Value::String(text) if !text.trim().is_empty() => match system(row)? {
                None => return Ok(Talk::of_text(text.clone())),
                Some(_) => Prompt::Text(text.clone()).into_messages(),
            },
            Value::Number(number) => return Ok(Talk::of_text(number.to_string())),
            Value::Array(_) => talk::messages(key, value)?,
            Value::Null | Value::String(_) => return Err(no_prompt(row)),
            _ => return Err(Problem::bad(key, value, "a text")),
        };
        lead(&mut messages, system(row)?);
        Talk::of_messages(messages, self.conversations, self.counter).ok_or_else(|| no_prompt(row))
    }

    /// What the row asks for besides, for each of its turns.
    fn wishes(&self, row: &Row) -> Result<Wishes, Problem> {
        let length = match self.output_column {
            Some(column) => {
                let value = row
                    .get(column)
                    .ok_or_else(|| Problem::NoColumn { name: column.to_owned(), known: known(row) })?;
                Some((column, value)).filter(|(_, value)| !value.is_null())
            }
            None => first(row, &LENGTH_KEYS),
        };
        Ok(Wishes {
            output: length.map(|(key, value)| tokens(key, value)).transpose()?,
            think: think(row)?,
            model: first(row, &["model"]).map(|(key, value)| name(key, value)).transpose()?.map(Arc::from),
            body: first(row, &["body", "extra_body"])
                .map(|(key, value)| body(key, value))
                .transpose()?
                .map(Arc::from),
            slos: first(row, &["slo", "slos", "goodput"])
                .map(|(key, value)| slos(key, value))
                .transpose()?
                .map(Arc::from),
            cancel: first(row, &["cancel_after"]).map(|(key, value)| cancel(key, value)).transpose()?,
        })
    }

    fn turns(&self, talk: Talk, wishes: &Wishes) -> Result<Vec<Said>, Problem> {
        let mut said = Vec::new();
        for (at, turn) in talk.0.into_iter().enumerate() {
            let talk::Turn { prompt, answer, own } = turn;
            // A turn of a list is a small row: what it says itself is nearer than what the row says for all.
            let mut turn = wishes.said(prompt, answer);
            if let Some(own) = own {
                let own = self.wishes(&own)?;
                turn = Said {
                    output: own.output.or(turn.output),
                    think: own.think.or(turn.think),
                    model: own.model.or(turn.model),
                    body: own.body.or(turn.body),
                    slos: own.slos.or(turn.slos),
                    cancel: own.cancel.or(turn.cancel),
                    ..turn
                };
            }
            // Only the first turn is sent without a history that nobody has counted.
            if at == 0 && !matches!(self.counter, TokenCounter::Words) {
                turn.tokens = Some(self.counter.count(&turn.prompt.text()));
            }
            said.push(turn);
        }
        Ok(said)
    }
}

/// What a row asks for besides its prompt.
struct Wishes {
    output: Option<u32>,
    think: Option<Nanos>,
    model: Option<Arc<str>>,
    body: Option<Arc<str>>,
    slos: Option<Arc<[crate::record::Slo]>>,
    cancel: Option<crate::record::Cancel>,
}

impl Wishes {
    fn said(&self, prompt: Prompt, answer: Option<u32>) -> Said {
        let Self { output, think, model, body, slos, cancel } = self;
        Said {
            prompt,
            tokens: None,
            output: *output,
            answer,
            think: *think,
            model: model.clone(),
            body: body.clone(),
            slos: slos.clone(),
            cancel: *cancel,
        }
    }
}

fn think(row: &Row) -> Result<Option<Nanos>, Problem> {
    first(row, &THINK_KEYS).map(|(key, value)| span(key, value)).transpose()
}

fn system(row: &Row) -> Result<Option<Message>, Problem> {
    match first(row, &["system"]) {
        None => Ok(None),
        Some((_, content @ Value::String(_))) => {
            Ok(Some(Message { role: "system".to_owned(), content: content.clone() }))
        }
        Some((key, value)) => Err(Problem::bad(key, value, "a text")),
    }
}

fn lead(messages: &mut Vec<Message>, system: Option<Message>) {
    if let Some(system) = system {
        messages.insert(0, system);
    }
}

fn no_prompt(row: &Row) -> Problem {
    Problem::NoPrompt { known: known(row) }
}

/// The names of a row's fields.
fn known(row: &Row) -> String {
    let names = row.keys().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
    if names.is_empty() { "none".to_owned() } else { shown(&names) }
}
