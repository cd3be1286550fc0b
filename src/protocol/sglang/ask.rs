//! How a request is worded.

use serde_json::{Map, Value, json};

use crate::protocol::body::finished_within;
use crate::protocol::{Api, CallOptions};
use crate::record::Ask;

/// The JSON body. One server serves one model, so none is named.
pub(super) fn body(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { model: _, stream, temperature, ignore_eos, continuous_usage: _, adapter, extra_body } =
        options;
    let fields = adapter.fields_in(Api::SglangGenerate);
    let mut sampling = Map::new();
    if let Some(tokens) = ask.output_tokens {
        sampling.insert("max_new_tokens".to_owned(), json!(tokens));
    }
    if let Some(temperature) = temperature {
        sampling.insert("temperature".to_owned(), json!(temperature));
    }
    if *ignore_eos && fields.ignore_eos {
        sampling.insert("ignore_eos".to_owned(), json!(true));
        if let (Some(tokens), Some(name)) = (ask.output_tokens, fields.min_tokens) {
            sampling.insert(name.to_owned(), json!(tokens));
        }
    }
    let mut body = Map::new();
    body.insert("text".to_owned(), json!(ask.prompt.text()));
    body.insert(SAMPLING.to_owned(), Value::Object(sampling));
    body.insert("stream".to_owned(), json!(stream));
    finished_within(body, SAMPLING, extra_body, ask)
}

const SAMPLING: &str = "sampling_params";
