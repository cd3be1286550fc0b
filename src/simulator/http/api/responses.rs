//! OpenAI's responses: typed events with a running number, output in items.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::content::Content;
use super::openai::MAX_TOKENS_DEFAULT;
use super::tool::{Part, arguments};
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::Prompt;
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, named_event, text};
use crate::simulator::model::Engine;

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    input: Option<Input>,
    instructions: Option<String>,
    max_output_tokens: Option<i64>,
    stream: Option<bool>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Item>),
}

#[derive(Deserialize)]
struct Item {
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Tool {
    name: Option<String>,
}

struct Responses {
    id: String,
    created: u64,
    model: String,
    salt: u64,
    tongue: Tongue,
    reasoning: u32,
    tool: Option<String>,
    /// The number of the next event.
    sequence: u64,
    /// What is being written.
    open: Option<Writing>,
}

/// The kinds of output item, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Reasoning,
    Message,
    Call,
}

#[derive(Debug, Clone, Copy)]
struct Writing {
    kind: Kind,
    from: u32,
    to: u32,
}

pub(in crate::simulator::http) fn read(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let request: Request =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let Request { model, input, instructions, max_output_tokens, stream, tools, tool_choice } = request;
    let model = model.unwrap_or_else(|| asked.spec.model.clone());
    // llama-server and SGLang answer under any name.
    let picky = !matches!(asked.spec.engine, Some(Engine::LlamaServer | Engine::Sglang));
    if picky && !asked.spec.serves(&model) {
        return Err(Declined::unknown_model(format!("The model `{model}` does not exist.")));
    }
    let mut prompt = Prompt::default();
    if let Some(text) = &instructions {
        prompt.read(text);
    }
    match input.ok_or_else(|| Declined::bad(Some("input"), "Field required"))? {
        Input::Text(text) => prompt.read(&text),
        Input::Items(items) => {
            items
                .iter()
                .filter_map(|item| item.content.as_ref())
                .for_each(|content| content.read(&mut prompt));
        }
    }
    if prompt.tokens == 0 {
        return Err(Declined::bad(Some("input"), "The input cannot be empty"));
    }
    let prompts = vec![prompt];
    let max_tokens = bounded(max_output_tokens, MAX_TOKENS_DEFAULT, asked.room(&prompts))?;
    let reasoning = asked.spec.reasoning.min(max_tokens);
    let named = tool_choice.as_ref().and_then(|choice| choice.get("name")).and_then(Value::as_str);
    let tool = match &tool_choice {
        _ if reasoning == max_tokens => None,
        Some(Value::String(choice)) if choice == "required" => {
            tools.into_iter().flatten().find_map(|tool| tool.name)
        }
        _ => named.map(str::to_owned),
    };
    let number = asked.number();
    let id = format!("resp_{number:032x}");
    let voice = Responses {
        id: id.clone(),
        created: asked.unix_seconds,
        model,
        salt: number,
        tongue: Tongue::of(asked.spec.engine),
        reasoning,
        tool,
        sequence: 0,
        open: None,
    };
    let stream = stream.unwrap_or(false);
    Ok(Wanted { prompts, choices: 1, max_tokens, reasoning, stream, id, voice: Box::new(voice) })
}

impl Voice for Responses {
    fn tongue(&self) -> Tongue {
        self.tongue
    }

    fn opening(&mut self, _choice: u32) -> Option<Bytes> {
        let response = self.response("in_progress", &[], &Value::Null);
        let created = self.event("response.created", json!({"response": response.clone()}));
        Some((created + &self.event("response.in_progress", json!({"response": response}))).into())
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let kind = match self.tool {
            _ if span.reasoning => Kind::Reasoning,
            Some(_) => Kind::Call,
            None => Kind::Message,
        };
        let mut events = String::new();
        let begins = self.open.is_none_or(|open| open.kind != kind);
        if begins {
            events += &self.close();
            events += &self.begin(kind);
        }
        let from = self.open.filter(|_| !begins).map_or(span.from, |open| open.from);
        self.open = Some(Writing { kind, from, to: span.to });
        let (name, delta) = match kind {
            Kind::Reasoning => ("response.reasoning_text.delta", text(self.salt, 0, span.from, span.to)),
            Kind::Message => ("response.output_text.delta", text(self.salt, 0, span.from, span.to)),
            Kind::Call => {
                let part = Part { from: span.from, to: span.to, begins, ends: span.ends };
                ("response.function_call_arguments.delta", arguments(self.salt, 0, part))
            }
        };
        let mut event =
            json!({"item_id": self.item_id(kind), "output_index": self.place(kind), "delta": delta});
        if kind != Kind::Call {
            event["content_index"] = json!(0);
        }
        (events + &self.event(name, event)).into()
    }

    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let ended = ended.first().copied().unwrap_or_default();
        let closed = self.close();
        let (name, status) = self.outcome();
        let response = self.response(status, &self.output(&ended), &usage(&ended));
        Some((closed + &self.event(name, json!({"response": response}))).into())
    }

    fn breaking(&mut self) -> Bytes {
        let Declined { kind, message, .. } = Declined::broken();
        self.event("error", json!({"code": kind, "message": message, "param": null})).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let ended = ended.first().copied().unwrap_or_default();
        let (_, status) = self.outcome();
        self.response(status, &self.output(&ended), &usage(&ended)).to_string().into()
    }
}

impl Responses {
    /// An answer that its length ended is incomplete; a call is complete.
    fn outcome(&self) -> (&'static str, &'static str) {
        match self.tool {
            Some(_) => ("response.completed", "completed"),
            None => ("response.incomplete", "incomplete"),
        }
    }

    fn event(&mut self, name: &str, mut data: Value) -> String {
        data["type"] = json!(name);
        data["sequence_number"] = json!(self.sequence);
        self.sequence += 1;
        named_event(name, &data)
    }

    fn begin(&mut self, kind: Kind) -> String {
        let place = self.place(kind);
        let item = self.item(kind, "in_progress", None);
        let added = self.event("response.output_item.added", json!({"output_index": place, "item": item}));
        if kind != Kind::Message {
            return added;
        }
        let part = json!({"item_id": self.item_id(kind), "output_index": place, "content_index": 0,
            "part": {"type": "output_text", "text": "", "annotations": []}});
        added + &self.event("response.content_part.added", part)
    }

    /// Ends the item that is open, where one is.
    fn close(&mut self) -> String {
        let Some(Writing { kind, from, to }) = self.open.take() else {
            return String::new();
        };
        let words = self.words(kind, from, to);
        let (place, id) = (self.place(kind), self.item_id(kind));
        let mut events = match kind {
            Kind::Reasoning => {
                let done = json!({"item_id": id, "output_index": place, "content_index": 0, "text": words});
                self.event("response.reasoning_text.done", done)
            }
            Kind::Call => {
                let done = json!({"item_id": id, "output_index": place, "arguments": words});
                self.event("response.function_call_arguments.done", done)
            }
            Kind::Message => {
                let done = json!({"item_id": id, "output_index": place, "content_index": 0, "text": words});
                let part = json!({"item_id": id, "output_index": place, "content_index": 0,
                    "part": {"type": "output_text", "text": words, "annotations": []}});
                let done = self.event("response.output_text.done", done);
                done + &self.event("response.content_part.done", part)
            }
        };
        let item = self.item(kind, "completed", Some(&words));
        events += &self.event("response.output_item.done", json!({"output_index": place, "item": item}));
        events
    }

    fn words(&self, kind: Kind, from: u32, to: u32) -> String {
        match kind {
            Kind::Call => arguments(self.salt, 0, Part { from, to, begins: true, ends: true }),
            Kind::Reasoning | Kind::Message => text(self.salt, 0, from, to),
        }
    }

    /// An item before its words, or with all of them.
    fn item(&self, kind: Kind, status: &str, words: Option<&str>) -> Value {
        let id = self.item_id(kind);
        match (kind, &self.tool) {
            (Kind::Reasoning, _) => {
                let content: Vec<Value> =
                    words.iter().map(|words| json!({"type": "reasoning_text", "text": words})).collect();
                json!({"id": id, "type": "reasoning", "status": status, "summary": [], "content": content})
            }
            (Kind::Call, name) => json!({"id": id, "type": "function_call", "status": status, "name": name,
                "call_id": format!("call_{:024x}", self.salt), "arguments": words.unwrap_or_default()}),
            (Kind::Message, _) => {
                let content: Vec<Value> = words
                    .iter()
                    .map(|words| json!({"type": "output_text", "text": words, "annotations": []}))
                    .collect();
                json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": content})
            }
        }
    }

    fn item_id(&self, kind: Kind) -> String {
        let prefix = match kind {
            Kind::Reasoning => "rs",
            Kind::Message => "msg",
            Kind::Call => "fc",
        };
        format!("{prefix}_{:024x}", self.salt)
    }

    /// Where an item stands in the output: reasoning first.
    fn place(&self, kind: Kind) -> u32 {
        u32::from(kind != Kind::Reasoning && self.reasoning > 0)
    }

    fn output(&self, ended: &Ended) -> Vec<Value> {
        let last = if self.tool.is_some() { Kind::Call } else { Kind::Message };
        let items = [(Kind::Reasoning, 0, ended.reasoning), (last, ended.reasoning, ended.tokens)];
        items
            .into_iter()
            .filter(|(_, from, to)| from < to)
            .map(|(kind, from, to)| self.item(kind, "completed", Some(&self.words(kind, from, to))))
            .collect()
    }

    fn response(&self, status: &str, output: &[Value], usage: &Value) -> Value {
        let details =
            if status == "incomplete" { json!({"reason": "max_output_tokens"}) } else { Value::Null };
        json!({"id": self.id, "object": "response", "created_at": self.created, "status": status,
            "model": self.model, "output": output, "usage": usage, "error": null,
            "incomplete_details": details})
    }
}

fn usage(ended: &Ended) -> Value {
    let Ended { prompt, tokens, cached, reasoning, .. } = *ended;
    json!({"input_tokens": prompt, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning}, "total_tokens": prompt + tokens})
}
