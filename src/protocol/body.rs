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
pub(super) fn finished(body: Map<String, Value>, extra: &Map<String, Value>, ask: &Ask) -> Vec<u8> {
    Value::Object(merged(body, None, extra, ask)).to_string().into_bytes()
}

/// The same where an API keeps its parameters in an object of its own: the user's keys in `inner` replace ours one by one.
pub(super) fn finished_within(
    body: Map<String, Value>,
    inner: &str,
    extra: &Map<String, Value>,
    ask: &Ask,
) -> Vec<u8> {
    Value::Object(merged(body, Some(inner), extra, ask)).to_string().into_bytes()
}

/// The fields of a body with the user's merged over them.
pub(super) fn merged(
    mut body: Map<String, Value>,
    inner: Option<&str>,
    extra: &Map<String, Value>,
    ask: &Ask,
) -> Map<String, Value> {
    merge(&mut body, inner, extra);
    if let Some(Value::Object(own)) =
        ask.extra_body.as_deref().and_then(|text| serde_json::from_str(text).ok())
    {
        merge(&mut body, inner, &own);
    }
    body
}

/// The user's keys replace ours whole, but for those in `inner`; null removes a key.
fn merge(body: &mut Map<String, Value>, inner: Option<&str>, extra: &Map<String, Value>) {
    for (key, value) in extra {
        match (value, body.get_mut(key)) {
            (Value::Null, _) => {
                body.remove(key);
            }
            (Value::Object(more), Some(Value::Object(ours))) if inner == Some(key.as_str()) => {
                merge(ours, None, more);
            }
            _ => {
                body.insert(key.clone(), value.clone());
            }
        }
    }
}
