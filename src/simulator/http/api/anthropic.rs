//! Anthropic's messages: typed events, content in blocks.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::content::Content;
use super::tool::{Part, arguments};
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::Prompt;
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, named_event, text};

#[derive(Deserialize)]
struct Request {
    model: Option<String>,
    max_tokens: Option<i64>,
    messages: Vec<Message>,
    system: Option<Content>,
    stream: Option<bool>,
    thinking: Option<Thinking>,
    tools: Option<Vec<Tool>>,
    tool_choice: Option<ToolChoice>,
}

#[derive(Deserialize)]
struct Message {
    content: Content,
}

#[derive(Deserialize)]
struct Thinking {
    r#type: String,
}

#[derive(Deserialize)]
struct Tool {
    name: String,
}

#[derive(Deserialize)]
struct ToolChoice {
    r#type: String,
    name: Option<String>,
}

struct Anthropic {
    id: String,
    model: String,
    salt: u64,
    prompt_tokens: u32,
    reasoning: u32,
    tool: Option<String>,
    /// The block that is open, by its place.
    open: Option<u32>,
}

pub(in crate::simulator::http) fn read(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let request: Request =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let Request { model, max_tokens, messages, system, stream, thinking, tools, tool_choice } = request;
    let model = model.ok_or_else(|| Declined::invalid("model: Field required"))?;
    if !asked.spec.serves(&model) {
        return Err(Declined::unknown_model(format!("model: {model}")));
    }
    let max_tokens = max_tokens.ok_or_else(|| Declined::invalid("max_tokens: Field required"))?;
    let mut prompt = Prompt::default();
    for content in system.iter().chain(messages.iter().map(|message| &message.content)) {
        content.read(&mut prompt);
    }
    if prompt.tokens == 0 {
        return Err(Declined::invalid("messages: at least one message is required"));
    }
    let prompts = vec![prompt];
    let max_tokens = bounded(Some(max_tokens), 1, asked.room(&prompts))?;
    let thinks = thinking.is_none_or(|thinking| thinking.r#type != "disabled");
    let reasoning = if thinks { asked.spec.reasoning.min(max_tokens) } else { 0 };
    let tool =
        tool_choice.filter(|_| reasoning < max_tokens).and_then(|choice| match choice.r#type.as_str() {
            "any" => tools.iter().flatten().map(|tool| tool.name.clone()).next(),
            "tool" => choice.name,
            _ => None,
        });
    let number = asked.number();
    let id = format!("msg_{number:024x}");
    let prompt_tokens = prompts[0].tokens as u32;
    let voice = Anthropic { id: id.clone(), model, salt: number, prompt_tokens, reasoning, tool, open: None };
    let stream = stream.unwrap_or(false);
    Ok(Wanted { prompts, choices: 1, max_tokens, reasoning, stream, id, voice: Box::new(voice) })
}

impl Voice for Anthropic {
    fn tongue(&self) -> Tongue {
        Tongue::Anthropic
    }

    fn opening(&mut self, _choice: u32) -> Option<Bytes> {
        let message = json!({"id": self.id, "type": "message", "role": "assistant", "content": [],
            "model": self.model, "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": self.prompt_tokens, "output_tokens": 0}});
        let start = named_event("message_start", &json!({"type": "message_start", "message": message}));
        Some(format!("{start}{}", named_event("ping", &json!({"type": "ping"}))).into())
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let block = u32::from(!span.reasoning && self.reasoning > 0);
        let mut events = String::new();
        let begins = self.open != Some(block);
        if begins {
            events += &self.close();
            self.open = Some(block);
            let start = json!({"type": "content_block_start", "index": block,
                "content_block": self.empty_block(span.reasoning)});
            events += &named_event("content_block_start", &start);
        }
        let words = text(self.salt, 0, span.from, span.to);
        let delta = match &self.tool {
            _ if span.reasoning => json!({"type": "thinking_delta", "thinking": words}),
            Some(_) => {
                let part = Part { from: span.from, to: span.to, begins, ends: span.ends };
                json!({"type": "input_json_delta", "partial_json": arguments(self.salt, 0, part)})
            }
            None => json!({"type": "text_delta", "text": words}),
        };
        let delta = json!({"type": "content_block_delta", "index": block, "delta": delta});
        (events + &named_event("content_block_delta", &delta)).into()
    }

    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let Ended { tokens, cached, .. } = ended.first().copied().unwrap_or_default();
        let delta = json!({"type": "message_delta",
            "delta": {"stop_reason": self.stop_reason(), "stop_sequence": null},
            "usage": {"input_tokens": self.prompt_tokens - cached, "cache_read_input_tokens": cached,
            "output_tokens": tokens}});
        let end = self.close() + &named_event("message_delta", &delta);
        Some((end + &named_event("message_stop", &json!({"type": "message_stop"}))).into())
    }

    fn breaking(&mut self) -> Bytes {
        named_event("error", &Declined::broken().told(Tongue::Anthropic)).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let Ended { tokens, cached, reasoning, .. } = ended.first().copied().unwrap_or_default();
        let mut content = Vec::new();
        if reasoning > 0 {
            let mut block = self.empty_block(true);
            block["thinking"] = json!(text(self.salt, 0, 0, reasoning));
            content.push(block);
        }
        if tokens > reasoning {
            let mut block = self.empty_block(false);
            if self.tool.is_some() {
                let part = Part { from: reasoning, to: tokens, begins: true, ends: true };
                let arguments = arguments(self.salt, 0, part);
                block["input"] = serde_json::from_str(&arguments).unwrap_or_default();
            } else {
                block["text"] = json!(text(self.salt, 0, reasoning, tokens));
            }
            content.push(block);
        }
        json!({"id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": self.stop_reason(), "stop_sequence": null,
            "usage": {"input_tokens": self.prompt_tokens - cached, "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": cached, "output_tokens": tokens}})
        .to_string()
        .into()
    }
}

impl Anthropic {
    fn empty_block(&self, reasoning: bool) -> Value {
        match &self.tool {
            _ if reasoning => json!({"type": "thinking", "thinking": "", "signature": ""}),
            Some(name) => {
                json!({"type": "tool_use", "id": format!("toolu_{:024x}", self.salt), "name": name, "input": {}})
            }
            None => json!({"type": "text", "text": ""}),
        }
    }

    /// Ends the open block, where one is.
    fn close(&mut self) -> String {
        self.open.take().map_or_else(String::new, |block| {
            named_event("content_block_stop", &json!({"type": "content_block_stop", "index": block}))
        })
    }

    fn stop_reason(&self) -> &'static str {
        if self.tool.is_some() { "tool_use" } else { "max_tokens" }
    }
}
