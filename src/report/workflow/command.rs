//! The runner's grammar: `::name key=value::message` on stdout, `name=value` in the file of outputs.

use crate::report::text::clip;

/// The runner cuts messages at 4,096.
const MESSAGE_MAX: usize = 4_000;

/// One line for the runner, without its end: `::error file=gate.yml,line=7::message`. The message is cut at 4,000
/// characters; properties without a text are left out.
pub fn command(name: &'static str, properties: &[(&'static str, &str)], message: &str) -> String {
    let said = properties.iter().filter(|(_, text)| !text.is_empty());
    let said: Vec<String> = said.map(|(key, text)| format!("{key}={}", property(text))).collect();
    let space = if said.is_empty() { "" } else { " " };
    format!("::{name}{space}{}::{}", said.join(","), data(&clip(message, MESSAGE_MAX)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Lines for the file that `GITHUB_OUTPUT` names. Texts of several lines stand between two `delimiter`s, lengthened where
/// a text holds it; whoever chooses the texts must not be able to guess it.
pub fn outputs(values: &[(&'static str, &str)], delimiter: &str) -> String {
    let mut delimiter = delimiter.to_owned();
    while values.iter().any(|(_, text)| text.contains(&delimiter)) {
        delimiter.push('_');
    }
    let line = |&(name, text): &(&str, &str)| {
        if text.contains(['\n', '\r']) {
            format!("{name}<<{delimiter}\n{text}\n{delimiter}\n")
        } else {
            format!("{name}={text}\n")
        }
    };
    values.iter().map(line).collect()
}

/// Text for a log that a runner reads: no line of it is a command. A bar stands in front of those that would be one.
pub fn inert(text: &str) -> String {
    let lines = text.split_inclusive(['\n', '\r']).map(|line| {
        let begins = line.trim_start_matches(|c: char| !c.is_ascii_graphic()).starts_with("::");
        format!("{}{}", if begins { "| " } else { "" }, harmless(line))
    });
    lines.collect()
}

/// The runner finds the older form, `##[error]`, anywhere in a line, and overlooks characters without width while it searches.
fn harmless(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        // A slash, too: addresses of pages have one there.
        let is_word = |next: &char| next.is_ascii_alphanumeric() || matches!(next, ' ' | '\n' | '/');
        if c == '#' && !chars.peek().is_none_or(is_word) {
            out.push(' ');
        }
    }
    out
}
