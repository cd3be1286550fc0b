//! The parts of an event, or of a whole response, that we read, as they lie in its bytes.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::value::RawValue;

use crate::protocol::text::Literal;
use crate::protocol::usage::{Timings, WireUsage};

/// One event of a stream.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type", default)]
    pub(super) kind: Option<Literal<'a>>,
    /// The text of a `….delta`; some deltas are no text.
    #[serde(borrow, default, deserialize_with = "text_or_none")]
    pub(super) delta: Option<Literal<'a>>,
    #[serde(borrow, default)]
    pub(super) item: Option<Item<'a>>,
    #[serde(borrow, default)]
    pub(super) response: Option<Response<'a>>,
    /// llama-server.
    pub(super) timings: Option<Timings>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
}

/// A response as it stands, or as it ended.
#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow, default)]
    pub(super) status: Option<Literal<'a>>,
    #[serde(borrow, default)]
    pub(super) output: Option<Vec<Item<'a>>>,
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow, default)]
    pub(super) incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    pub(super) timings: Option<Timings>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow, default)]
    pub(super) reason: Option<Literal<'a>>,
}

/// A message, reasoning, or the call of a tool.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Literal<'a>>,
    #[serde(borrow, default)]
    content: Option<Vec<Part<'a>>>,
    #[serde(borrow, default)]
    summary: Option<Vec<Part<'a>>>,
    #[serde(borrow, default, deserialize_with = "text_or_none")]
    name: Option<Literal<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_none")]
    arguments: Option<Literal<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, deserialize_with = "text_or_none")]
    text: Option<Literal<'a>>,
    #[serde(borrow, default, deserialize_with = "text_or_none")]
    refusal: Option<Literal<'a>>,
}

impl<'a> Item<'a> {
    /// The name of the tool that is called.
    pub(super) fn called(&self) -> Option<Literal<'a>> {
        let calls = self.kind.is_some_and(|kind| kind.inside().ends_with("_call"));
        self.name.filter(|name| calls && !name.is_empty())
    }

    /// All of its text, and whether a reader sees it.
    pub(super) fn texts(&self) -> (Vec<Literal<'a>>, bool) {
        let visible = self.kind.is_some_and(|kind| kind.inside() == "message");
        let parts = self.summary.iter().chain(&self.content).flatten();
        let texts = parts.flat_map(|part| [part.text, part.refusal]);
        let texts = texts.chain([self.called(), self.arguments]).flatten();
        (texts.filter(|text| !text.is_empty()).collect(), visible)
    }
}

/// A string, or none for a value that is no string.
fn text_or_none<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Literal<'a>>, D::Error> {
    let raw = <&'de RawValue>::deserialize(deserializer)?;
    if raw.get().starts_with('"') {
        serde_json::from_str(raw.get()).map(Some).map_err(D::Error::custom)
    } else {
        Ok(None)
    }
}
