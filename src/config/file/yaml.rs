//! Bounded YAML: a tree whose every key and value knows its line.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::{Map, Number, Value};

use super::SourceFile;
use crate::config::error::{ConfigError, printable};

/// A value with its line, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// In the file's order; no key twice.
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) line: usize,
    pub(super) text: String,
}

/// A configuration is a page of text; a file beyond this is another file, given by mistake.
const BYTES_MAX: usize = 256 * 1024;
/// The deepest path of a real file is five (`workloads`, item, `extra_body` and two below).
const DEPTH_MAX: usize = 16;

/// Reads the only document of a file; none when it is empty.
pub(super) fn read(file: &SourceFile) -> Result<Option<Node>, ConfigError> {
    if file.text.len() > BYTES_MAX {
        return Err(ConfigError::new(
            format!("{}: {} bytes are too many for a configuration", file.path, file.text.len()),
            format!("keep it below {} KiB", BYTES_MAX / 1024),
        ));
    }
    // The parser ends at a NUL as if the file had ended there.
    if let Some(line) = file.text.lines().position(|line| line.contains('\0')) {
        return Err(at(file, line + 1, "a NUL byte", "save the file as UTF-8 text"));
    }
    let mut reader = Reader { file, parser: Parser::new_from_str(&file.text) };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(root),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if root.is_none() => {
                let (event, span) = reader.next()?;
                root = Some(reader.node(event, span, 0)?);
            }
            _ => {
                let hint = "keep one document per file: delete the '---' and what follows, or make it a file of its own";
                return Err(at(file, span.start.line(), "a second YAML document", hint));
            }
        }
    }
}

/// An error at a line of a file.
pub(super) fn at(
    file: &SourceFile,
    line: usize,
    problem: impl AsRef<str>,
    hint: impl Into<String>,
) -> ConfigError {
    ConfigError::new(format!("{}:{line}: {}", file.path, problem.as_ref()), hint)
}

struct Reader<'a> {
    file: &'a SourceFile,
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), ConfigError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.broken(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, ConfigError> {
        let line = span.start.line();
        if depth > DEPTH_MAX {
            let problem = format!("nested more than {DEPTH_MAX} levels deep");
            return Err(at(
                self.file,
                line,
                problem,
                "flatten it; `llm-loadtest init` writes a file to start from",
            ));
        }
        let kind = match event {
            Event::Scalar(text, style, ..) => {
                Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            // An alias can make a page of text a tree of billions of nodes, and every setting fits on one line anyway.
            Event::Alias(_) => {
                return Err(at(self.file, line, "aliases (*name) are not read here", "write the value out"));
            }
            _ => {
                return Err(at(self.file, line, "a value is missing", "write one, or delete the key"));
            }
        };
        Ok(Node { line, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Kind, ConfigError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, ConfigError> {
        let mut pairs: Vec<(Key, Node)> = Vec::new();
        let mut lines = std::collections::BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let text = match event {
                Event::MappingEnd => return Ok(Kind::Map(pairs)),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(at(self.file, line, "a key must be a word", "write 'name: value'")),
            };
            if let Some(first) = lines.insert(text.clone(), line) {
                let problem = format!("'{}' is given twice, first in line {first}", printable(&text));
                return Err(at(self.file, line, problem, "keep one of them"));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            pairs.push((Key { line, text }, value));
        }
    }

    fn broken(&self, error: &ScanError) -> ConfigError {
        let line = error.marker().line();
        // The scanner's mark may stand one line off the tab.
        let tab = [line, line.saturating_sub(1), line + 1].into_iter().find(|&number| {
            let text = self.file.text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
            text.trim_start_matches(' ').starts_with('\t')
        });
        match tab {
            Some(line) => at(self.file, line, "a tab cannot indent YAML", "indent with spaces"),
            None => at(
                self.file,
                line,
                format!("not YAML: {}", printable(error.info())),
                "check the indentation and colons there, and quote texts that hold ': ' or start with one of *&!%@[{",
            ),
        }
    }
}

impl Node {
    /// What the value is, for messages.
    pub(super) fn sort(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar { text, plain } if is_null(text, *plain) => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// The text of a single value that is there.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, plain } if !is_null(text, *plain) => Some(text),
            _ => None,
        }
    }

    /// As JSON, by YAML 1.2's core schema.
    pub(super) fn json(&self) -> Value {
        match &self.kind {
            Kind::Scalar { text, plain: false } => Value::String(text.clone()),
            Kind::Scalar { text, .. } if is_null(text, true) => Value::Null,
            Kind::Scalar { text, .. } => plain(text),
            Kind::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Kind::Map(pairs) => Value::Object(
                pairs.iter().map(|(key, value)| (key.text.clone(), value.json())).collect::<Map<_, _>>(),
            ),
        }
    }
}

fn is_null(text: &str, plain: bool) -> bool {
    plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(integer) = text.parse::<i64>() {
        return Value::Number(integer.into());
    }
    // Words such as `inf` and `nan` stay words, because JSON has no such numbers.
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}
