//! Chat and completions in the shapes of `trtllm-serve`: no null fields, a space at the end of the role chunk's line.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{Api, Tale, UsageWish};
use super::tool;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::voice::{Ended, Span, Voice, event, text};

pub(super) struct TrtLlm(pub Tale);

impl Voice for TrtLlm {
    fn tongue(&self) -> Tongue {
        self.0.tongue()
    }

    fn opening(&mut self, choice: u32) -> Option<Bytes> {
        let choices = json!([{"index": choice, "delta": {"role": "assistant"}}]);
        let chunk = self.frame(&choices, self.running_usage(0));
        (self.0.api == Api::Chat).then(|| format!("data: {chunk} \n\n").into())
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let Span { choice, from, to, ends, .. } = span;
        let words = text(self.0.salt, choice, from, to);
        let mut said = match (self.0.api, &self.0.tool) {
            (Api::Completions, _) => json!({"index": choice, "text": words}),
            (Api::Chat, _) if span.reasoning => {
                json!({"index": choice, "delta": {"reasoning_content": words}})
            }
            (Api::Chat, Some(name)) => {
                let begins = from == self.0.reasoning;
                let call = tool::delta(&self.0.id, name, self.0.salt, &span, begins);
                json!({"index": choice, "delta": {"tool_calls": [call]}})
            }
            (Api::Chat, None) => json!({"index": choice, "delta": {"content": words}}),
        };
        said["avg_decoded_tokens_per_iter"] = json!(1.0);
        if ends {
            said["finish_reason"] = json!(self.0.finish());
        }
        event(&self.frame(&json!([said]), self.running_usage(to)))
    }

    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if self.0.usage != UsageWish::None {
            bytes.extend_from_slice(&event(&self.frame(&json!([]), Some(self.full_usage(ended)))));
        }
        bytes.extend_from_slice(b"data: [DONE]\n\n");
        Some(bytes.into())
    }

    fn breaking(&mut self) -> Bytes {
        format!("data: {}\n\n", json!({"error": Declined::broken().told(Tongue::Flat)})).into()
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
            "usage": self.full_usage(ended)})
        .to_string()
        .into()
    }
}

impl TrtLlm {
    fn choice(&self, choice: u32, ended: &Ended) -> Value {
        let Tale { api, salt, tool, id, .. } = &self.0;
        let words = |from, to| text(*salt, choice, from, to);
        if *api == Api::Completions {
            return json!({"index": choice, "text": words(0, ended.tokens), "finish_reason": "length",
                "avg_decoded_tokens_per_iter": 1.0});
        }
        let mut message = match tool {
            Some(name) => json!({"role": "assistant", "content": "",
                "tool_calls": [tool::whole(id, name, *salt, choice, ended)]}),
            None => json!({"role": "assistant", "content": words(ended.reasoning, ended.tokens)}),
        };
        if ended.reasoning > 0 {
            message["reasoning_content"] = json!(words(0, ended.reasoning));
        }
        json!({"index": choice, "message": message, "finish_reason": self.0.finish(),
            "avg_decoded_tokens_per_iter": 1.0})
    }

    fn frame(&self, choices: &Value, usage: Option<Value>) -> Value {
        let Tale { api, id, created, model, .. } = &self.0;
        let object = match api {
            Api::Chat => "chat.completion.chunk",
            Api::Completions => "text_completion",
        };
        let mut chunk =
            json!({"id": id, "object": object, "created": created, "model": model, "choices": choices});
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        chunk
    }

    fn running_usage(&self, tokens: u32) -> Option<Value> {
        (self.0.usage == UsageWish::OnEveryChunk).then(|| self.usage_of(tokens, 0))
    }

    fn full_usage(&self, ended: &[Ended]) -> Value {
        let cached = ended.iter().step_by(self.0.choices as usize).map(|ended| ended.cached).sum();
        self.usage_of(ended.iter().map(|ended| ended.tokens).sum(), cached)
    }

    fn usage_of(&self, tokens: u32, cached: u32) -> Value {
        let prompt = self.0.prompt_tokens;
        json!({"prompt_tokens": prompt, "total_tokens": prompt + tokens, "completion_tokens": tokens,
            "prompt_tokens_details": {"cached_tokens": cached}})
    }
}
