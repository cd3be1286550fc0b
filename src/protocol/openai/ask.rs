//! How a request is worded.

use serde_json::{Value, json};

use crate::protocol::body::{finished, started};
use crate::protocol::{Api, CallOptions};
use crate::record::{Ask, Prompt};

/// The JSON body. Keys are in one fixed order, so that equal asks give equal bytes.
pub(super) fn body(api: Api, ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { model: _, stream, temperature, ignore_eos, continuous_usage, adapter, extra_body } =
        options;
    let fields = adapter.fields();
    let mut body = started(ask, options);
    if api == Api::Chat {
        body.insert("messages".to_owned(), messages(&ask.prompt));
    } else {
        body.insert("prompt".to_owned(), json!(ask.prompt.text()));
    }
    if let Some(tokens) = ask.output_tokens {
        // Nearly every server reads `max_tokens`; `max_completion_tokens` is unknown to some.
        let name = if fields.max_completion_tokens && api == Api::Chat {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        body.insert(name.to_owned(), json!(tokens));
    }
    body.insert("stream".to_owned(), json!(stream));
    if *stream {
        // vLLM refuses `stream_options` without a stream.
        let mut wishes = json!({"include_usage": true});
        if *continuous_usage && fields.continuous_usage {
            wishes["continuous_usage_stats"] = json!(true);
        }
        body.insert("stream_options".to_owned(), wishes);
    }
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    if *ignore_eos && fields.ignore_eos {
        body.insert("ignore_eos".to_owned(), json!(true));
        if let (Some(tokens), Some(name)) = (ask.output_tokens, fields.min_tokens) {
            body.insert(name.to_owned(), json!(tokens));
        }
    }
    finished(body, extra_body, ask)
}

fn messages(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text(text) => json!([{"role": "user", "content": text}]),
        Prompt::Messages(messages) => {
            messages.iter().map(|message| json!({"role": message.role, "content": message.content})).collect()
        }
    }
}
