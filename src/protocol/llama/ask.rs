//! How a request is worded.

use serde_json::{Map, json};

use crate::protocol::body::finished;
use crate::protocol::{Api, CallOptions};
use crate::record::Ask;

/// The JSON body. One server serves one model, so none is named.
pub(super) fn body(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { model: _, stream, temperature, ignore_eos, continuous_usage: _, adapter, extra_body } =
        options;
    let mut body = Map::new();
    body.insert("prompt".to_owned(), json!(ask.prompt.text()));
    if let Some(tokens) = ask.output_tokens {
        body.insert("n_predict".to_owned(), json!(tokens));
    }
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    if *ignore_eos && adapter.fields_in(Api::LlamaCompletion).ignore_eos {
        body.insert("ignore_eos".to_owned(), json!(true));
    }
    body.insert("stream".to_owned(), json!(stream));
    finished(body, extra_body, ask)
}
