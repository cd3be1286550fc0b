//! The parts of a response that we read, as they lie in its bytes. Whatever else a server sends is skipped.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::template::Plain;
use crate::protocol::codec::Tokens;
use crate::protocol::text::{Literal, Text};
use crate::protocol::usage::{Timings, WireUsage};

/// One event of a stream, or the whole response of a request without one.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) choices: Option<Few<Choice<'a>>>,
    pub(super) usage: Option<WireUsage>,
    /// llama-server.
    pub(super) timings: Option<Box<Timings>>,
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    index: Option<u32>,
    /// Chat, streamed.
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    /// Chat, whole. Boxed, as other rare things are, because a chunk is moved several times while it is read.
    message: Option<Box<Delta<'a>>>,
    /// Completions.
    text: Option<Literal<'a>>,
    finish_reason: Option<Literal<'a>>,
    /// vLLM's `return_token_ids`. The ids themselves are skipped: a list of nothings takes no memory.
    token_ids: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Literal<'a>>,
    refusal: Option<Literal<'a>>,
    /// vLLM and Ollama.
    reasoning: Option<Literal<'a>>,
    /// `SGLang`, `DeepSeek`, llama-server. Some servers send both names with the same text.
    reasoning_content: Option<Literal<'a>>,
    /// What Ollama calls it, in servers that hand its answers on.
    thinking: Option<Literal<'a>>,
    tool_calls: Option<Vec<ToolCall<'a>>>,
    function_call: Option<Box<Function<'a>>>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Literal<'a>>,
    arguments: Option<Literal<'a>>,
}

/// The generated text of one choice, hidden part first.
#[derive(Default)]
pub(super) struct Said<'a> {
    /// Without the empty ones.
    literals: Few<Literal<'a>>,
    /// Whether any of it is visible.
    visible: bool,
}

impl<'a> Chunk<'a> {
    /// The chunk as nothing but text for one choice, where it is that.
    pub(super) fn plain(&self) -> Option<Plain<'a>> {
        let choices = self.choices.as_ref().filter(|choices| choices.len() == 1)?;
        let choice = choices.first.as_ref()?;
        let Said { literals, visible } = choice.said();
        let text = literals.first.filter(|_| literals.rest.is_empty())?;
        let more = choice.finish().is_some()
            || choice.ids().is_some()
            || self.error.is_some()
            || self.timings.is_some()
            || self.usage.as_ref().is_some_and(|usage| usage.counts().is_some());
        (!more).then_some(Plain { index: choice.index(), visible, text })
    }
}

impl<'a> Choice<'a> {
    pub(super) fn said(&self) -> Said<'a> {
        let mut said = Said::default();
        let delta = self.delta.as_ref().or(self.message.as_deref());
        if let Some(Delta {
            content,
            refusal,
            reasoning,
            reasoning_content,
            thinking,
            tool_calls,
            function_call,
        }) = delta
        {
            let names = [*reasoning, *reasoning_content, *thinking];
            said.add(names.into_iter().flatten().find(|text| !text.is_empty()));
            let calls = tool_calls.iter().flatten().filter_map(|call| call.function.as_ref());
            for Function { name, arguments } in calls.chain(function_call.as_deref()) {
                said.add(*name);
                said.add(*arguments);
            }
            said.visible = said.add(*content) | said.add(*refusal);
        }
        said.visible |= said.add(self.text);
        said
    }

    /// Whether it brings text or token ids.
    pub(super) fn speaks(&self) -> bool {
        self.ids().is_some() || !self.said().is_empty()
    }

    pub(super) fn index(&self) -> u32 {
        self.index.unwrap_or(0)
    }

    /// The finish reason, where there is one.
    pub(super) fn finish(&self) -> Option<Cow<'a, str>> {
        self.finish_reason.filter(|reason| !reason.is_empty()).map(Literal::text)
    }

    /// How many token ids came, if any.
    pub(super) fn ids(&self) -> Option<u32> {
        let ids = self.token_ids.as_ref().map_or(0, Vec::len);
        u32::try_from(ids).ok().filter(|&count| count > 0)
    }
}

impl<'a> Said<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.literals.first.is_none()
    }

    pub(super) fn tokens(&self, count: Option<u32>) -> Tokens<'_> {
        let Self { literals, visible } = self;
        let text = literals.first.map_or_else(Text::default, |first| Text::new(first, &literals.rest));
        Tokens { text, visible: *visible, count }
    }

    /// Adds a literal; false when there is nothing in it.
    fn add(&mut self, literal: Option<Literal<'a>>) -> bool {
        let literal = literal.filter(|literal| !literal.is_empty());
        if let Some(literal) = literal {
            self.literals.push(literal);
        }
        literal.is_some()
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

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.rest)
    }

    fn push(&mut self, next: T) {
        if self.first.is_none() {
            self.first = Some(next);
        } else {
            self.rest.push(next);
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, rest: Vec::new() }
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
                let mut few = Few::default();
                while let Some(next) = list.next_element()? {
                    few.push(next);
                }
                Ok(few)
            }
        }

        deserializer.deserialize_seq(Each(PhantomData))
    }
}
