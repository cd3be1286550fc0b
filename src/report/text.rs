//! Text that others chose (servers, models, users), made harmless for each output.

/// Nothing that moves a cursor, ends a line or hides: control and format characters become spaces.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_format(c) { ' ' } else { c }).collect()
}

/// Bidirectional overrides and isolates, which reorder what a reader sees, and line separators.
fn is_format(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Without the escape sequences that colour terminals.
pub(super) fn unstyled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // A control sequence ends with its first letter.
            while chars.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
            chars.next();
        } else {
            out.push(c);
        }
    }
    out
}

/// Text that GitHub shows as itself: no markup, HTML, table cell, link, mention or issue reference.
pub(super) fn markdown(text: &str) -> String {
    let plain = plain(text);
    let mut out = String::with_capacity(plain.len());
    let mut previous = ' ';
    for c in plain.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // GitHub finds mentions, issue numbers and bare links in the finished text, where a backslash is gone:
            // a zero-width space breaks them.
            '@' | '#' => {
                out.push(c);
                out.push('\u{200b}');
            }
            '/' if previous == ':' => out.push_str("\u{200b}/"),
            '.' if ends_with_www(&out) => out.push_str("\u{200b}."),
            _ => out.push(c),
        }
        previous = c;
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    let mut last = text.bytes().rev();
    (0..3).all(|_| last.next().is_some_and(|byte| byte.eq_ignore_ascii_case(&b'w')))
}

/// A fenced block that its content cannot close.
pub(super) fn fence(language: &str, content: &str) -> String {
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: Vec<String> = content.lines().map(plain).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// At most `max` characters, with a mark where something was cut.
pub(super) fn clip(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_becomes_text() {
        insta::assert_snapshot!(
            markdown("a|b `c` <img src=x onerror=y> @octocat #12 [x](https://evil.example) www.evil.example\n\n# big \u{1b}[31m").replace('\u{200b}', "·"),
            @r"a\|b \`c\` &lt;img src=x onerror=y&gt; @·octocat #·12 \[x\](https:·//evil.example) www·.evil.example  #· big  \[31m"
        );
        insta::assert_snapshot!(fence("sh", "echo ```` \u{7}\nmore"), @"
    `````sh
    echo ````  
    more
    `````
    ");
        assert_eq!(clip("äöü", 2), "äö…");
        assert_eq!(clip("äö", 2), "äö");
    }

    proptest! {
        #[test]
        fn no_text_opens_anything(text in "\\PC*|[@#<>&|`\\[\\]:/w. a-z\\n]*") {
            let out = markdown(&text);
            let special = out.contains(['<', '>', '\n', '\u{1b}']);
            prop_assert!(!special);
            prop_assert!(!out.contains("://") && !out.contains("www."));
            let mut before = ' ';
            for c in out.chars() {
                prop_assert!(!matches!(c, '|' | '`' | '[' | ']') || before == '\\', "{}", out);
                prop_assert!(!(matches!(before, '@' | '#') && c != '\u{200b}'), "{}", out);
                before = c;
            }
        }
    }
}
