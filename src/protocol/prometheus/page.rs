//! Prometheus' text format, version 0.0.4, and `OpenMetrics` 1.0: lines to series. What is not understood is counted.

use std::borrow::Cow;

/// Bytes of one page. The largest seen, of a proxy with a label for every key and model, has a few.
pub const BODY_MAX: usize = 16 << 20;
/// Series of one page: far beyond any engine's, and some 30 MB.
const SERIES_MAX: usize = 200_000;
/// Labels of one series; Prometheus' own servers are usually set to refuse more than 30.
const LABELS_MAX: usize = 64;

/// The series of one page, in its order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page<'a> {
    pub series: Vec<Series<'a>>,
    /// Lines that are no series of a form known here, or for which there was no room.
    pub skipped: u64,
}

/// Names and values, in their order.
type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// One line of a page: a name, its labels, and a value that may be infinite or no number.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    pub name: &'a str,
    pub labels: Labels<'a>,
    pub value: f64,
}

impl<'a> Page<'a> {
    /// Reads what is readable. Comments (`# HELP`, `# TYPE`, `# EOF`), time stamps and exemplars are passed over.
    pub fn parse(text: &'a str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match series(line) {
                Some(series) if page.series.len() < SERIES_MAX => page.series.push(series),
                _ => page.skipped += 1,
            }
        }
        page
    }

    /// The series of a name.
    pub(super) fn named<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p Series<'a>> {
        self.series.iter().filter(move |series| series.name == name)
    }
}

impl Series<'_> {
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }
}

/// `name{label="value",…} 1.5 1700000000 # {trace_id="x"} 1`, where only name and value must be there.
fn series(line: &str) -> Option<Series<'_>> {
    let end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end).filter(|(name, _)| starts_name(name))?;
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = number(words.next()?)?;
    // A time stamp may follow; after it, or in its place, only an exemplar.
    let stamped = words.next().is_none_or(|word| word == "#" || number(word).is_some());
    stamped.then_some(Series { name, labels, value })
}

/// The labels up to the closing brace, and what follows it.
fn labels(inside: &str) -> Option<(Labels<'_>, &str)> {
    let mut labels = Vec::new();
    let mut rest = inside.trim_start();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim();
        if !starts_name(name) || !name.chars().all(is_name) || labels.len() == LABELS_MAX {
            return None;
        }
        let (value, after) = quoted(after.trim_start().strip_prefix('"')?)?;
        labels.push((name, value));
        let after = after.trim_start();
        // A comma may also stand behind the last label.
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.starts_with('}') => after,
            None => return None,
        };
    }
}

/// A label's value up to its closing quote, with `\\`, `\"` and `\n` resolved, and what follows the quote.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    if let Some((plain, rest)) = text.split_at_checked(end)
        && let Some(rest) = rest.strip_prefix('"')
    {
        return Some((Cow::Borrowed(plain), rest));
    }
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((Cow::Owned(value), text.get(at + 1..)?)),
            '\\' => match letters.next()?.1 {
                'n' => value.push('\n'),
                other @ ('\\' | '"') => value.push(other),
                // What is escaped without need stands as it is, as Prometheus reads it.
                other => value.extend(['\\', other]),
            },
            plain => value.push(plain),
        }
    }
    None
}

/// Go's words for infinities and for what is no number are Rust's, too.
fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.')
}

fn starts_name(name: &str) -> bool {
    name.starts_with(|c: char| is_name(c) && !c.is_ascii_digit())
}
