//! How a request is worded.

use serde_json::{Value, json};

use crate::protocol::CallOptions;
use crate::protocol::body::{finished, started};
use crate::record::{Ask, Message, Prompt};

/// The JSON body. `ignore_eos` is vLLM's and llama-server's here too; no engine takes a least number of tokens.
pub(super) fn body(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { model: _, stream, temperature, ignore_eos, continuous_usage: _, adapter, extra_body } =
        options;
    let mut body = started(ask, options);
    body.insert("input".to_owned(), input(&ask.prompt));
    if let Some(tokens) = ask.output_tokens {
        body.insert("max_output_tokens".to_owned(), json!(tokens));
    }
    body.insert("stream".to_owned(), json!(stream));
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    if *ignore_eos && adapter.fields().ignore_eos {
        body.insert("ignore_eos".to_owned(), json!(true));
    }
    finished(body, extra_body, ask)
}

fn input(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text(text) => json!(text),
        Prompt::Messages(messages) => messages.iter().map(message).collect(),
    }
}

fn message(message: &Message) -> Value {
    let Message { role, content } = message;
    let content = match content {
        Value::Array(parts) => parts.iter().map(|each| part(each, role)).collect(),
        text => text.clone(),
    };
    json!({"role": role, "content": content})
}

/// A part of a chat message under its name here; any other stays what it is.
fn part(part: &Value, role: &str) -> Value {
    let kind = part.get("type").and_then(Value::as_str);
    match (kind, part.get("text"), part.pointer("/image_url/url")) {
        (Some("text"), Some(text), _) if role == "assistant" => json!({"type": "output_text", "text": text}),
        (Some("text"), Some(text), _) => json!({"type": "input_text", "text": text}),
        (Some("image_url"), _, Some(url)) => json!({"type": "input_image", "image_url": url}),
        _ => part.clone(),
    }
}
