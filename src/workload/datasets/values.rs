//! Single values of a row, as people and exporters write them.

use serde_json::{Map, Value};

use super::Problem;
use crate::base::{Nanos, parse_duration};
use crate::record::{Cancel, Metric, MetricKey, Slo};
use crate::workload::{TOKENS_MAX, cancel_after};

/// The first of these keys that has a value.
pub(super) fn first<'a>(row: &'a Map<String, Value>, keys: &[&'a str]) -> Option<(&'a str, &'a Value)> {
    keys.iter().find_map(|key| Some((*key, row.get(*key)?))).filter(|(_, value)| !is_nothing(value))
}

/// Null, and the empty cell of a table.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A number of tokens; tables hold theirs as text, and data frames with gaps hold `128.0`.
pub(super) fn tokens(key: &str, value: &Value) -> Result<u32, Problem> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number
        .filter(|number| number.fract() == 0.0 && (1.0..=f64::from(TOKENS_MAX)).contains(number))
        .map(|number| number as u32)
        .ok_or_else(|| Problem::tokens(key, value))
}

/// Milliseconds, or a text with its unit.
pub(super) fn span(key: &str, value: &Value) -> Result<Nanos, Problem> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    parse_duration(&text, "ms")
        .map_err(|_| Problem::bad(key, value, "a time: write milliseconds, or for example \"2s\""))
}

pub(super) fn name(key: &str, value: &Value) -> Result<String, Problem> {
    match value {
        Value::String(text) if !text.chars().any(char::is_control) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Problem::bad(key, value, "a word")),
    }
}

/// An object; tables hold theirs as JSON text.
pub(super) fn object(key: &str, value: &Value) -> Result<Map<String, Value>, Problem> {
    match structure(value) {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(Problem::bad(key, value, "a JSON object")),
    }
}

pub(super) fn list(key: &str, value: &Value) -> Result<Vec<Value>, Problem> {
    match structure(value) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(Problem::bad(key, value, "a JSON array")),
    }
}

fn structure(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => serde_json::from_str(text).ok(),
        other => Some(other.clone()),
    }
}

pub(super) fn cancel(key: &str, value: &Value) -> Result<Cancel, Problem> {
    value
        .as_str()
        .and_then(cancel_after)
        .ok_or_else(|| Problem::bad(key, value, "\"32tokens\" or a time such as \"500ms\""))
}

/// `{"ttft": 500, "e2e": "2s"}`, bare numbers in milliseconds.
pub(super) fn slos(key: &str, value: &Value) -> Result<Vec<Slo>, Problem> {
    let known = "a limit per request; known are ttft, ttfo, tpot, max_stall and e2e";
    object(key, value)?
        .iter()
        .map(|(name, limit)| {
            // Only distributions take a statistic, so asking for a mean finds them by every name they have.
            let metric = format!("{name}_mean").parse().ok().map(|MetricKey { metric, .. }| metric);
            let metric = metric
                .filter(|metric| {
                    use Metric::{E2e, E2eFromDue, MaxStall, Tpot, Ttfo, Ttft, TtftFromDue};
                    matches!(metric, Ttft | TtftFromDue | Ttfo | Tpot | MaxStall | E2e | E2eFromDue)
                })
                .ok_or_else(|| Problem::bad(key, name, known))?;
            Ok(Slo { metric, limit: span(&format!("{key}.{name}"), limit)? })
        })
        .collect()
}

/// Fields of one body. What has a key of its own in a row, or decides how the answer is read, has no second way in.
pub(super) fn body(key: &str, value: &Value) -> Result<String, Problem> {
    let fields = object(key, value)?;
    for own in ["model", "messages", "prompt", "max_tokens", "stream", "stream_options"] {
        if fields.contains_key(own) {
            let wanted = "a field that a row may set there: the prompt, its length and \"model\" stand beside it, and --stream holds for all";
            return Err(Problem::bad(key, &own, wanted));
        }
    }
    Ok(Value::Object(fields).to_string())
}
