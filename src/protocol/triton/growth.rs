//! Outputs that may be accumulated: some models answer with each token, some with all of the text so far.

use crate::protocol::text::{Literal, Text};

/// What is known of how the texts of one stream follow each other.
#[derive(Debug, Default)]
pub(super) struct Growth {
    kind: Kind,
    /// The inside of the latest literal, while it may be the beginning of the next.
    latest: String,
    /// What was left out of the second text because it began with the first.
    withheld: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No text yet.
    #[default]
    Unknown,
    /// One text so far.
    First,
    /// The second began with the first, and went on: as accumulated texts do, and as ` ` and ` the` do by chance.
    Likely,
    /// So did the third.
    Accumulated,
    /// Each text is new.
    Pieces,
}

impl Growth {
    /// What of the next text is new: one or two literals, the first for order's sake what was withheld by mistake.
    pub(super) fn add<'a>(&'a mut self, text: Literal<'a>) -> [Literal<'a>; 2] {
        let grows = text.inside().len() > self.latest.len() && text.inside().starts_with(&self.latest);
        let (kind, fresh) = match self.kind {
            Kind::Unknown => (Kind::First, text),
            Kind::First if grows => {
                self.withheld.clone_from(&self.latest);
                (Kind::Likely, text.after(&self.latest))
            }
            Kind::Likely if grows => (Kind::Accumulated, text.after(&self.latest)),
            // The end of an accumulated text may change: a character that was not complete yet.
            Kind::Accumulated => (Kind::Accumulated, text.after(&self.latest)),
            Kind::First | Kind::Likely | Kind::Pieces => (Kind::Pieces, text),
        };
        let was_wrong = self.kind == Kind::Likely && kind == Kind::Pieces;
        self.kind = kind;
        self.latest.clear();
        if kind != Kind::Pieces {
            self.latest.push_str(text.inside());
        }
        let withheld = if was_wrong { self.withheld.as_bytes() } else { b"" };
        [Literal::read(withheld).unwrap_or_default(), fresh]
    }

    /// Ready for another stream.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The text of literals that are not both empty; none where they are.
pub(super) fn text<'a>(literals: &'a [Literal<'a>; 2]) -> Option<Text<'a>> {
    match literals {
        [first, second] if first.is_empty() => (!second.is_empty()).then(|| Text::new(*second, &[])),
        [first, second] => Some(Text::new(*first, std::slice::from_ref(second))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is new of each text.
    fn news(texts: &[&str]) -> Vec<String> {
        let mut growth = Growth::default();
        let fresh = texts.iter().map(|next| {
            let literals = growth.add(Literal::read(next.as_bytes()).unwrap());
            let mut words = String::new();
            if let Some(text) = text(&literals) {
                text.push_to(&mut words);
            }
            words
        });
        fresh.collect()
    }

    #[test]
    fn accumulated_texts_are_told_from_pieces() {
        assert_eq!(news(&["a", "ab", "abc", "abcd"]), ["a", "b", "c", "d"]);
        assert_eq!(news(&["a", "b", "c"]), ["a", "b", "c"]);
        assert_eq!(news(&["the", " quick", " the"]), ["the", " quick", " the"]);
        // A repeated token is a token.
        assert_eq!(news(&["ha", "ha", "ha"]), ["ha", "ha", "ha"]);
        // What looked accumulated was not: nothing is lost, and nothing is looked for any more.
        assert_eq!(news(&[" ", " the", " cat", " cats"]), [" ", "the", "  cat", " cats"]);
        // A last character that was not complete, and a text that adds nothing.
        assert_eq!(news(&["a", "ab", "ab\u{fffd}", "abé", "abé"]), ["a", "b", "\u{fffd}", "é", ""]);
    }
}
