//! Where a setting came from, and the error that says so.

use std::fmt;

use super::setting::Shape;
use super::{file::is_name, settings};
use crate::base::Hint;

/// The exact place at which a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Long name without dashes.
    Flag(String),
    /// Name of an action's input.
    Input(String),
    /// Name of an environment variable.
    Environment(String),
    /// A line (from 1) of a file, and the key as the file spells it.
    File {
        path: String,
        line: usize,
        key: String,
    },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Input(name) => write!(f, "input {name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File { path, line, .. } => write!(f, "{path}:{line}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One value of one setting. `Debug` stars what may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// A key of the settings table.
    pub key: &'static str,
    pub text: String,
    pub origin: Origin,
}

impl Entry {
    pub fn new(key: &'static str, text: impl Into<String>, origin: Origin) -> Self {
        Self { key, text: text.into(), origin }
    }

    /// The text as people may see it: keys become stars, headers keep their names, control characters are escaped.
    pub fn shown(&self) -> String {
        match settings::find(self.key) {
            Some(setting) if setting.secret => "***".to_owned(),
            _ if self.key == "header" => match self.text.split_once([':', '=']) {
                Some((name, _)) => format!("{}: ***", printable(name.trim())),
                None => "***".to_owned(),
            },
            // A variable's value may be a key; without a value its name is passed on.
            _ if matches!(self.key, "server-env" | "baseline-server-env") => {
                match self.text.split_once(['=', ':']) {
                    Some((name, _)) => format!("{}=***", printable(name.trim())),
                    None => printable(&self.text),
                }
            }
            // What is no variable's name here is often the key itself.
            _ if self.key == "api-key-env" && !is_name(&self.text) => "***".to_owned(),
            // A password in a URL is refused, and must not be repeated by the refusal.
            _ if matches!(self.key, "server" | "baseline-server") => {
                match (self.text.find("://"), self.text.rfind('@')) {
                    (Some(scheme), Some(at)) if scheme < at => {
                        let (head, tail) = (self.text.get(..scheme + 3), self.text.get(at..));
                        printable(&format!("{}***{}", head.unwrap_or_default(), tail.unwrap_or_default()))
                    }
                    _ => printable(&self.text),
                }
            }
            _ => printable(&self.text),
        }
    }

    /// The error about this value: place, value, problem; then the next step.
    pub(super) fn wrong(&self, wrong: Wrong) -> ConfigError {
        let value = self.shown();
        let is_switch = settings::find(self.key).is_some_and(|setting| setting.shape == Shape::Switch);
        let place = match &self.origin {
            // Who sets a switch writes no value.
            Origin::Flag(name) if is_switch && self.text == "true" => format!("--{name}"),
            Origin::Flag(name) => format!("--{name} {value}"),
            Origin::Input(name) => format!("input {name} '{value}'"),
            Origin::Environment(name) => format!("{name}={value}"),
            Origin::File { path, line, key } => format!("{path}:{line}: {key}: {value}"),
            Origin::Default => format!("default {} {value}", self.key),
        };
        let error = ConfigError::new(format!("{place}: {}", wrong.problem), wrong.hint);
        ConfigError { key: Some(self.key), ..error }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.key, self.shown(), self.origin)
    }
}

/// What a typed parser says about a text, before anyone knows where the text stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) problem: String,
    pub(super) hint: String,
}

pub(super) fn wrong(problem: impl Into<String>, hint: impl Into<String>) -> Wrong {
    Wrong { problem: problem.into(), hint: hint.into() }
}

/// Settings that cannot become a plan. Usage errors: exit code 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    hint: Hint,
    key: Option<&'static str>,
}

impl ConfigError {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: one_line(&message.into(), MESSAGE_MAX),
            hint: Hint::new(one_line(&hint.into(), MESSAGE_MAX)),
            key: None,
        }
    }

    /// The setting whose value is wrong, where it is one alone.
    pub fn key(&self) -> Option<&'static str> {
        self.key
    }

    /// What is wrong, with its place and value; one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead.
    pub fn hint(&self) -> &Hint {
        &self.hint
    }
}

/// Longest piece of foreign text in a message, and longest message.
const SHOWN_MAX: usize = 120;
const MESSAGE_MAX: usize = 1_000;

/// Foreign text on one line, without control characters and not endless.
pub(super) fn printable(text: &str) -> String {
    one_line(text, SHOWN_MAX)
}

fn one_line(text: &str, most: usize) -> String {
    let mut shown: String =
        text.chars().take(most).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// The known name that a mistyped one is nearest to, where one is near.
pub(super) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Jaro and Winkler's similarity favours a common beginning, as typing errors do; 0.8 keeps chance likenesses out.
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(typed, name), name))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
