//! How a request is worded.

use serde_json::{Map, Value, json};

use crate::protocol::{Api, CallOptions};
use crate::record::Ask;

/// The JSON body. Keys are in one fixed order, so that equal asks give equal bytes.
pub(super) fn body(api: Api, ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { model, stream, temperature, ignore_eos, extra_body } = options;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    match api {
        Api::Chat => body.insert("messages".to_owned(), json!([{"role": "user", "content": ask.prompt}])),
        Api::Completions => body.insert("prompt".to_owned(), json!(ask.prompt)),
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
    Value::Object(body).to_string().into_bytes()
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
