//! SGLang's own `/generate`: each event repeats the whole text so far.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::MAX_TOKENS_DEFAULT;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::{Prompt, word_id};
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, event, text};

#[derive(Deserialize)]
struct Request {
    text: Option<String>,
    input_ids: Option<Vec<u64>>,
    sampling_params: Option<Sampling>,
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct Sampling {
    max_new_tokens: Option<i64>,
}

struct Generate {
    id: String,
    salt: u64,
    prompt_tokens: u32,
    /// The last event, with what is known only at the end.
    last: Option<Span>,
}

pub(in crate::simulator::http) fn generate(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let Request { text, input_ids, sampling_params, stream } =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let mut prompt = Prompt::default();
    if let Some(text) = &text {
        prompt.read(text);
    }
    input_ids.iter().flatten().for_each(|id| prompt.id(*id));
    if prompt.tokens == 0 {
        return Err(Declined::invalid("Either text, input_ids or input_embeds should be provided."));
    }
    let prompts = vec![prompt];
    let asked_tokens = sampling_params.and_then(|sampling| sampling.max_new_tokens);
    let max_tokens = bounded(asked_tokens, MAX_TOKENS_DEFAULT, asked.room(&prompts))?;
    let number = asked.number();
    let id = format!("{number:032x}");
    let prompt_tokens = prompts[0].tokens as u32;
    let voice = Generate { id: id.clone(), salt: number, prompt_tokens, last: None };
    let stream = stream.unwrap_or(false);
    Ok(Wanted { prompts, choices: 1, max_tokens, reasoning: 0, stream, id, voice: Box::new(voice) })
}

impl Voice for Generate {
    fn tongue(&self) -> Tongue {
        Tongue::Flat
    }

    /// The first chunk is awaited before the status is sent.
    fn holds_headers(&self) -> bool {
        true
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        if span.ends {
            self.last = Some(span);
            return Bytes::new();
        }
        event(&self.so_far(span.to, &json!({"finish_reason": null})))
    }

    fn ended(&mut self, _choice: u32, ended: &Ended) -> Option<Bytes> {
        self.last.take().map(|span| event(&self.so_far(span.to, &at_end(ended))))
    }

    fn closing(&mut self, _ended: &[Ended]) -> Option<Bytes> {
        Some("data: [DONE]\n\n".into())
    }

    fn breaking(&mut self) -> Bytes {
        let error = json!({"error": {"message": Declined::broken().message}});
        format!("{}data: [DONE]\n\n", String::from_utf8_lossy(&event(&error))).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let ended = ended.first().copied().unwrap_or_default();
        self.so_far(ended.tokens, &at_end(&ended)).to_string().into()
    }
}

impl Generate {
    /// Everything up to a token; `more` is what its `meta_info` adds to the counts.
    fn so_far(&self, to: u32, more: &Value) -> Value {
        let ids: Vec<u32> = (0..to).map(|index| word_id(self.salt, index)).collect();
        let mut meta = json!({"id": self.id, "prompt_tokens": self.prompt_tokens, "completion_tokens": to,
            "cached_tokens": 0, "weight_version": "default", "reasoning_tokens": 0});
        for (name, value) in more.as_object().into_iter().flatten() {
            meta[name] = value.clone();
        }
        json!({"text": text(self.salt, 0, 0, to), "output_ids": ids, "meta_info": meta})
    }
}

fn at_end(ended: &Ended) -> Value {
    let Ended { tokens, cached, received, began, first, last, .. } = *ended;
    let seconds = |to: u64| to.saturating_sub(received.0) as f64 / 1e9;
    json!({"finish_reason": {"type": "length", "length": tokens}, "cached_tokens": cached,
        "queue_time": seconds(began.0), "first_token_latency": seconds(first.0), "e2e_latency": seconds(last.0)})
}
