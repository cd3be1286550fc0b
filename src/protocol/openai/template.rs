//! Chunks of one stream differ in one string: what has been parsed once need not be parsed again.
//!
//! JSON is read from left to right, and a string ends at its first bare quote. So when a chunk has been read, and another
//! has the same bytes up to and including the opening quote of that string, the same bytes from its closing quote on, and
//! the inside of a literal in between, then a parser would read the other exactly as it read the first, with another text.

use crate::protocol::text::Literal;

/// What is known of a chunk whose only contribution is one literal of text.
#[derive(Debug, Default)]
struct Template {
    /// Up to and including the opening quote; empty when nothing has been learnt.
    before: Vec<u8>,
    /// From the closing quote on.
    after: Vec<u8>,
    index: u32,
    visible: bool,
}

/// A chunk that brings text to one choice and says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    pub(super) index: u32,
    pub(super) visible: bool,
    pub(super) text: Literal<'a>,
}

/// One template per choice.
#[derive(Debug)]
pub(super) struct Templates {
    known: Vec<Template>,
    /// Choices beyond so many share.
    slots: u32,
}

impl Default for Templates {
    fn default() -> Self {
        // More than are asked for in practice; every chunk that fits none is compared with all.
        Self { known: Vec::new(), slots: 8 }
    }
}

impl Templates {
    /// Bytes of a chunk that is worth learning: longer ones (log-probabilities) differ in more than their text.
    const CHUNK_MAX: usize = 4 << 10;

    /// Templates that never learn.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self { known: Vec::new(), slots: 0 }
    }

    /// Reads a chunk that differs in nothing but its text from one that was learnt.
    pub(super) fn read<'a>(&self, data: &'a [u8]) -> Option<Plain<'a>> {
        self.known.iter().find_map(|template| template.read(data))
    }

    /// Remembers a chunk that a parser has read from `data` as `plain`, whose text lies in `data`.
    pub(super) fn learn(&mut self, data: &[u8], plain: Plain<'_>) {
        let Plain { index, visible, text } = plain;
        let inside = text.inside();
        let start = inside.as_ptr().addr().wrapping_sub(data.as_ptr().addr());
        let (Some(slot), Some((before, rest))) =
            (index.checked_rem(self.slots), data.split_at_checked(start))
        else {
            return;
        };
        // Holds by what the caller promises; without it nothing would follow from a match.
        let Some(after) = rest.strip_prefix(inside.as_bytes()) else { return };
        if data.len() > Self::CHUNK_MAX || !before.ends_with(b"\"") || !after.starts_with(b"\"") {
            return;
        }
        let slot = slot as usize;
        if self.known.len() <= slot {
            self.known.resize_with(slot + 1, Template::default);
        }
        let template = &mut self.known[slot];
        before.clone_into(&mut template.before);
        after.clone_into(&mut template.after);
        (template.index, template.visible) = (index, visible);
    }

    /// Forgets what was learnt; the memory stays.
    pub(super) fn reset(&mut self) {
        for template in &mut self.known {
            template.before.clear();
        }
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.known.iter().map(|template| template.before.capacity() + template.after.capacity()).sum()
    }
}

impl Template {
    fn read<'a>(&self, data: &'a [u8]) -> Option<Plain<'a>> {
        let Self { before, after, index, visible } = self;
        let inside = data.strip_prefix(before.as_slice())?.strip_suffix(after.as_slice())?;
        // Without text a chunk means something else: no token, or one whose count must be known.
        if before.is_empty() || inside.is_empty() {
            return None;
        }
        Some(Plain { index: *index, visible: *visible, text: Literal::read(inside)? })
    }
}
