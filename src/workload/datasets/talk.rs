//! What is said in a row: a question, or the turns of a conversation whose answers the server will give anew.

use serde_json::Value;

use super::Problem;
use super::row::Row;
use super::values::{first, list};
use crate::record::{Message, Prompt};
use crate::workload::TokenCounter;

/// The turns of a row, in order.
pub(super) struct Talk(pub(super) Vec<Turn>);

/// One request.
pub(super) struct Turn {
    pub(super) prompt: Prompt,
    /// Length of the recorded answer.
    pub(super) answer: Option<u32>,
    /// The turn's own fields, where it is an object.
    pub(super) own: Option<Row>,
}

/// vLLM's bounds for `ShareGPT` (`is_valid_sequence` of its `benchmarks/datasets.py`): what is shorter or longer is left out.
const SHORTEST: u32 = 4;
const LONGEST_PROMPT: u32 = 1_024;
const LONGEST: u32 = 2_048;

impl Talk {
    pub(super) fn of_text(text: String) -> Self {
        Self(vec![Turn { prompt: Prompt::Text(text), answer: None, own: None }])
    }

    /// A list of texts, or of objects with a text and what that turn asks for.
    pub(super) fn turns(key: &str, items: Vec<Value>) -> Result<Self, Problem> {
        let wanted = "a list of texts, or of objects with a \"prompt\"";
        let turn = |item: Value| {
            let text = match &item {
                Value::String(text) => Some(text),
                Value::Object(own) => {
                    first(own, &["prompt", "text", "content", "value"]).and_then(|(_, value)| {
                        if let Value::String(text) = value { Some(text) } else { None }
                    })
                }
                _ => None,
            };
            let text = text.filter(|text| !text.trim().is_empty()).cloned();
            let prompt = Prompt::Text(text.ok_or_else(|| Problem::bad(key, &item, wanted))?);
            let own = if let Value::Object(own) = item { Some(own) } else { None };
            Ok(Turn { prompt, answer: None, own })
        };
        items.into_iter().map(turn).collect::<Result<_, _>>().map(Self)
    }

    /// All messages up to the last question as one request; or every question with what stands before it since the
    /// answer to the last one. None without a question.
    pub(super) fn of_messages(
        messages: Vec<Message>,
        conversation: bool,
        counter: &TokenCounter,
    ) -> Option<Self> {
        let asks = |message: &Message| !matches!(message.role.as_str(), "assistant" | "system" | "developer");
        let has_text = |message: &Message| !Prompt::Messages(vec![message.clone()]).text().trim().is_empty();
        if !messages.iter().any(|message| message.role == "user" && has_text(message)) {
            return None;
        }
        if !conversation {
            let end = messages.iter().rposition(asks)? + 1;
            let answer = messages.get(end).map(|message| length(message, counter));
            let prompt = Prompt::Messages(messages.into_iter().take(end).collect());
            return Some(Self(vec![plain(Turn { prompt, answer, own: None })]));
        }
        let mut turns: Vec<Turn> = Vec::new();
        let mut open: Vec<Message> = Vec::new();
        for message in messages {
            if message.role == "assistant" && open.iter().any(asks) {
                let answer = Some(length(&message, counter));
                turns.push(Turn { prompt: Prompt::Messages(std::mem::take(&mut open)), answer, own: None });
            } else {
                open.push(message);
            }
        }
        if open.iter().any(asks) {
            turns.push(Turn { prompt: Prompt::Messages(open), answer: None, own: None });
        }
        (!turns.is_empty()).then(|| Self(turns.into_iter().map(plain).collect()))
    }
}

fn length(message: &Message, counter: &TokenCounter) -> u32 {
    counter.count(&Prompt::Messages(vec![message.clone()]).text()).max(1)
}

/// A list of `role` and `content`.
pub(super) fn messages(key: &str, value: &Value) -> Result<Vec<Message>, Problem> {
    let wanted = "a list of messages with \"role\" and \"content\"";
    list(key, value)?
        .into_iter()
        .map(|item| {
            let role = item.get("role").and_then(Value::as_str).filter(|role| !role.is_empty());
            let role = role.ok_or_else(|| Problem::bad(key, &item, wanted))?.to_owned();
            match item.get("content") {
                Some(content @ (Value::String(_) | Value::Array(_))) => {
                    Ok(Message { role, content: content.clone() })
                }
                // An assistant that only called tools has said nothing.
                None | Some(Value::Null) => Ok(Message { role, content: Value::from("") }),
                Some(other) => {
                    Err(Problem::bad(&format!("{key}.content"), other, "a text or a list of parts"))
                }
            }
        })
        .collect()
}

/// `from` and `value`, or messages under `ShareGPT`'s name. Without `conversation` the first question and its answer's
/// length, as vLLM takes them; none where there is no such pair, or where it lies outside vLLM's bounds.
pub(super) fn sharegpt(
    key: &str,
    value: &Value,
    conversation: bool,
    counter: &TokenCounter,
) -> Result<Option<Talk>, Problem> {
    let said = list(key, value)?;
    let messages = if said.iter().all(|item| item.get("role").is_some()) && !said.is_empty() {
        messages(key, value)?
    } else {
        said.iter().map(|item| line(key, item)).collect::<Result<Vec<_>, _>>()?
    };
    let Some(Talk(mut turns)) = Talk::of_messages(messages, true, counter) else {
        return Ok(None);
    };
    if conversation {
        return Ok(Some(Talk(turns)));
    }
    turns.truncate(1);
    let fits = turns.iter().all(|turn| {
        let (prompt, answer) = (counter.count(&turn.prompt.text()), turn.answer.unwrap_or(0));
        prompt >= SHORTEST && answer >= SHORTEST && prompt <= LONGEST_PROMPT && prompt + answer <= LONGEST
    });
    Ok(fits.then_some(Talk(turns)))
}

fn line(key: &str, item: &Value) -> Result<Message, Problem> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let (Some(from), Some(value)) = (text("from"), text("value")) else {
        return Err(Problem::bad(key, item, "a list of lines with \"from\" and \"value\""));
    };
    let role = match from {
        "gpt" | "assistant" | "chatgpt" | "bing" | "bard" | "model" => "assistant",
        "system" => "system",
        _ => "user",
    };
    Ok(Message { role: role.to_owned(), content: Value::from(value) })
}

/// A single message of a user is a text, which both APIs can send.
fn plain(turn: Turn) -> Turn {
    let text = match &turn.prompt {
        Prompt::Messages(messages) => match messages.as_slice() {
            [Message { role, content: Value::String(text) }] if role == "user" => Some(text.clone()),
            _ => None,
        },
        Prompt::Text(_) => None,
    };
    Turn { prompt: text.map_or(turn.prompt, Prompt::Text), ..turn }
}
