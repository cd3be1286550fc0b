//! Small values: switches, numbers, shares, durations, names.

use std::path::PathBuf;

use crate::base::{Nanos, parse_duration};
use crate::config::error::{Wrong, wrong};

pub(in crate::config) fn switch(text: &str) -> Result<bool, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(wrong("neither yes nor no", "write true or false")),
    }
}

/// A whole number from `low` to `high`.
pub(in crate::config) fn whole(text: &str, low: u64, high: u64) -> Result<u64, Wrong> {
    match text.trim().parse::<u64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        Ok(_) => Err(wrong("out of range", format!("write a whole number from {low} to {high}"))),
        Err(_) => Err(wrong("not a whole number", format!("write digits only, from {low} to {high}"))),
    }
}

pub(super) fn number(text: &str, low: f64, high: f64) -> Result<f64, Wrong> {
    match text.trim().parse::<f64>() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        Ok(_) => Err(wrong("out of range", format!("write a number from {low} to {high}"))),
        Err(_) => Err(wrong("not a number", format!("write a number from {low} to {high}"))),
    }
}

/// `15%` or `0.15`, from 0 to `high` (a ratio). A bare 1 could mean 1 % or everything, so it is refused.
pub(super) fn share(text: &str, high: f64) -> Result<f64, Wrong> {
    let text = text.trim();
    let read = |digits: &str| match digits.trim_end().parse::<f64>() {
        Ok(number) => Ok(number),
        Err(_) => Err(wrong("not a percentage", "write for example 5%")),
    };
    let ratio = match text.strip_suffix('%') {
        Some(digits) => read(digits)? / 100.0,
        None => match read(text)? {
            number if number >= 1.0 => {
                return Err(wrong(
                    "a number without % must be below 1",
                    format!("write {number}% if you mean percent"),
                ));
            }
            ratio => ratio,
        },
    };
    if (0.0..=high).contains(&ratio) {
        Ok(ratio)
    } else {
        Err(wrong("out of range", format!("write a percentage from 0% to {}%", high * 100.0)))
    }
}

/// A duration above zero.
pub(super) fn span(text: &str, bare: &str) -> Result<Nanos, Wrong> {
    match parse_duration(text, bare) {
        Ok(Nanos::ZERO) => Err(wrong("no time at all", "write a duration above zero, for example 30s")),
        Ok(span) => Ok(span),
        Err(_) => Err(wrong("not a duration", "write for example 500ms, 30s, 2m or 1h")),
    }
}

pub(in crate::config) fn warmup(text: &str) -> Result<Option<u64>, Wrong> {
    if text.trim() == "auto" {
        return Ok(None);
    }
    whole(text, 0, 100_000)
        .map(Some)
        .map_err(|wrong| Wrong { hint: format!("{}, or auto", wrong.hint), ..wrong })
}

/// A word on one line that is not empty.
pub(in crate::config) fn name(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(wrong("empty, or with control characters", "write a word on one line"));
    }
    Ok(text.to_owned())
}

pub(in crate::config) fn path(text: &str) -> Result<PathBuf, Wrong> {
    if text.is_empty() || text.contains('\0') {
        return Err(wrong("not a path", "write the path of a file"));
    }
    Ok(PathBuf::from(text))
}

/// Pieces between commas and spaces.
pub(super) fn cut_words(text: &str) -> Vec<String> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Pieces between commas and line ends; spaces belong to a piece.
pub(super) fn cut_rules(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// Lines: the only cut of texts that may hold commas.
pub(in crate::config) fn cut_lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}
