//! llama-server's own `/completion`: each event is one token, the last one sums up.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::llama_server::timings;
use super::openai::MAX_TOKENS_DEFAULT;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::{Prompt, word_id};
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, event, text};

#[derive(Deserialize)]
struct Request {
    prompt: Option<String>,
    n_predict: Option<i64>,
    stream: Option<bool>,
}

struct Completion {
    salt: u64,
    prompt_tokens: u32,
}

pub(in crate::simulator::http) fn completion(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let Request { prompt: words, n_predict, stream } =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let mut prompt = Prompt::default();
    prompt.read(&words.ok_or_else(|| Declined::invalid("\"prompt\" is missing"))?);
    let prompts = vec![prompt];
    let max_tokens = bounded(n_predict, MAX_TOKENS_DEFAULT, asked.room(&prompts))?;
    let number = asked.number();
    let voice = Completion { salt: number, prompt_tokens: prompts[0].tokens as u32 };
    let (id, stream) = (format!("{number}"), stream.unwrap_or(false));
    Ok(Wanted { prompts, choices: 1, max_tokens, reasoning: 0, stream, id, voice: Box::new(voice) })
}

impl Voice for Completion {
    fn tongue(&self) -> Tongue {
        Tongue::LlamaServer
    }

    fn content_type(&self) -> &'static str {
        "text/event-stream"
    }

    /// The status comes only with the first result.
    fn holds_headers(&self) -> bool {
        true
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let Span { from, to, .. } = span;
        let ids: Vec<u32> = (from..to).map(|index| word_id(self.salt, index)).collect();
        event(&json!({"index": 0, "content": text(self.salt, 0, from, to), "tokens": ids, "stop": false,
            "id_slot": -1, "tokens_predicted": to, "tokens_evaluated": self.prompt_tokens}))
    }

    fn ended(&mut self, _choice: u32, ended: &Ended) -> Option<Bytes> {
        Some(event(&self.last("", ended)))
    }

    fn closing(&mut self, _ended: &[Ended]) -> Option<Bytes> {
        None
    }

    fn breaking(&mut self) -> Bytes {
        format!("data: {}\n\n", Declined::broken().told(Tongue::LlamaServer)).into()
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let ended = ended.first().copied().unwrap_or_default();
        self.last(&text(self.salt, 0, 0, ended.tokens), &ended).to_string().into()
    }
}

impl Completion {
    fn last(&self, content: &str, ended: &Ended) -> Value {
        json!({"index": 0, "content": content, "tokens": [], "id_slot": 0, "stop": true, "model": "sim",
            "tokens_predicted": ended.tokens, "tokens_evaluated": self.prompt_tokens, "truncated": false,
            "stop_type": "limit", "stopping_word": "", "tokens_cached": self.prompt_tokens + ended.tokens,
            "timings": timings(ended)})
    }
}
