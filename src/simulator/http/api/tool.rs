//! A function call, token by token: the first token opens its arguments, the last closes them.

use serde_json::{Value, json};

use crate::simulator::http::voice::{Ended, Span, text};

/// The delta of a span; `begins` says whether it is the first of the call, which carries the name.
pub(super) fn delta(id: &str, name: &str, salt: u64, span: &Span, begins: bool) -> Value {
    let Span { choice, from, to, ends, .. } = *span;
    let arguments = arguments(salt, choice, Part { from, to, begins, ends });
    if begins {
        json!({"id": format!("call_{id}_{choice}"), "type": "function", "index": 0,
            "function": {"name": name, "arguments": arguments}})
    } else {
        json!({"index": 0, "function": {"arguments": arguments}})
    }
}

/// The whole call.
pub(super) fn whole(id: &str, name: &str, salt: u64, choice: u32, ended: &Ended) -> Value {
    let part = Part { from: ended.reasoning, to: ended.tokens, begins: true, ends: true };
    json!({"id": format!("call_{id}_{choice}"), "type": "function",
        "function": {"name": name, "arguments": arguments(salt, choice, part)}})
}

/// Tokens `from..to` of a call's arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub from: u32,
    pub to: u32,
    /// Whether the first of them opens the arguments.
    pub begins: bool,
    /// Whether the last of them closes the arguments.
    pub ends: bool,
}

/// Together, the parts of a call are a JSON object of as many tokens.
pub(super) fn arguments(salt: u64, choice: u32, part: Part) -> String {
    let Part { from, to, begins, ends } = part;
    if begins && ends && to - from < 2 {
        return "{}".to_owned();
    }
    let words = text(salt, choice, from + u32::from(begins), to - u32::from(ends));
    format!("{}{words}{}", if begins { "{\"text\": \"" } else { "" }, if ends { "\"}" } else { "" })
}
