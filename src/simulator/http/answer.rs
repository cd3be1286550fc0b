//! Answers in vLLM's shapes, as bytes.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{Api, Declined, UsageWish};
use super::prompt::word;

/// What vLLM calls its build; the simulator says what it is.
pub(super) const FINGERPRINT: &str = concat!("sim-", env!("CARGO_PKG_VERSION"));

/// The words of one request's answer.
#[derive(Debug)]
pub(super) struct Voice {
    pub api: Api,
    pub id: String,
    pub created: u64,
    pub model: String,
    pub prompt_tokens: u32,
    /// Chooses the words.
    pub salt: u64,
    pub usage: UsageWish,
    /// Whether an answer in one piece carries usage.
    pub usage_known: bool,
}

impl Voice {
    /// The chunk that opens a chat stream, sent together with the first token; completions have none.
    pub(super) fn opening(&self) -> Option<Bytes> {
        let choice = json!({"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": null,
            "finish_reason": null});
        (self.api == Api::Chat).then(|| self.chunk(&json!([choice]), self.running_usage(0)))
    }

    /// Tokens `from..to`; `ends` when they are the last.
    pub(super) fn tokens(&self, from: u32, to: u32, ends: bool) -> Bytes {
        let text = self.text(from, to);
        let finish = ends.then_some("length");
        let mut choice = match self.api {
            Api::Chat => {
                json!({"index": 0, "delta": {"content": text}, "logprobs": null, "finish_reason": finish,
                "token_ids": null})
            }
            Api::Completions => json!({"index": 0, "text": text, "logprobs": null, "finish_reason": finish,
                "stop_reason": null, "prompt_token_ids": null, "token_ids": null}),
        };
        if ends {
            choice["stop_reason"] = Value::Null;
        }
        self.chunk(&json!([choice]), self.running_usage(to))
    }

    /// What follows the last token: usage where wished, and the end mark.
    pub(super) fn closing(&self, tokens: u32, cached: u32) -> Bytes {
        let mut bytes = Vec::new();
        if self.usage != UsageWish::None {
            let mut chunk = self.frame(&json!([]), Some(self.full_usage(tokens, cached)));
            chunk["system_fingerprint"] = json!(FINGERPRINT);
            bytes.extend_from_slice(&event(&chunk.to_string()));
        }
        bytes.extend_from_slice(&event("[DONE]"));
        bytes.into()
    }

    /// vLLM's words in a stream whose engine died, end mark included.
    pub(super) fn breaking() -> Bytes {
        let mut bytes = event(&Declined::broken().to_json()).to_vec();
        bytes.extend_from_slice(&event("[DONE]"));
        bytes.into()
    }

    /// The answer in one piece.
    pub(super) fn whole(&self, tokens: u32, cached: u32) -> String {
        let text = self.text(0, tokens);
        let (object, choice) = match self.api {
            Api::Chat => (
                "chat.completion",
                json!({"index": 0, "message": {"role": "assistant", "content": text, "refusal": null,
                    "reasoning": null}, "logprobs": null, "finish_reason": "length", "stop_reason": null,
                    "token_ids": null}),
            ),
            Api::Completions => (
                "text_completion",
                json!({"index": 0, "text": text, "logprobs": null, "finish_reason": "length", "stop_reason": null,
                    "token_ids": null}),
            ),
        };
        json!({"id": self.id, "object": object, "created": self.created, "model": self.model, "choices": [choice],
            "system_fingerprint": FINGERPRINT, "usage": self.usage_known.then(|| self.full_usage(tokens, cached))})
        .to_string()
    }

    fn text(&self, from: u32, to: u32) -> String {
        (from..to).map(|index| word(self.salt, index)).collect()
    }

    fn chunk(&self, choices: &Value, usage: Option<Value>) -> Bytes {
        event(&self.frame(choices, usage).to_string())
    }

    fn frame(&self, choices: &Value, usage: Option<Value>) -> Value {
        let object = match self.api {
            Api::Chat => "chat.completion.chunk",
            Api::Completions => "text_completion",
        };
        let mut chunk = json!({"id": self.id, "object": object, "created": self.created, "model": self.model,
            "choices": choices});
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        chunk
    }

    fn running_usage(&self, tokens: u32) -> Option<Value> {
        (self.usage == UsageWish::OnEveryChunk).then(|| self.usage_of(tokens))
    }

    /// With its details where there is something to tell, as vLLM does under `--enable-prompt-tokens-details`.
    fn full_usage(&self, tokens: u32, cached: u32) -> Value {
        let mut usage = self.usage_of(tokens);
        if cached > 0 {
            usage["prompt_tokens_details"] = json!({"cached_tokens": cached});
        }
        usage
    }

    fn usage_of(&self, tokens: u32) -> Value {
        json!({"prompt_tokens": self.prompt_tokens, "total_tokens": self.prompt_tokens + tokens,
            "completion_tokens": tokens})
    }
}

/// One server-sent event.
fn event(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}
