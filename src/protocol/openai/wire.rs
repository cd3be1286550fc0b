//! The parts of a response that we read. Whatever else a server sends is skipped without being stored.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::record::Usage;

/// One event of a stream, or the whole response of a request without one.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    pub(super) choices: Option<Few<Choice>>,
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
    pub(super) index: Option<u32>,
    /// Chat, streamed.
    delta: Option<Delta>,
    /// Chat, whole.
    message: Option<Delta>,
    /// Completions.
    text: Option<String>,
    pub(super) finish_reason: Option<String>,
    /// vLLM's `return_token_ids`. The ids themselves are skipped: a list of nothings takes no memory.
    pub(super) token_ids: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    /// vLLM and Ollama.
    reasoning: Option<String>,
    /// `SGLang`, `DeepSeek`, llama-server. Some servers send both names with the same text.
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    function_call: Option<Function>,
}

#[derive(Deserialize)]
struct ToolCall {
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

impl Choice {
    /// The generated text, hidden part first, and whether any of it is visible.
    pub(super) fn into_text(self) -> (String, bool) {
        let delta = self.delta.or(self.message).unwrap_or_default();
        let mut hidden =
            delta.reasoning.filter(|text| !text.is_empty()).or(delta.reasoning_content).unwrap_or_default();
        let calls = delta.tool_calls.into_iter().flatten().filter_map(|call| call.function);
        for function in calls.chain(delta.function_call) {
            hidden = join(hidden, function.name);
            hidden = join(hidden, function.arguments);
        }
        let visible = join(join(delta.content.unwrap_or_default(), delta.refusal), self.text);
        let seen = !visible.is_empty();
        (join(hidden, Some(visible)), seen)
    }
}

/// Joins without a copy when either side is empty.
fn join(mut head: String, tail: Option<String>) -> String {
    match tail {
        Some(tail) if head.is_empty() => tail,
        Some(tail) => {
            head.push_str(&tail);
            head
        }
        None => head,
    }
}

impl WireUsage {
    /// The counts; none for the `{0, 0, 0}` that Ollama puts on every chunk until the last.
    pub(super) fn counts(&self) -> Option<Usage> {
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let usage = Usage {
            prompt: self.prompt_tokens.map(narrow),
            output: self.completion_tokens.map(narrow),
            cached: self.prompt_tokens_details.as_ref().and_then(|details| details.cached_tokens).map(narrow),
        };
        let silent = usage.prompt.unwrap_or(0) == 0 && usage.output.unwrap_or(0) == 0;
        (!silent).then_some(usage)
    }
}

/// A list that nearly always has one element, which is then kept without an allocation.
pub(super) struct Few<T> {
    first: Option<T>,
    rest: Vec<T>,
}

impl<T> Few<T> {
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.rest)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Each<T> {
            type Value = Few<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
                let first = list.next_element()?;
                let mut rest = Vec::new();
                while let Some(next) = list.next_element()? {
                    rest.push(next);
                }
                Ok(Few { first, rest })
            }
        }

        deserializer.deserialize_seq(Each(PhantomData))
    }
}
