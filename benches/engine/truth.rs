//! What the mock truly did, kept compactly while it runs and asked for afterwards with `GET /truth`.

use std::fmt::Write;

/// One answered request; instants are [`crate::clock::now`]'s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TruthRow {
    /// The client's `x-request-id`.
    pub(crate) id: String,
    /// Its last byte had been read.
    pub(crate) read: u64,
    /// Before the write of the first and of the last token.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Tokens written.
    pub(crate) tokens: u32,
    /// Before and after the write of each token, where the server keeps them.
    pub(crate) writes: Vec<(u64, u64)>,
}

impl TruthRow {
    pub(crate) fn new(id: String, read: u64) -> Self {
        Self { id, read, first: 0, last: 0, tokens: 0, writes: Vec::new() }
    }

    pub(crate) fn wrote(&mut self, tokens: u32, before: u64, after: u64, keep: bool) {
        if self.tokens == 0 {
            self.first = before;
        }
        self.last = before;
        self.tokens += tokens;
        if keep {
            self.writes.push((before, after));
        }
    }
}

/// A line per row.
pub(crate) fn to_text(rows: &[TruthRow]) -> String {
    let mut text = String::new();
    for TruthRow { id, read, first, last, tokens, writes } in rows {
        write!(text, "{id} {read} {first} {last} {tokens}").unwrap();
        for (before, after) in writes {
            write!(text, " {before}:{after}").unwrap();
        }
        text.push('\n');
    }
    text
}

/// Reads [`to_text`] back.
pub(crate) fn from_text(text: &str) -> Vec<TruthRow> {
    text.lines().map(|line| row(line).unwrap_or_else(|| panic!("not a row of the truth: {line}"))).collect()
}

fn row(line: &str) -> Option<TruthRow> {
    let mut words = line.split(' ');
    let id = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    let (read, first, last, tokens) = (number()?, number()?, number()?, number()? as u32);
    let writes = words
        .map(|pair| {
            let (before, after) = pair.split_once(':')?;
            Some((before.parse().ok()?, after.parse().ok()?))
        })
        .collect::<Option<_>>()?;
    Some(TruthRow { id, read, first, last, tokens, writes })
}
