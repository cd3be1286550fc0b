//! The last word on a request's body, which is the user's in every API.

use serde_json::{Map, Value};

use super::CallOptions;
use crate::record::Ask;

/// A body that names the model and nothing else yet.
pub(super) fn started(ask: &Ask, options: &CallOptions) -> Map<String, Value> {
    let model = ask.model.as_deref().unwrap_or(&options.model);
    Map::from_iter([("model".to_owned(), Value::from(model))])
}

/// The bytes of a body, with the fields of the run and then those of this request merged over it.
pub(super) fn finished(mut body: Map<String, Value>, extra: &Map<String, Value>, ask: &Ask) -> Vec<u8> {
    merge(&mut body, extra);
    if let Some(Value::Object(own)) =
        ask.extra_body.as_deref().and_then(|text| serde_json::from_str(text).ok())
    {
        merge(&mut body, &own);
    }
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
