//! The parts of an event, or of a whole message, that we read, as they lie in its bytes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::text::Literal;
use crate::protocol::usage::WireUsage;

/// One event of a stream.
#[derive(Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Literal<'a>>,
    pub(super) message: Option<Message<'a>>,
    pub(super) content_block: Option<Block<'a>>,
    pub(super) delta: Option<Delta<'a>>,
    pub(super) usage: Option<WireUsage>,
}

/// A message as it begins, or whole.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Vec<Block<'a>>>,
    pub(super) stop_reason: Option<Literal<'a>>,
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<&'a RawValue>,
}

/// Text, thinking or the call of a tool.
#[derive(Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Literal<'a>>,
    text: Option<Literal<'a>>,
    thinking: Option<Literal<'a>>,
    name: Option<Literal<'a>>,
}

/// What an event adds to a block, or to the message.
#[derive(Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    text: Option<Literal<'a>>,
    thinking: Option<Literal<'a>>,
    /// The arguments of a tool's call.
    partial_json: Option<Literal<'a>>,
    pub(super) stop_reason: Option<Literal<'a>>,
}

impl<'a> Block<'a> {
    /// What was generated, and whether a reader sees it. The results of tools were not.
    pub(super) fn said(&self) -> Option<(Literal<'a>, bool)> {
        let name = match self.kind.map(Literal::inside) {
            Some("text" | "thinking") | None => None,
            Some("tool_use" | "server_tool_use") => self.name,
            Some(_) => return None,
        };
        said(self.text, [self.thinking, name])
    }
}

impl<'a> Delta<'a> {
    /// As of a block. A signature and a citation are no tokens.
    pub(super) fn said(&self) -> Option<(Literal<'a>, bool)> {
        said(self.text, [self.thinking, self.partial_json])
    }
}

fn said<'a>(visible: Option<Literal<'a>>, hidden: [Option<Literal<'a>>; 2]) -> Option<(Literal<'a>, bool)> {
    let full = |text: &Literal<'a>| !text.is_empty();
    let seen = visible.filter(full).map(|text| (text, true));
    seen.or_else(|| hidden.into_iter().flatten().find(full).map(|text| (text, false)))
}
