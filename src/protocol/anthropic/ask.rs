//! How a request is worded.

use serde_json::{Value, json};

use crate::protocol::CallOptions;
use crate::protocol::body::{finished, started};
use crate::record::{Ask, Message, Prompt};

/// The API wants a limit; this one stands where the length is left to the server.
const MAX_TOKENS: u32 = 4_096;

/// The JSON body. The API knows no field for exact lengths.
pub(super) fn body(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let mut body = started(ask, options);
    let messages = match &ask.prompt {
        Prompt::Text(_) => ask.prompt.clone().into_messages(),
        Prompt::Messages(messages) => messages.clone(),
    };
    let (system, messages): (Vec<Message>, Vec<Message>) = messages.into_iter().partition(is_system);
    if !system.is_empty() {
        body.insert("system".to_owned(), json!(Prompt::Messages(system).text()));
    }
    let messages: Value = messages
        .iter()
        .map(|message| json!({"role": message.role, "content": content(&message.content)}))
        .collect();
    body.insert("messages".to_owned(), messages);
    body.insert("max_tokens".to_owned(), json!(ask.output_tokens.unwrap_or(MAX_TOKENS)));
    body.insert("stream".to_owned(), json!(options.stream));
    if let Some(temperature) = options.temperature {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    finished(body, &options.extra_body, ask)
}

fn is_system(message: &Message) -> bool {
    matches!(message.role.as_str(), "system" | "developer")
}

/// A text, or parts, of which images have a form of their own here.
fn content(content: &Value) -> Value {
    let Value::Array(parts) = content else { return content.clone() };
    parts.iter().map(|part| image(part).unwrap_or_else(|| part.clone())).collect()
}

/// An image of a chat message, by its URL or in it.
fn image(part: &Value) -> Option<Value> {
    let url = part.pointer("/image_url/url")?.as_str()?;
    let source = match url.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
        Some((kind, data)) => json!({"type": "base64", "media_type": kind, "data": data}),
        None => json!({"type": "url", "url": url}),
    };
    Some(json!({"type": "image", "source": source}))
}
