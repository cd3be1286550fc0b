//! Prompts from a JSONL file: one object per line, in the shapes that people have at hand.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::TokenCounter;

/// One usable line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonlPrompt {
    pub text: String,
    /// By the tokenizer; none under the word rule, which is no measure of real text.
    pub tokens: Option<u32>,
    /// Output length that the line asks for.
    pub output_tokens: Option<u32>,
}

/// The prompts of a file, in its order; cheap to clone. Invariant: not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonlPrompts(Arc<[JsonlPrompt]>);

/// A file that is no dataset. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatasetError {
    #[error("the dataset has no lines; write one JSON object per line, for example {{\"prompt\": \"…\"}}")]
    Empty,
    #[error("line {line} is not a JSON object: {reason}")]
    NotJson { line: usize, reason: String },
    #[error("line {line} has no prompt: give \"prompt\", \"text_input\", or \"messages\" with a user's text")]
    NoPrompt { line: usize },
    #[error("line {line} has \"{key}\": {value}, which is not a number of tokens from 1 to {}", u32::MAX)]
    BadLength { line: usize, key: &'static str, value: String },
}

const LENGTH_KEYS: [&str; 3] = ["output_tokens", "output_len", "max_tokens"];

impl JsonlPrompts {
    /// Reads the file's text; blank lines are skipped.
    pub fn parse(text: &str, counter: &TokenCounter) -> Result<Self, DatasetError> {
        let prompts = (1..)
            .zip(text.lines())
            .filter(|(_, content)| !content.trim().is_empty())
            .map(|(line, content)| read_line(line, content, counter))
            .collect::<Result<Vec<_>, _>>()?;
        if prompts.is_empty() {
            return Err(DatasetError::Empty);
        }
        Ok(Self(prompts.into()))
    }

    pub fn prompts(&self) -> &[JsonlPrompt] {
        &self.0
    }

    /// Whether `count` requests, warm-up included, would send a prompt twice: the cache is then mixed, not cold.
    pub fn repeats(&self, count: u64) -> bool {
        count > self.0.len() as u64
    }
}

fn read_line(line: usize, content: &str, counter: &TokenCounter) -> Result<JsonlPrompt, DatasetError> {
    let object: Map<String, Value> = serde_json::from_str(content)
        .map_err(|cause| DatasetError::NotJson { line, reason: cause.to_string() })?;
    let text = ["prompt", "text_input"]
        .into_iter()
        .find_map(|key| object.get(key)?.as_str().map(str::to_owned))
        .or_else(|| last_user_text(&object))
        .filter(|text| !text.trim().is_empty())
        .ok_or(DatasetError::NoPrompt { line })?;
    let tokens = match counter {
        TokenCounter::Words => None,
        TokenCounter::Tiktoken { .. } | TokenCounter::HuggingFace { .. } => Some(counter.count(&text)),
    };
    Ok(JsonlPrompt { tokens, output_tokens: output_length(line, &object)?, text })
}

/// The last user message: a string, or the text parts of a list.
fn last_user_text(object: &Map<String, Value>) -> Option<String> {
    let messages = object.get("messages")?.as_array()?;
    let last =
        messages.iter().rev().find(|message| message.get("role").and_then(Value::as_str) == Some("user"))?;
    match last.get("content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            Some(texts.collect::<Vec<_>>().join("\n"))
        }
        _ => None,
    }
}

fn output_length(line: usize, object: &Map<String, Value>) -> Result<Option<u32>, DatasetError> {
    let given = LENGTH_KEYS
        .into_iter()
        .find_map(|key| Some((key, object.get(key)?)))
        .filter(|(_, value)| !value.is_null());
    let Some((key, value)) = given else {
        return Ok(None);
    };
    value
        .as_u64()
        .and_then(|count| u32::try_from(count).ok())
        .filter(|count| *count > 0)
        .map(Some)
        .ok_or_else(|| DatasetError::BadLength { line, key, value: value.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<JsonlPrompts, DatasetError> {
        JsonlPrompts::parse(text, &TokenCounter::Words)
    }

    #[test]
    fn the_shapes_that_people_have_are_read() {
        let file = r#"{"prompt": "one", "output_tokens": 7}

            {"text_input": "two", "max_tokens": 8}
            {"messages":[{"role":"user","content":"old"},{"role":"assistant","content":"no"},{"role":"user","content":"three"}]}
            {"messages":[{"role":"user","content":[{"type":"text","text":"four"},{"type":"image_url"}]}],"output_len":null}"#;
        let prompts = parse(file).unwrap();
        let seen: Vec<_> =
            prompts.prompts().iter().map(|prompt| (prompt.text.as_str(), prompt.output_tokens)).collect();
        assert_eq!(seen, [("one", Some(7)), ("two", Some(8)), ("three", None), ("four", None)]);
        assert!(!prompts.repeats(4));
        assert!(prompts.repeats(5));
    }

    #[test]
    fn a_tokenizer_counts_the_prompts_and_the_word_rule_does_not() {
        let line = r#"{"prompt": "antidisestablishmentarianism"}"#;
        let counter = TokenCounter::resolve(Some("cl100k_base"), |_| Err(String::new())).unwrap();
        let tokens = |counter| JsonlPrompts::parse(line, counter).unwrap().prompts()[0].tokens;
        assert_eq!(tokens(&counter), Some(6));
        assert_eq!(tokens(&TokenCounter::Words), None);
    }

    #[test]
    fn errors_name_the_line() {
        let error = |text| parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(error("\n"), @r#"the dataset has no lines; write one JSON object per line, for example {"prompt": "…"}"#);
        insta::assert_snapshot!(error("{\"prompt\":\"a\"}\n\n[1]"), @"line 3 is not a JSON object: invalid type: sequence, expected a map at line 1 column 0");
        insta::assert_snapshot!(error(r#"{"messages":[{"role":"system","content":"x"}]}"#), @r#"line 1 has no prompt: give "prompt", "text_input", or "messages" with a user's text"#);
        insta::assert_snapshot!(error(r#"{"prompt":"a","max_tokens":0}"#), @r#"line 1 has "max_tokens": 0, which is not a number of tokens from 1 to 4294967295"#);
    }
}
