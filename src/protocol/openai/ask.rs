//! How a request is worded.

use serde_json::{Map, Value, json};

use crate::protocol::{Api, CallOptions};
use crate::record::{Ask, Prompt};

/// The JSON body. Keys are in one fixed order, so that equal asks give equal bytes.
pub(super) fn body(api: Api, ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { model, stream, temperature, ignore_eos, extra_body } = options;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(ask.model.as_deref().unwrap_or(model)));
    match api {
        Api::Chat => body.insert("messages".to_owned(), messages(&ask.prompt)),
        Api::Completions => body.insert("prompt".to_owned(), json!(ask.prompt.text())),
    };
    if let Some(tokens) = ask.output_tokens {
        // Every server reads `max_tokens`; `max_completion_tokens` is unknown to some, and can be given as an extra key.
        body.insert("max_tokens".to_owned(), json!(tokens));
    }
    body.insert("stream".to_owned(), json!(stream));
    if *stream {
        // vLLM refuses `stream_options` without a stream.
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    if *ignore_eos {
        body.insert("ignore_eos".to_owned(), json!(true));
        if let Some(tokens) = ask.output_tokens {
            body.insert("min_tokens".to_owned(), json!(tokens));
        }
    }
    merge(&mut body, extra_body);
    if let Some(Value::Object(own)) =
        ask.extra_body.as_deref().and_then(|text| serde_json::from_str(text).ok())
    {
        merge(&mut body, &own);
    }
    Value::Object(body).to_string().into_bytes()
}

fn messages(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text(text) => json!([{"role": "user", "content": text}]),
        Prompt::Messages(messages) => {
            messages.iter().map(|message| json!({"role": message.role, "content": message.content})).collect()
        }
    }
}

/// The user's keys replace ours whole; null removes a key.
fn merge(body: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (key, value) in extra {
        if value.is_null() {
            body.remove(key);
        } else {
            body.insert(key.clone(), value.clone());
        }
    }
}
