//! How a request is worded.

use serde_json::{Map, Value, json};

use crate::protocol::body::finished_within;
use crate::protocol::{Api, CallOptions};
use crate::record::{Ask, Message, Prompt};

/// The JSON body. Exact lengths cannot be asked for: there is neither `ignore_eos` nor `min_tokens`.
pub(super) fn body(api: Api, ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions {
        model,
        stream,
        temperature,
        ignore_eos: _,
        continuous_usage: _,
        adapter: _,
        extra_body,
    } = options;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(ask.model.as_deref().unwrap_or(model)));
    match api {
        Api::OllamaGenerate => body.insert("prompt".to_owned(), json!(ask.prompt.text())),
        _ => body.insert("messages".to_owned(), messages(&ask.prompt)),
    };
    // Left out, it would be true.
    body.insert("stream".to_owned(), json!(stream));
    let mut own = Map::new();
    if let Some(tokens) = ask.output_tokens {
        own.insert("num_predict".to_owned(), json!(tokens));
    }
    if let Some(temperature) = temperature {
        own.insert("temperature".to_owned(), json!(temperature));
    }
    body.insert(OPTIONS.to_owned(), Value::Object(own));
    finished_within(body, OPTIONS, extra_body, ask)
}

const OPTIONS: &str = "options";

fn messages(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text(text) => json!([{"role": "user", "content": text}]),
        Prompt::Messages(messages) => messages.iter().map(message).collect(),
    }
}

/// Content is one text here; images stand beside it, as base64 without the head of their data URL.
fn message(message: &Message) -> Value {
    let Message { role, content } = message;
    let Some(parts) = content.as_array() else { return json!({"role": role, "content": content}) };
    let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
    let images: Vec<&str> = parts.iter().filter_map(image).collect();
    let mut worded = json!({"role": role, "content": texts.join("\n")});
    if !images.is_empty() {
        worded["images"] = json!(images);
    }
    worded
}

/// A URL that is no data URL is passed on as it is, for the server to refuse in its own words.
fn image(part: &Value) -> Option<&str> {
    let image = part.get("image_url")?;
    let url = image.as_str().or_else(|| image.get("url")?.as_str())?;
    Some(url.strip_prefix("data:").and_then(|data| Some(data.split_once(',')?.1)).unwrap_or(url))
}
