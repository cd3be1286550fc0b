//! `.env` files: `NAME=value` lines, with quotes, `export` and comments.

use std::collections::BTreeMap;

use super::SourceFile;
use crate::config::error::ConfigError;

/// One variable and its line, from 1. No `Debug`, because values are secrets as a rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    pub text: String,
    pub line: usize,
}

/// Reads the text of a `.env` file; the last of equal names wins, as in a shell. Errors never quote the text.
pub fn parse_env_file(file: &SourceFile) -> Result<BTreeMap<String, Variable>, ConfigError> {
    let mut variables = BTreeMap::new();
    for (index, line) in file.text.lines().enumerate() {
        let line_number = index + 1;
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let wrong = |problem: &str, hint: &str| {
            ConfigError::new(format!("{}:{line_number}: {problem}", file.path), hint)
        };
        let assignment = trimmed.strip_prefix("export ").unwrap_or(trimmed);
        let (name, value) = assignment
            .split_once('=')
            .ok_or_else(|| wrong("no '=' in the line", "write NAME=value, or start a comment with #"))?;
        let name = name.trim();
        if !is_name(name) {
            return Err(wrong(
                "the part before '=' is not a variable's name",
                "use letters, digits and _, not starting with a digit",
            ));
        }
        let text = unquote(value.trim()).ok_or_else(|| {
            wrong("the quotes do not close at the line's end", "close them, or remove them")
        })?;
        variables.insert(name.to_owned(), Variable { text, line: line_number });
    }
    Ok(variables)
}

/// Whether a text can name an environment variable.
pub(in crate::config) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Single quotes keep everything; double quotes know `\n`, `\t`, `\"` and `\\`; bare values end at ` #`.
fn unquote(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (text, after) = rest.split_once('\'')?;
        return only_comment(after).then(|| text.to_owned());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
        let bare = value.get(..end).unwrap_or_default();
        return Some(if bare.starts_with('#') { String::new() } else { bare.trim_end().to_owned() });
    };
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return only_comment(chars.as_str()).then_some(text),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}

fn only_comment(after: &str) -> bool {
    let after = after.trim();
    after.is_empty() || after.starts_with('#')
}
