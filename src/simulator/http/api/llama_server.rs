//! Chat and completions in llama-server's shapes: usage and `timings` by choice, ids of chat everywhere.

use bytes::Bytes;
use serde_json::{Value, json};

use super::openai::{Api, Tale, UsageWish};
use super::tool;
use super::vllm::FINGERPRINT;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::voice::{Ended, Span, Voice, event, text};

pub(super) struct LlamaServer(pub Tale);

impl Voice for LlamaServer {
    fn tongue(&self) -> Tongue {
        self.0.tongue()
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// The status comes only with the first result.
    fn holds_headers(&self) -> bool {
        true
    }

    fn opening(&mut self, choice: u32) -> Option<Bytes> {
        let delta = json!({"role": "assistant", "content": null});
        (self.0.api == Api::Chat).then(|| event(&self.frame(&said(choice, &delta, None))))
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let Span { choice, from, to, .. } = span;
        let words = text(self.0.salt, choice, from, to);
        let choices = match (self.0.api, &self.0.tool) {
            (Api::Completions, _) => {
                json!([{"text": words, "index": choice, "logprobs": null, "finish_reason": null}])
            }
            (Api::Chat, _) if span.reasoning => said(choice, &json!({"reasoning_content": words}), None),
            (Api::Chat, Some(name)) => {
                let begins = from == self.0.reasoning;
                let call = tool::delta(&self.0.id, name, self.0.salt, &span, begins);
                said(choice, &json!({"tool_calls": [call]}), None)
            }
            (Api::Chat, None) => said(choice, &json!({"content": words}), None),
        };
        event(&self.frame(&choices))
    }

    /// The finish chunk, and a usage chunk for those who wish it: both for this choice alone.
    fn ended(&mut self, choice: u32, ended: &Ended) -> Option<Bytes> {
        let timings = timings(ended);
        if self.0.api == Api::Completions {
            let choices = json!([{"text": "", "index": choice, "logprobs": null, "finish_reason": "length"}]);
            let mut chunk = self.frame(&choices);
            chunk["usage"] = usage(ended);
            chunk["timings"] = timings;
            return Some(event(&chunk));
        }
        let mut finish = self.frame(&said(choice, &json!({}), Some(self.0.finish())));
        if self.0.usage == UsageWish::None {
            finish["timings"] = timings;
            return Some(event(&finish));
        }
        let mut last = self.frame(&json!([]));
        last["usage"] = usage(ended);
        last["timings"] = timings;
        Some([event(&finish), event(&last)].concat().into())
    }

    fn closing(&mut self, _ended: &[Ended]) -> Option<Bytes> {
        Some("data: [DONE]\n\n".into())
    }

    fn breaking(&mut self) -> Bytes {
        format!("data: {}\n\n", Declined::broken().told(Tongue::LlamaServer)).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let Tale { api, id, created, model, .. } = &self.0;
        let object = match api {
            Api::Chat => "chat.completion",
            Api::Completions => "text_completion",
        };
        let choices: Vec<Value> =
            ended.iter().enumerate().map(|(choice, ended)| self.choice(choice as u32, ended)).collect();
        let all = Ended {
            tokens: ended.iter().map(|ended| ended.tokens).sum(),
            ..ended.first().copied().unwrap_or_default()
        };
        json!({"id": id, "object": object, "created": created, "model": model, "choices": choices,
            "system_fingerprint": FINGERPRINT, "usage": usage(&all),
            "timings": timings(&all)})
        .to_string()
        .into()
    }
}

impl LlamaServer {
    fn choice(&self, choice: u32, ended: &Ended) -> Value {
        let Tale { api, salt, tool, id, .. } = &self.0;
        let words = |from, to| text(*salt, choice, from, to);
        if *api == Api::Completions {
            return json!({"text": words(0, ended.tokens), "index": choice, "logprobs": null,
                "finish_reason": "length"});
        }
        let mut message = match tool {
            Some(name) => json!({"role": "assistant", "content": null,
                "tool_calls": [tool::whole(id, name, *salt, choice, ended)]}),
            None => json!({"role": "assistant", "content": words(ended.reasoning, ended.tokens)}),
        };
        if ended.reasoning > 0 {
            message["reasoning_content"] = json!(words(0, ended.reasoning));
        }
        json!({"finish_reason": self.0.finish(), "index": choice, "message": message})
    }

    fn frame(&self, choices: &Value) -> Value {
        let Tale { api, id, created, model, .. } = &self.0;
        let object = match api {
            Api::Chat => "chat.completion.chunk",
            Api::Completions => "text_completion",
        };
        json!({"choices": choices, "created": created, "id": id, "model": model,
            "system_fingerprint": FINGERPRINT, "object": object})
    }
}

fn usage(ended: &Ended) -> Value {
    let Ended { prompt, tokens, cached, .. } = *ended;
    json!({"completion_tokens": tokens, "prompt_tokens": prompt, "total_tokens": prompt + tokens,
        "prompt_tokens_details": {"cached_tokens": cached}})
}

/// The server's own clockwork of one choice, in milliseconds; what the cache held was not processed.
pub(super) fn timings(ended: &Ended) -> Value {
    let Ended { prompt: prompt_tokens, tokens, cached, began, first, last, .. } = *ended;
    let ms = |from: crate::base::Nanos, to: crate::base::Nanos| to.0.saturating_sub(from.0) as f64 / 1e6;
    let (prompt, predicted) = (ms(began, first), ms(first, last));
    let processed = prompt_tokens.saturating_sub(cached);
    let per = |time: f64, count: u32| if count == 0 { 0.0 } else { time / f64::from(count) };
    let rate = |count: u32, time: f64| if time > 0.0 { f64::from(count) * 1e3 / time } else { 0.0 };
    json!({"cache_n": cached, "prompt_n": processed, "prompt_ms": prompt,
        "prompt_per_token_ms": per(prompt, processed), "prompt_per_second": rate(processed, prompt),
        "predicted_n": tokens, "predicted_ms": predicted, "predicted_per_token_ms": per(predicted, tokens),
        "predicted_per_second": rate(tokens, predicted)})
}

fn said(choice: u32, delta: &Value, finish: Option<&str>) -> Value {
    json!([{"finish_reason": finish, "index": choice, "delta": delta}])
}
