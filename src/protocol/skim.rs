//! The outline of a JSON document: enough to see what it holds, in memory that does not grow with it.
//!
//! An answer of embeddings is megabytes of numbers of which nothing is measured. So the first elements of each list stand
//! for all of them, and the beginning of a long string for the whole. What is left out is not checked, save for its
//! brackets and quotes: a document that is cut short stays one that cannot be read.

/// Writes the outline of what it is fed.
#[derive(Debug, Default)]
pub(super) struct Skim {
    kind: Kind,
    /// Of each open bracket, how many elements may still come; none for an object.
    open: Vec<Option<u8>>,
    /// How many brackets were open where the rest of a list began to be left out; 0 while nothing is.
    leaving: usize,
    quoted: Quoted,
    escape: Escape,
    /// The byte before was white space.
    spaced: bool,
}

/// What kind of body its first byte tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Unknown,
    Json,
    /// Kept as it is, up to the bound.
    Plain,
    /// Nested too deeply: whatever follows is left out, so that it cannot be read.
    TooDeep,
}

/// Where in a string the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Quoted {
    #[default]
    Outside,
    /// Behind so many bytes of it.
    Inside(usize),
    /// In the end of a long one, which is left out.
    Beyond,
}

/// How far an escape in a string has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Escape {
    #[default]
    None,
    Begun,
    /// So many hexadecimal digits are missing.
    Digits(u8),
}

/// Elements of a list that are kept.
const ELEMENTS: u8 = 4;
/// Bytes of a string that are kept, or a few more.
const STRING_MAX: usize = 4 << 10;
/// Bytes of an outline; what would pass them is left out.
const OUTLINE_MAX: usize = 256 << 10;
/// Brackets that may be open at once; a JSON parser's own bound is no higher.
const DEPTH_MAX: usize = 128;

impl Skim {
    /// Appends what `bytes` add to the outline.
    pub(super) fn feed(&mut self, bytes: &[u8], outline: &mut Vec<u8>) {
        for &byte in bytes {
            match self.kind {
                Kind::Json => self.json(byte, outline),
                Kind::Plain => self.keep(byte, outline),
                Kind::TooDeep => return,
                Kind::Unknown if b" \t\r\n\xef\xbb\xbf".contains(&byte) => {}
                Kind::Unknown => {
                    self.kind = if b"{[".contains(&byte) { Kind::Json } else { Kind::Plain };
                    self.json(byte, outline);
                }
            }
        }
    }

    /// Ready for another document; the memory stays.
    pub(super) fn reset(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        open.clear();
        *self = Self { open, ..Self::default() };
    }

    fn json(&mut self, byte: u8, outline: &mut Vec<u8>) {
        if self.quoted != Quoted::Outside {
            return self.inside(byte, outline);
        }
        match byte {
            b'"' => self.quoted = Quoted::Inside(0),
            b'{' | b'[' if self.open.len() == DEPTH_MAX => {
                self.kind = Kind::TooDeep;
                return;
            }
            b'{' => self.open.push(None),
            b'[' => self.open.push(Some(ELEMENTS)),
            b'}' | b']' => {
                self.open.pop();
                if self.open.len() < self.leaving {
                    self.leaving = 0;
                }
            }
            b',' if self.leaving == 0 => {
                if let Some(Some(left)) = self.open.last_mut() {
                    *left -= 1;
                    if *left == 0 {
                        self.leaving = self.open.len();
                    }
                }
            }
            b' ' | b'\t' | b'\r' | b'\n' if self.spaced => return,
            _ => {}
        }
        self.spaced = byte.is_ascii_whitespace();
        self.keep(byte, outline);
    }

    /// A byte of a string. A long one is cut before an ASCII character, where no escape and no other character is torn.
    fn inside(&mut self, byte: u8, outline: &mut Vec<u8>) {
        let escaped = self.escape != Escape::None;
        self.escape = match (self.escape, byte) {
            (Escape::None, b'\\') => Escape::Begun,
            (Escape::Begun, b'u') => Escape::Digits(4),
            (Escape::Digits(left), _) if left > 1 => Escape::Digits(left - 1),
            _ => Escape::None,
        };
        self.quoted = match self.quoted {
            _ if byte == b'"' && !escaped => Quoted::Outside,
            Quoted::Inside(length) if length < STRING_MAX => Quoted::Inside(length + 1),
            Quoted::Inside(length) if escaped || byte == b'\\' || !byte.is_ascii() => Quoted::Inside(length),
            _ => Quoted::Beyond,
        };
        if self.quoted != Quoted::Beyond {
            self.keep(byte, outline);
        }
    }

    fn keep(&self, byte: u8, outline: &mut Vec<u8>) {
        if self.leaving == 0 && outline.len() < OUTLINE_MAX {
            outline.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn outline(pieces: &[&[u8]]) -> String {
        let (mut skim, mut outline) = (Skim::default(), Vec::new());
        for piece in pieces {
            skim.feed(piece, &mut outline);
        }
        assert!(outline.len() <= OUTLINE_MAX && skim.open.capacity() <= 2 * DEPTH_MAX);
        String::from_utf8_lossy(&outline).into_owned()
    }

    #[test]
    fn lists_and_strings_lose_their_ends_and_nothing_else_changes() {
        for (document, expected) in [
            (r#"{"a":[1,2,3,4,5,6],"b":"]"}"#, r#"{"a":[1,2,3,4],"b":"]"}"#),
            (r#"{"a":[1, 2, 3, 4, "],", [5], {"x":"\"]"}], "b": {}}"#, r#"{"a":[1, 2, 3, 4], "b": {}}"#),
            ("  [[1,2,3,4,5],[],[6],[7],[8]]  \n", "[[1,2,3,4],[],[6],[7]] "),
            (r#"{"error":{"message":"no [1,2,3,4,5]"}}"#, r#"{"error":{"message":"no [1,2,3,4,5]"}}"#),
            ("\u{feff}{}", "{}"),
            ("<p>a,  b</p> [1,2,3,4,5,6]", "<p>a,  b</p> [1,2,3,4,5,6]"),
            (r#"{"a":[1,2,3,4,5"#, r#"{"a":[1,2,3,4"#),
            (r#"{"a":[1,2,3,4,5}"#, r#"{"a":[1,2,3,4}"#),
        ] {
            assert_eq!(outline(&[document.as_bytes()]), expected);
        }
        let long = format!(r#"["{}\u00e9{}"]"#, "x".repeat(STRING_MAX - 1), "y".repeat(9_000));
        let cut = outline(&[long.as_bytes()]);
        assert!(cut.len() < STRING_MAX + 20 && cut.ends_with(r#"x\u00e9"]"#), "{}", &cut[cut.len() - 20..]);
    }

    #[test]
    fn nothing_makes_it_grow() {
        let deep = "[".repeat(1_000_000);
        assert_eq!(outline(&[deep.as_bytes()]).len(), DEPTH_MAX);
        let wide = format!("{{{}", r#""k":"\\\\\\\\","#.repeat(100_000));
        assert_eq!(outline(&[wide.as_bytes()]).len(), OUTLINE_MAX);
        let escapes = format!(r#"["{}"]"#, r"\ud83d\ude00".repeat(100_000));
        assert!(outline(&[escapes.as_bytes()]).len() <= OUTLINE_MAX);
        assert_eq!(outline(&[" ".repeat(1_000_000).as_bytes()]), "");
    }

    proptest! {
        #[test]
        fn the_outline_of_json_is_json_and_no_cut_shows(
            parts in prop::collection::vec(prop::sample::select(vec![
                "[", "]", "{", "}", ",", ":", "\"", "\\", "\\\"", "\\u00e9", "u", "é", " ", "1", "null", "\"a\":", "\"b\"",
            ]), 0..40),
            cuts in prop::collection::vec(any::<usize>(), 0..4),
        ) {
            let document = parts.concat();
            let whole = outline(&[document.as_bytes()]);
            prop_assert_eq!(&outline(&crate::protocol::told::cut(document.as_bytes(), &cuts)), &whole);
            if serde_json::from_str::<Value>(&document).is_ok_and(|value| value.is_array() || value.is_object()) {
                prop_assert!(serde_json::from_str::<Value>(&whole).is_ok(), "{} {}", document, whole);
            }
        }
    }
}
