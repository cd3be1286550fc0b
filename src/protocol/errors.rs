//! The words of a server that says no, in every shape in which servers say it.

use serde_json::Value;

use crate::record::{Failure, FailureClass};

/// A response with a status other than 2xx: its class by the status, its words by the body.
pub(super) fn refusal(status: u16, body: &[u8]) -> Failure {
    let class = match status {
        429 => FailureClass::Http429,
        400..=499 => FailureClass::Http4xx,
        _ => FailureClass::Http5xx,
    };
    let detail = document(body).unwrap_or_else(|| plain(body));
    Failure::new(class, detail).with_status(status)
}

/// An error inside a body that came with a status of success.
pub(super) fn in_stream(data: &[u8]) -> Failure {
    let words = document(data).unwrap_or_else(|| plain(data));
    Failure::new(FailureClass::InStreamError, words)
}

/// A finish reason by which the server says that it gave up (vLLM, `SGLang`).
pub(super) fn finish_reason(reason: &str) -> Option<Failure> {
    let words = || format!("the server gave up: finish reason '{reason}'");
    matches!(reason, "error" | "abort").then(|| Failure::new(FailureClass::InStreamError, words()))
}

/// The message of an error document in bytes; none when they are anything else.
pub(super) fn document(bytes: &[u8]) -> Option<String> {
    message(&serde_json::from_slice(bytes).ok()?)
}

/// The message of an error document; none when the value is not one.
///
/// Known shapes: `{"error": {"message": …}}` (`OpenAI` and most), `{"error": "…"}` (vLLM's 401, Ollama),
/// `{"object": "error", "message": …}` (`SGLang`, `LMDeploy`), `{"detail": "…"}` and `{"detail": [{"loc", "msg"}]}` (`FastAPI`).
pub(super) fn message(value: &Value) -> Option<String> {
    match (value.get("error"), value.get("detail"), value.get("message")) {
        (Some(error), _, _) if !error.is_null() => Some(described(error)),
        (_, Some(Value::Array(issues)), _) => Some(issues.iter().map(issue).collect::<Vec<_>>().join("; ")),
        (_, Some(detail), _) if !detail.is_null() => Some(described(detail)),
        (_, _, Some(Value::String(text))) => Some(text.clone()),
        _ => None,
    }
}

/// The text of a body that is not an error document: itself, without the tags if it is HTML, on one line.
pub(super) fn plain(body: &[u8]) -> String {
    // Four times the words that are kept leave room for tags, and bound the work.
    let head = &body[..body.len().min(4 * Failure::DETAIL_MAX)];
    let text = String::from_utf8_lossy(head);
    let text = text.trim();
    let words =
        if text.starts_with('<') { titled(text).unwrap_or_else(|| untagged(text)) } else { text.to_owned() };
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "empty body".to_owned() } else { line }
}

/// A string, or the message inside an object, or the JSON itself.
fn described(error: &Value) -> String {
    let inner = match error {
        Value::Object(fields) => ["message", "error", "msg", "type"]
            .iter()
            .find_map(|key| fields.get(*key).and_then(Value::as_str)),
        other => other.as_str(),
    };
    inner.map_or_else(|| error.to_string(), str::to_owned)
}

/// `body.messages: Input should be a valid list`.
fn issue(issue: &Value) -> String {
    let place = issue.get("loc").and_then(Value::as_array).map(|path| {
        let steps = path.iter().map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned));
        steps.collect::<Vec<_>>().join(".")
    });
    match place {
        Some(place) if !place.is_empty() => format!("{place}: {}", described(issue)),
        _ => described(issue),
    }
}

fn titled(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<title>")? + "<title>".len();
    let end = start + lower[start..].find("</title>")?;
    Some(html[start..end].to_owned()).filter(|title| !title.trim().is_empty())
}

fn untagged(html: &str) -> String {
    let pieces = html.split('<').map(|piece| piece.split_once('>').map_or("", |(_, text)| text));
    pieces.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_becomes_one_line() {
        for (status, body, words) in [
            (400, r#"{"error":{"message":"no such model","code":null}}"#, "http_4xx (400): no such model"),
            (401, r#"{"error":"Unauthorized"}"#, "http_4xx (401): Unauthorized"),
            (429, r#"{"object":"error","message":"slow\ndown","code":429}"#, "http_429 (429): slow down"),
            (404, r#"{"detail":"Not Found"}"#, "http_4xx (404): Not Found"),
            (
                422,
                r#"{"detail":[{"loc":["body",9],"msg":"JSON decode error"},{"msg":"and more"}]}"#,
                "http_4xx (422): body.9: JSON decode error; and more",
            ),
            (500, "Internal Server Error", "http_5xx (500): Internal Server Error"),
            (
                502,
                "<html>\n<head><TITLE>502 Bad Gateway</TITLE></head><body><h1>502</h1></body></html>",
                "http_5xx (502): 502 Bad Gateway",
            ),
            (503, "<p>be <b>back</b>\n soon</p>", "http_5xx (503): be back soon"),
            (503, " \n", "http_5xx (503): empty body"),
            (500, r#"{"error":{"code":7}}"#, r#"http_5xx (500): {"code":7}"#),
            (500, r#"{"error":{"message":"cut sho"#, r#"http_5xx (500): {"error":{"message":"cut sho"#),
            (302, "", "http_5xx (302): empty body"),
        ] {
            assert_eq!(refusal(status, body.as_bytes()).to_string(), words);
        }
    }
}
