//! Chat and completions as Ollama sends them under `/v1`: the role in every delta, a finish chunk without text.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{Api, Tale, UsageWish};
use super::tool;
use crate::simulator::http::declined::Tongue;
use crate::simulator::http::voice::{Ended, Span, Voice, event, text};

pub(super) struct OllamaOpenAi(pub Tale);

/// What Ollama calls its build, whatever it is.
const FINGERPRINT: &str = "fp_ollama";

impl Voice for OllamaOpenAi {
    fn tongue(&self) -> Tongue {
        self.0.tongue()
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn holds_headers(&self) -> bool {
        true
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let Span { choice, from, to, .. } = span;
        let words = text(self.0.salt, choice, from, to);
        let choice = match (self.0.api, &self.0.tool) {
            (Api::Completions, _) => json!({"text": words, "index": choice, "finish_reason": null}),
            (Api::Chat, _) if span.reasoning => {
                said(choice, &json!({"role": "assistant", "content": "", "reasoning": words}), None)
            }
            (Api::Chat, Some(name)) => {
                let begins = from == self.0.reasoning;
                let call = tool::delta(&self.0.id, name, self.0.salt, &span, begins);
                said(choice, &json!({"role": "assistant", "content": "", "tool_calls": [call]}), None)
            }
            (Api::Chat, None) => said(choice, &json!({"role": "assistant", "content": words}), None),
        };
        event(&self.frame(&json!([choice]), self.running_usage()))
    }

    fn ended(&mut self, choice: u32, _ended: &Ended) -> Option<Bytes> {
        let last = match self.0.api {
            Api::Completions => json!({"text": "", "index": choice, "finish_reason": "length"}),
            Api::Chat => said(choice, &json!({"role": "assistant", "content": ""}), Some(self.0.finish())),
        };
        Some(event(&self.frame(&json!([last]), self.running_usage())))
    }

    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if self.0.usage != UsageWish::None {
            bytes.extend_from_slice(&event(&self.frame(&json!([]), Some(usage(ended)))));
        }
        bytes.extend_from_slice(b"data: [DONE]\n\n");
        Some(bytes.into())
    }

    /// An error is lost on the way and comes out as a delta without text; nothing follows it.
    fn breaking(&mut self) -> Bytes {
        let lost = said(0, &json!({"role": "assistant", "content": ""}), None);
        event(&self.frame(&json!([lost]), None))
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let Tale { api, id, created, model, .. } = &self.0;
        let object = match api {
            Api::Chat => "chat.completion",
            Api::Completions => "text_completion",
        };
        let choices: Vec<Value> =
            ended.iter().enumerate().map(|(choice, ended)| self.choice(choice as u32, ended)).collect();
        json!({"id": id, "object": object, "created": created, "model": model, "choices": choices,
            "system_fingerprint": FINGERPRINT, "usage": usage(ended)})
        .to_string()
        .into()
    }
}

impl OllamaOpenAi {
    fn choice(&self, choice: u32, ended: &Ended) -> Value {
        let Tale { api, salt, tool, id, .. } = &self.0;
        let words = |from, to| text(*salt, choice, from, to);
        if *api == Api::Completions {
            return json!({"text": words(0, ended.tokens), "index": choice, "finish_reason": "length"});
        }
        let mut message = match tool {
            Some(name) => json!({"role": "assistant", "content": "",
                "tool_calls": [tool::whole(id, name, *salt, choice, ended)]}),
            None => json!({"role": "assistant", "content": words(ended.reasoning, ended.tokens)}),
        };
        if ended.reasoning > 0 {
            message["reasoning"] = json!(words(0, ended.reasoning));
        }
        json!({"index": choice, "message": message, "finish_reason": self.0.finish()})
    }

    /// On completions every chunk carries usage of nothing, for those who asked for it at the end.
    fn running_usage(&self) -> Option<Value> {
        let wished = self.0.api == Api::Completions && self.0.usage != UsageWish::None;
        wished.then(|| json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}))
    }

    fn frame(&self, choices: &Value, usage: Option<Value>) -> Value {
        let Tale { api, id, created, model, .. } = &self.0;
        let object = match api {
            Api::Chat => "chat.completion.chunk",
            Api::Completions => "text_completion",
        };
        let mut chunk = json!({"id": id, "object": object, "created": created, "model": model,
            "system_fingerprint": FINGERPRINT, "choices": choices});
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        chunk
    }
}

fn said(choice: u32, delta: &Value, finish: Option<&str>) -> Value {
    json!({"index": choice, "delta": delta, "finish_reason": finish})
}

fn usage(ended: &[Ended]) -> Value {
    let prompt = ended.first().map_or(0, |ended| ended.prompt);
    let tokens: u32 = ended.iter().map(|ended| ended.tokens).sum();
    json!({"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens})
}
