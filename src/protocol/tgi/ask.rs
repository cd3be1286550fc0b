//! How a request is worded.

use serde_json::{Map, Value, json};

use crate::protocol::CallOptions;
use crate::protocol::body::finished_within;
use crate::record::Ask;

/// The JSON body. The path says whether it is streamed; one server serves one model; exact lengths cannot be asked for.
pub(super) fn body(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions {
        model: _,
        stream: _,
        temperature,
        ignore_eos: _,
        continuous_usage: _,
        adapter: _,
        extra_body,
    } = options;
    let mut parameters = Map::new();
    if let Some(tokens) = ask.output_tokens {
        parameters.insert("max_new_tokens".to_owned(), json!(tokens));
    }
    // The counts come with the details; `decoder_input_details` would have the prompt's tokens listed, too.
    parameters.insert("details".to_owned(), json!(true));
    if let Some(temperature) = temperature {
        // TGI refuses a temperature that is not positive; without sampling it is greedy.
        let samples = *temperature > 0.0;
        parameters.insert("do_sample".to_owned(), json!(samples));
        if samples {
            parameters.insert("temperature".to_owned(), json!(temperature));
        }
    }
    let mut body = Map::new();
    body.insert("inputs".to_owned(), json!(ask.prompt.text()));
    body.insert(PARAMETERS.to_owned(), Value::Object(parameters));
    finished_within(body, PARAMETERS, extra_body, ask)
}

const PARAMETERS: &str = "parameters";
