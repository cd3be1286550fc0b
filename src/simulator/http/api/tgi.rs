//! Text Generation Inference: an event per token with its id, the whole text on the last.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::{Prompt, word_id};
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, text};

/// Output tokens for those who ask for no number.
const MAX_NEW_TOKENS: u32 = 100;

#[derive(Deserialize)]
struct Request {
    inputs: String,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    max_new_tokens: Option<i64>,
    details: Option<bool>,
    seed: Option<u64>,
}

struct Tgi {
    salt: u64,
    details: bool,
    seed: Option<u64>,
}

pub(in crate::simulator::http) fn generate(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read(asked, false)
}

pub(in crate::simulator::http) fn generate_stream(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read(asked, true)
}

fn read(asked: &Asked<'_>, stream: bool) -> Result<Wanted, Declined> {
    let Request { inputs, parameters } =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let prompts = vec![Prompt::of(&inputs)];
    if prompts[0].tokens == 0 {
        return Err(Declined::invalid("Input validation error: `inputs` cannot be empty"));
    }
    let parameters = parameters.unwrap_or(Parameters { max_new_tokens: None, details: None, seed: None });
    let max_tokens = bounded(parameters.max_new_tokens, MAX_NEW_TOKENS, asked.room(&prompts))?;
    let number = asked.number();
    let voice = Tgi { salt: number, details: parameters.details.unwrap_or(false), seed: parameters.seed };
    let id = format!("tgi-{number:016x}");
    Ok(Wanted { prompts, choices: 1, max_tokens, reasoning: 0, stream, id, voice: Box::new(voice) })
}

impl Voice for Tgi {
    fn tongue(&self) -> Tongue {
        Tongue::Tgi
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// One event for each token, however many arrive together: this API knows no other chunk.
    fn tokens(&mut self, span: Span) -> Bytes {
        let mut events = String::new();
        for index in span.from..span.to {
            let last = span.ends && index + 1 == span.to;
            let whole = last.then(|| text(self.salt, 0, 0, span.to));
            let details = last.then(|| self.details(span.to));
            let event = json!({"index": index + 1, "token": self.token(index), "generated_text": whole,
                "details": details});
            events.extend(["data:", &event.to_string(), "\n\n"]);
        }
        events.into()
    }

    fn breaking(&mut self) -> Bytes {
        let error =
            json!({"error": "Request failed during generation: Server error", "error_type": "generation"});
        format!("data:{error}\n\n").into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let tokens = ended.first().map_or(0, |ended| ended.tokens);
        let mut whole = json!({"generated_text": text(self.salt, 0, 0, tokens)});
        if self.details {
            let list: Vec<Value> = (0..tokens).map(|index| self.token(index)).collect();
            let mut details = self.details(tokens);
            details["prefill"] = json!([]);
            details["tokens"] = json!(list);
            whole["details"] = details;
        }
        whole.to_string().into()
    }
}

impl Tgi {
    fn token(&self, index: u32) -> Value {
        json!({"id": word_id(self.salt, index), "text": text(self.salt, 0, index, index + 1), "logprob": -1.0,
            "special": false})
    }

    fn details(&self, tokens: u32) -> Value {
        json!({"finish_reason": "length", "generated_tokens": tokens, "seed": self.seed})
    }
}
