//! Ollama's own API: one JSON object per line, and on the last line how long each part took.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::openai::MAX_TOKENS_DEFAULT;
use crate::base::Nanos;
use crate::simulator::http::clock::rfc3339;
use crate::simulator::http::declined::{Declined, Tongue};
use crate::simulator::http::prompt::{Prompt, word_id};
use crate::simulator::http::voice::{Asked, Ended, Span, Voice, Wanted, bounded, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Generate,
    Chat,
}

struct Ollama {
    way: Way,
    model: String,
    salt: u64,
    /// The ids of the prompt's tokens, with which `context` begins.
    prompt_ids: Vec<u32>,
    unix_seconds: u64,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    model: String,
    #[serde(default)]
    prompt: String,
    system: Option<String>,
    images: Option<Vec<String>>,
    messages: Option<Vec<Message>>,
    stream: Option<bool>,
    think: Option<bool>,
    options: Option<Options>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: String,
    images: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Options {
    num_predict: Option<i64>,
    num_ctx: Option<u32>,
}

pub(in crate::simulator::http) fn generate(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read(Way::Generate, asked)
}

pub(in crate::simulator::http) fn chat(asked: &Asked<'_>) -> Result<Wanted, Declined> {
    read(Way::Chat, asked)
}

fn read(way: Way, asked: &Asked<'_>) -> Result<Wanted, Declined> {
    let request: Request =
        serde_json::from_slice(asked.body).map_err(|error| Declined::invalid(error.to_string()))?;
    let Request { model, prompt, system, images, messages, stream, think, options } = request;
    if model.is_empty() {
        return Err(Declined::invalid("model is required"));
    }
    // A name without a tag means the latest.
    if !asked.spec.serves(model.strip_suffix(":latest").unwrap_or(&model)) && !asked.spec.serves(&model) {
        return Err(Declined::unknown_model(format!("model '{model}' not found")));
    }
    let mut read = Prompt::default();
    match way {
        Way::Generate => {
            if let Some(text) = &system {
                read.read(text);
            }
            read.read(&prompt);
            images.iter().flatten().for_each(|image| read.image(image));
        }
        Way::Chat => {
            for Message { content, images } in messages.iter().flatten() {
                read.read(content);
                images.iter().flatten().for_each(|image| read.image(image));
            }
        }
    }
    if read.tokens == 0 {
        return Err(Declined::invalid("the simulated model is always loaded: send a prompt"));
    }
    let num_ctx = options.as_ref().and_then(|options| options.num_ctx).unwrap_or(u32::MAX);
    // -1 and -2 ask for as much as the context holds.
    let num_predict = options.and_then(|options| options.num_predict).filter(|count| *count > 0);
    let prompts = vec![read];
    let room = asked.room(&prompts).min(num_ctx.saturating_sub(prompts[0].tokens as u32));
    // Past the end of the context an answer simply stops.
    let max_tokens = bounded(num_predict.map(|count| count.min(i64::from(room))), MAX_TOKENS_DEFAULT, room)?;
    let number = asked.number();
    let reasoning = if think == Some(false) { 0 } else { asked.spec.reasoning.min(max_tokens) };
    let voice = Ollama {
        way,
        model,
        salt: number,
        prompt_ids: prompts[0].ids.clone(),
        unix_seconds: asked.unix_seconds,
    };
    Ok(Wanted {
        prompts,
        choices: 1,
        max_tokens,
        reasoning,
        stream: stream.unwrap_or(true),
        id: format!("ollama-{number:016x}"),
        voice: Box::new(voice),
    })
}

impl Voice for Ollama {
    fn tongue(&self) -> Tongue {
        Tongue::Ollama
    }

    fn content_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    /// The status comes with the first line.
    fn holds_headers(&self) -> bool {
        true
    }

    fn tokens(&mut self, span: Span) -> Bytes {
        let words = text(self.salt, span.choice, span.from, span.to);
        line(&if span.reasoning { self.said("", Some(&words)) } else { self.said(&words, None) })
    }

    fn closing(&mut self, ended: &[Ended]) -> Option<Bytes> {
        let mut last = self.said("", None);
        self.tell_end(&mut last, ended);
        Some(line(&last))
    }

    fn breaking(&mut self) -> Bytes {
        line(&json!({"error": "an error was encountered while running the model: the runner has terminated"}))
    }

    fn whole(&mut self, ended: &[Ended]) -> Bytes {
        let Ended { tokens, reasoning, .. } = ended.first().copied().unwrap_or_default();
        let thought = text(self.salt, 0, 0, reasoning);
        let words = text(self.salt, 0, reasoning, tokens);
        let mut whole = self.said(&words, (reasoning > 0).then_some(&thought));
        self.tell_end(&mut whole, ended);
        whole.to_string().into()
    }
}

impl Ollama {
    fn said(&self, words: &str, thought: Option<&str>) -> Value {
        let mut line = json!({"model": self.model, "created_at": rfc3339(self.unix_seconds), "done": false});
        let place = match self.way {
            Way::Generate => {
                line["response"] = json!(words);
                &mut line
            }
            Way::Chat => {
                line["message"] = json!({"role": "assistant", "content": words});
                &mut line["message"]
            }
        };
        if let Some(thought) = thought {
            place["thinking"] = json!(thought);
        }
        line
    }

    /// Counts and spans; what is zero is left out. The prompt's count includes what the cache held.
    fn tell_end(&self, line: &mut Value, ended: &[Ended]) {
        let Ended { prompt, tokens, received, began, first, last, .. } =
            ended.first().copied().unwrap_or_default();
        let span = |from: Nanos, to: Nanos| to.0.saturating_sub(from.0);
        line["done"] = json!(true);
        line["done_reason"] = json!("length");
        line["total_duration"] = json!(span(received, last));
        // The model stays loaded: what is left of loading is the wait for a place.
        let spans = [
            ("load_duration", span(received, began)),
            ("prompt_eval_count", u64::from(prompt)),
            ("prompt_eval_duration", span(began, first)),
            ("eval_count", u64::from(tokens)),
            ("eval_duration", span(first, last)),
        ];
        for (name, value) in spans.into_iter().filter(|(_, value)| *value > 0) {
            line[name] = json!(value);
        }
        if self.way == Way::Generate {
            let answer = (0..tokens).map(|index| word_id(self.salt, index));
            line["context"] = self.prompt_ids.iter().copied().chain(answer).collect();
        }
    }
}

fn line(value: &Value) -> Bytes {
    format!("{value}\n").into()
}
