//! Chat and completions in vLLM's shapes.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{Api, Tale, UsageWish};
use super::tool;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::word_id;
use crate::simulator::http::voice::{Ended, Span, Voice, event, text};

/// What vLLM calls its build; the simulator says what it is.
pub(in crate::simulator::http) const FINGERPRINT: &str = concat!("sim-", env!("CARGO_PKG_VERSION"));

pub(super) struct Vllm(pub Tale);

impl Voice for Vllm {
    fn tongue(&self) -> Tongue {
        self.0.tongue()
    }

    /// The chunk that opens a chat stream, sent together with the first token; completions have none.
    fn opening(&mut self, choice: u32) -> Option<Bytes> {
        if self.0.api == Api::Completions {
            return None;
        }
        let choices = json!([{"index": choice, "delta": {"role": "assistant", "content": ""}, "logprobs": null,
            "finish_reason": null}]);
        let mut chunk = self.frame(&choices, self.running_usage(0));
        if let Some(ids) = self.0.ids_of_prompt(choice) {
            chunk["prompt_token_ids"] = json!(ids);
        }
        Some(event(&chunk))
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let Span { choice, from, to, ends, .. } = span;
        let finish = ends.then(|| self.0.finish());
        let ids = self.ids(choice, from, to);
        let mut said = match self.0.api {
            Api::Chat => json!({"index": choice, "delta": self.delta(&span), "logprobs": null,
                "finish_reason": finish, "token_ids": ids}),
            Api::Completions => {
                let prompt_ids = if from == 0 { self.0.ids_of_prompt(choice) } else { None };
                json!({"index": choice, "text": text(self.0.salt, choice, from, to), "logprobs": null,
                    "finish_reason": finish, "stop_reason": null, "prompt_token_ids": prompt_ids,
                    "token_ids": ids})
            }
        };
        if ends {
            said["stop_reason"] = Value::Null;
        }
        event(&self.frame(&json!([said]), self.running_usage(to)))
    }

    /// What follows the last token: usage where wished, and the end mark.
    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let mut bytes = Vec::new();
        if self.0.usage != UsageWish::None {
            let mut chunk = self.frame(&json!([]), Some(self.full_usage(ended)));
            chunk["system_fingerprint"] = json!(FINGERPRINT);
            bytes.extend_from_slice(&event(&chunk));
        }
        bytes.extend_from_slice(b"data: [DONE]\n\n");
        Some(bytes.into())
    }

    /// vLLM's words in a stream whose engine died, end mark included.
    fn breaking(&mut self) -> Bytes {
        format!("data: {}\n\ndata: [DONE]\n\n", Declined::broken().told(Tongue::Vllm)).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let object = match self.0.api {
            Api::Chat => "chat.completion",
            Api::Completions => "text_completion",
        };
        let choices: Vec<Value> =
            ended.iter().enumerate().map(|(choice, ended)| self.choice(choice as u32, ended)).collect();
        let Tale { id, created, model, usage_known, .. } = &self.0;
        let usage = usage_known.then(|| self.full_usage(ended));
        let mut whole = json!({"id": id, "object": object, "created": created, "model": model,
            "choices": choices, "system_fingerprint": FINGERPRINT, "usage": usage});
        if self.0.api == Api::Chat
            && let Some(ids) = self.0.ids_of_prompt(0)
        {
            whole["prompt_token_ids"] = json!(ids);
        }
        whole.to_string().into()
    }
}

impl Vllm {
    fn delta(&self, span: &Span) -> Value {
        let Tale { salt, tool, .. } = &self.0;
        match tool {
            _ if span.reasoning => json!({"reasoning": text(*salt, span.choice, span.from, span.to)}),
            Some(name) => {
                json!({"tool_calls": [tool::delta(&self.0.id, name, *salt, span, self.reasoned(span))]})
            }
            None => json!({"content": text(*salt, span.choice, span.from, span.to)}),
        }
    }

    /// Whether all before a span was reasoning, so that a call begins with it.
    fn reasoned(&self, span: &Span) -> bool {
        span.from == self.0.reasoning
    }

    /// One choice of an answer in one piece.
    fn choice(&self, choice: u32, ended: &Ended) -> Value {
        let Tale { salt, tool, api, .. } = &self.0;
        let ids = self.ids(choice, 0, ended.tokens);
        let words = |from, to| text(*salt, choice, from, to);
        if *api == Api::Completions {
            let mut said = json!({"index": choice, "text": words(0, ended.tokens), "logprobs": null,
                "finish_reason": "length", "stop_reason": null, "token_ids": ids});
            if let Some(ids) = self.0.ids_of_prompt(choice) {
                said["prompt_token_ids"] = json!(ids);
            }
            return said;
        }
        let thought = (ended.reasoning > 0).then(|| words(0, ended.reasoning));
        let message = match tool {
            Some(name) => json!({"role": "assistant", "content": null, "refusal": null, "reasoning": thought,
                "tool_calls": [tool::whole(&self.0.id, name, *salt, choice, ended)]}),
            None => json!({"role": "assistant", "content": words(ended.reasoning, ended.tokens),
                "refusal": null, "reasoning": thought}),
        };
        json!({"index": choice, "message": message, "logprobs": null, "finish_reason": self.0.finish(),
            "stop_reason": null, "token_ids": ids})
    }

    fn ids(&self, choice: u32, from: u32, to: u32) -> Option<Vec<u32>> {
        self.0.prompt_ids.as_ref()?;
        Some((from..to).map(|index| word_id(self.0.salt.wrapping_add(u64::from(choice)), index)).collect())
    }

    fn frame(&self, choices: &Value, usage: Option<Value>) -> Value {
        let object = match self.0.api {
            Api::Chat => "chat.completion.chunk",
            Api::Completions => "text_completion",
        };
        let Tale { id, created, model, .. } = &self.0;
        let mut chunk =
            json!({"id": id, "object": object, "created": created, "model": model, "choices": choices});
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        chunk
    }

    fn running_usage(&self, tokens: u32) -> Option<Value> {
        (self.0.usage == UsageWish::OnEveryChunk).then(|| self.usage_of(tokens))
    }

    /// With its details where there is something to tell, as vLLM does under `--enable-prompt-tokens-details`.
    fn full_usage(&self, ended: &[Ended]) -> Value {
        let sum = |of: fn(&Ended) -> u32| ended.iter().map(of).sum::<u32>();
        let mut usage = self.usage_of(sum(|ended| ended.tokens));
        // A prompt's choices share it: its cached tokens count once.
        let cached: u32 = ended.iter().step_by(self.0.choices as usize).map(|ended| ended.cached).sum();
        if cached > 0 {
            usage["prompt_tokens_details"] = json!({"cached_tokens": cached});
        }
        let reasoning = sum(|ended| ended.reasoning);
        if reasoning > 0 {
            usage["completion_tokens_details"] = json!({"reasoning_tokens": reasoning});
        }
        usage
    }

    fn usage_of(&self, tokens: u32) -> Value {
        let prompt = self.0.prompt_tokens;
        json!({"prompt_tokens": prompt, "total_tokens": prompt + tokens, "completion_tokens": tokens})
    }
}
