//! Generated text as it stands in JSON: checked when it is read, unescaped only for those who want it.

use std::borrow::Cow;
use std::iter;

use serde::de::{Deserialize, Deserializer, Error, Unexpected};
use serde_json::value::RawValue;

/// The generated text of a chunk: one literal of its JSON, rarely several.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text<'a> {
    first: Literal<'a>,
    rest: &'a [Literal<'a>],
}

impl<'a> Text<'a> {
    pub(super) fn new(first: Literal<'a>, rest: &'a [Literal<'a>]) -> Self {
        Self { first, rest }
    }

    /// Some tokens have no text of their own: part of a character, a special token.
    pub fn is_empty(self) -> bool {
        self.first.is_empty() && self.rest.iter().all(|literal| literal.is_empty())
    }

    /// Appends the text itself, without JSON's escapes.
    pub fn push_to(self, text: &mut String) {
        for literal in iter::once(&self.first).chain(self.rest) {
            literal.push_to(text);
        }
    }
}

/// A JSON string without its quotes, as it was written.
///
/// Invariant: between quotes it is a JSON string that holds text, so no lone half of a surrogate pair either.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// The literal that `inside` would be between quotes, if it would be one.
    pub(super) fn read(inside: &'a [u8]) -> Option<Self> {
        Self::check(std::str::from_utf8(inside).ok()?)
    }

    fn check(inside: &'a str) -> Option<Self> {
        unescape(inside, |_| ())?;
        Some(Self(inside))
    }

    /// The literal of a text; `scratch` keeps it where something in the text has to be escaped.
    pub(super) fn of(text: &'a str, scratch: &'a mut String) -> Self {
        if text.bytes().any(|byte| byte == b'\\' || byte == b'"' || byte < b' ') {
            *scratch = serde_json::Value::from(text).to_string();
            Self(scratch.get(1..scratch.len() - 1).unwrap_or_default())
        } else {
            Self(text)
        }
    }

    /// What follows the part that this literal begins with in common with `before`, the inside of an earlier one.
    pub(super) fn after(self, before: &str) -> Self {
        if let Some(rest) = self.0.strip_prefix(before) {
            return Self(rest);
        }
        let mut at = 0;
        while let Some(length) = unit_length(&self.0[at..])
            && before.as_bytes().get(at..at + length) == Some(&self.0.as_bytes()[at..at + length])
        {
            at += length;
        }
        Self(&self.0[at..])
    }

    pub(super) fn inside(self) -> &'a str {
        self.0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The text itself, borrowed where nothing in it is escaped.
    pub(super) fn text(self) -> Cow<'a, str> {
        if self.0.contains('\\') {
            let mut text = String::with_capacity(self.0.len());
            self.push_to(&mut text);
            Cow::Owned(text)
        } else {
            Cow::Borrowed(self.0)
        }
    }

    fn push_to(self, text: &mut String) {
        // By the invariant there is nothing to refuse.
        let _checked: Option<()> = unescape(self.0, |piece| text.push_str(piece));
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Literal<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let inside = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inside
            .and_then(Self::check)
            .ok_or_else(|| D::Error::invalid_type(Unexpected::Other(raw), &"a string of whole characters"))
    }
}

/// Hands the text of a literal to `sink`, piece by piece; none where `inside` is not the inside of a literal (RFC 8259,
/// section 7).
fn unescape(inside: &str, mut sink: impl FnMut(&str)) -> Option<()> {
    let mut rest = inside;
    while let Some(at) = rest.bytes().position(|byte| byte == b'\\' || byte == b'"' || byte < b' ') {
        sink(&rest[..at]);
        let (character, length) = escape(&rest.as_bytes()[at..])?;
        sink(character.encode_utf8(&mut [0; 4]));
        rest = &rest[at + length..];
    }
    sink(rest);
    Some(())
}

/// Bytes of the first character of a literal's inside, as it is written there.
fn unit_length(inside: &str) -> Option<usize> {
    let first = inside.chars().next()?;
    Some(escape(inside.as_bytes()).map_or(first.len_utf8(), |(_, length)| length))
}

/// The character of the escape at the start of `bytes`, and how many bytes it takes; none where there is none.
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let [b'\\', kind, digits @ ..] = bytes else { return None };
    let character = match kind {
        b'"' | b'\\' | b'/' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            // The second half of a surrogate pair is an escape of its own.
            let second = digits.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(unit);
            let units = iter::once(unit(digits)?).chain(second);
            let character = char::decode_utf16(units).next()?.ok()?;
            return Some((character, 6 * character.len_utf16()));
        }
        _ => return None,
    };
    Some((character, 2))
}

/// Four hexadecimal digits: a UTF-16 unit.
fn unit(digits: &[u8]) -> Option<u16> {
    let mut digits = digits.get(..4)?.iter().map(|&digit| char::from(digit).to_digit(16));
    digits.try_fold(0, |unit, digit| Some(unit << 4 | digit? as u16))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// `serde_json` is the independent reader.
        #[test]
        fn a_literal_is_read_as_a_json_parser_reads_it(
            parts in prop::collection::vec(prop_oneof![
                prop::sample::select(vec![
                    "a", "é", "😀", "\"", "\\", "\\\"", "\\n", "\\/", "\\b", "\\x", "\\u", "\\u00e9", "\\u+0e9", "\\ud83d", "\\ude00",
                    "\\uD83D\\uDE00", "u0041", "\n", "\u{0}", "\u{7f}", "\u{1f}", " ",
                ]).prop_map(|part| part.as_bytes().to_vec()),
                prop::collection::vec(any::<u8>(), 0..3),
            ], 0..8),
        ) {
            let inside = parts.concat();
            let quoted = [b"\"", &inside[..], b"\""].concat();
            let parsed = serde_json::from_slice::<String>(&quoted).ok();
            let literal = Literal::read(&inside);
            prop_assert_eq!(literal.map(|literal| literal.text().into_owned()), parsed.clone());
            prop_assert_eq!(serde_json::from_slice::<Literal<'_>>(&quoted).ok(), literal);
            if let (Some(literal), Some(parsed)) = (literal, parsed) {
                let mut text = ">".to_owned();
                Text::new(literal, &[literal, Literal("")]).push_to(&mut text);
                prop_assert_eq!(text, format!(">{parsed}{parsed}"));
                prop_assert_eq!(Text::new(Literal(""), &[literal]).is_empty(), parsed.is_empty());
                let mut scratch = String::new();
                prop_assert_eq!(Literal::of(&parsed, &mut scratch).text().into_owned(), parsed.clone());
            }
        }
    }

    #[test]
    fn what_follows_a_common_beginning_is_a_literal_again() {
        for (before, now, rest) in [
            ("", "ab", "ab"),
            ("a", "ab", "b"),
            ("ab", "ab", ""),
            (r"a\n", r"a\nb", "b"),
            // A character that was not complete yet is written anew.
            ("a\u{fffd}", "a\u{e9}b", "\u{e9}b"),
            (r"\u00e8", r"\u00e9x", r"\u00e9x"),
            (r"\ud83d\ude00", r"\ud83d\ude01", r"\ud83d\ude01"),
            ("abc", "ab", ""),
        ] {
            let literal = Literal::read(now.as_bytes()).unwrap();
            assert_eq!(literal.after(before).inside(), rest, "{before} {now}");
            assert!(Literal::read(rest.as_bytes()).is_some());
        }
    }
}
