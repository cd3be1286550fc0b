//! Texts that fit: cut to a limit, made one line, percent-encoded.

/// At most this many characters, the last of them an ellipsis where something was cut.
pub(super) fn clip(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// At most this many bytes, the last three of them an ellipsis where something was cut.
pub(super) fn clip_bytes(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

/// Somebody else's words as one short line without control characters.
pub(super) fn line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    clip(&words.collect::<Vec<_>>().join(" "), 200)
}

/// One segment of a path or one value of a query: slashes are encoded too, as GitHub's description of its API wants it.
pub(super) fn encoded(text: &str) -> String {
    let mut segment = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            segment.push('%');
            segment.extend(
                [byte >> 4, byte & 15].map(|half| char::from(b"0123456789ABCDEF"[usize::from(half)])),
            );
        }
    }
    segment
}

/// What an error's innermost cause says.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_ends_in_an_ellipsis() {
        assert_eq!(clip("größer", 6), "größer");
        assert_eq!(clip("größer!", 6), "größe…");
        assert_eq!(clip_bytes("größer", 8), "größer");
        assert_eq!(clip_bytes("größer", 7), "grö…");
        assert_eq!(line("a\r\n::error::b\u{1b}[31m\t c"), "a ::error::b [31m c");
        assert_eq!(encoded("heads/llm-loadtest/a b~é"), "heads%2Fllm-loadtest%2Fa%20b~%C3%A9");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits_and_begins_as_it_did(text in "\\PC{0,40}", limit in 3_usize..30) {
            prop_assert!(clip(&text, limit).chars().count() <= limit);
            let cut = clip_bytes(&text, limit);
            prop_assert!(cut.len() <= limit);
            prop_assert!(text.starts_with(cut.trim_end_matches('…')) || text.contains('…'));
        }

        #[test]
        fn an_encoded_segment_holds_only_letters_that_need_no_encoding(text in "\\PC{0,20}") {
            let segment = encoded(&text);
            prop_assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
        }
    }
}
