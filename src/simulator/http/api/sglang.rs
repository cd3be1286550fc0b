//! Chat and completions in SGLang's shapes: a separate finish chunk, `reasoning_content` on every delta.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{Api, Tale, UsageWish};
use super::tool;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::voice::{Ended, Span, Voice, event, text};

pub(super) struct Sglang(pub Tale);

impl Voice for Sglang {
    fn tongue(&self) -> Tongue {
        self.0.tongue()
    }

    /// The first chunk is awaited before the status is sent.
    fn holds_headers(&self) -> bool {
        true
    }

    fn opening(&mut self, choice: u32) -> Option<Bytes> {
        let delta = json!({"reasoning_content": null, "role": "assistant", "content": ""});
        (self.0.api == Api::Chat).then(|| event(&self.frame(&said(choice, &delta, None), None)))
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let Span { choice, from, to, ends, .. } = span;
        let words = text(self.0.salt, choice, from, to);
        let usage = (self.0.usage == UsageWish::OnEveryChunk).then(|| self.usage_of(to, 0, 0));
        match (self.0.api, &self.0.tool) {
            (Api::Completions, _) => {
                let choices = json!([{"index": choice, "text": words, "logprobs": null,
                    "finish_reason": ends.then_some("length"), "matched_stop": null}]);
                let mut chunk = self.frame(&choices, None);
                chunk["usage"] = json!(usage);
                event(&chunk)
            }
            (Api::Chat, _) if span.reasoning => {
                event(&self.frame(&said(choice, &json!({"reasoning_content": words}), None), usage))
            }
            (Api::Chat, Some(name)) => {
                let begins = from == self.0.reasoning;
                let call = tool::delta(&self.0.id, name, self.0.salt, &span, begins);
                let delta = json!({"reasoning_content": null, "tool_calls": [call]});
                event(&self.frame(&said(choice, &delta, None), usage))
            }
            (Api::Chat, None) => {
                let delta = json!({"reasoning_content": null, "content": words});
                event(&self.frame(&said(choice, &delta, None), usage))
            }
        }
    }

    /// The finish chunks of all choices, usage where wished, and the end mark.
    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if self.0.api == Api::Chat {
            for choice in 0..ended.len() as u32 {
                let delta = json!({"reasoning_content": null});
                let chunk = self.frame(&said(choice, &delta, Some(self.0.finish())), None);
                bytes.extend_from_slice(&event(&chunk));
            }
        }
        if self.0.usage != UsageWish::None {
            bytes.extend_from_slice(&event(&self.frame(&json!([]), Some(self.full_usage(ended)))));
        }
        bytes.extend_from_slice(b"data: [DONE]\n\n");
        Some(bytes.into())
    }

    fn breaking(&mut self) -> Bytes {
        let error = Declined::broken().told(Tongue::Flat);
        format!("data: {}\n\ndata: [DONE]\n\n", json!({"error": error})).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let Tale { api, id, created, model, .. } = &self.0;
        let object = match api {
            Api::Chat => "chat.completion",
            Api::Completions => "text_completion",
        };
        let choices: Vec<Value> =
            ended.iter().enumerate().map(|(choice, ended)| self.choice(choice as u32, ended)).collect();
        let tokens: u32 = ended.iter().map(|ended| ended.tokens).sum();
        json!({"id": id, "object": object, "created": created, "model": model, "choices": choices,
            "usage": self.full_usage(ended), "metadata": {"weight_version": "default",
            "weight_versions": [{"version": "default", "start": 0, "end": tokens}]}})
        .to_string()
        .into()
    }
}

impl Sglang {
    fn choice(&self, choice: u32, ended: &Ended) -> Value {
        let Tale { api, salt, tool, id, .. } = &self.0;
        let words = |from, to| text(*salt, choice, from, to);
        if *api == Api::Completions {
            return json!({"index": choice, "text": words(0, ended.tokens), "logprobs": null,
                "finish_reason": "length", "matched_stop": null});
        }
        let thought = (ended.reasoning > 0).then(|| words(0, ended.reasoning));
        let message = match tool {
            Some(name) => json!({"role": "assistant", "content": null, "reasoning_content": thought,
                "tool_calls": [tool::whole(id, name, *salt, choice, ended)]}),
            None => json!({"role": "assistant", "content": words(ended.reasoning, ended.tokens),
                "reasoning_content": thought, "tool_calls": null}),
        };
        json!({"index": choice, "message": message, "logprobs": null, "finish_reason": self.0.finish(),
            "matched_stop": null})
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

    fn full_usage(&self, ended: &[Ended]) -> Value {
        let sum = |of: fn(&Ended) -> u32| ended.iter().map(of).sum::<u32>();
        let cached = ended.iter().step_by(self.0.choices as usize).map(|ended| ended.cached).sum();
        self.usage_of(sum(|ended| ended.tokens), cached, sum(|ended| ended.reasoning))
    }

    fn usage_of(&self, tokens: u32, cached: u32, reasoning: u32) -> Value {
        let prompt = self.0.prompt_tokens;
        json!({"prompt_tokens": prompt, "total_tokens": prompt + tokens, "completion_tokens": tokens,
            "prompt_tokens_details": {"cached_tokens": cached}, "reasoning_tokens": reasoning})
    }
}

fn said(choice: u32, delta: &Value, finish: Option<&str>) -> Value {
    json!([{"index": choice, "delta": delta, "logprobs": null, "finish_reason": finish, "matched_stop": null}])
}
