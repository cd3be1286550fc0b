//! Query parameters, checked against the endpoint's row before any handler sees them.

use std::collections::BTreeMap;

use super::endpoints::{Endpoint, Param, ParamKind};
use super::problem::Problem;

/// What was asked: names of the row, values of their kind.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(BTreeMap<&'static str, String>);

/// No parameter says more than this.
const VALUE_MAX: usize = 2_000;

impl Asked {
    /// Reads a decoded query.
    pub(super) fn read(endpoint: &Endpoint, pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut asked = BTreeMap::new();
        for (name, value) in pairs {
            let Some(param) = endpoint.query.iter().find(|param| param.name == name) else {
                let known: Vec<&str> = endpoint.query.iter().map(|param| param.name).collect();
                let name: String = name.chars().take(80).collect();
                let hint = match known.as_slice() {
                    [] => "this endpoint takes none".to_owned(),
                    known => format!("it takes: {}", known.join(", ")),
                };
                return Err(Problem {
                    field: Some(name.clone()),
                    ..Problem::bad(format!("there is no parameter '{name}'"))
                }
                .hint(hint));
            };
            check(param, &value)?;
            if asked.insert(param.name, value).is_some() {
                return Err(wrong(param, "it is given twice"));
            }
        }
        Ok(Self(asked))
    }

    /// The text of a parameter; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }

    /// A parameter without which there is nothing to do.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| Problem {
            field: Some(name.to_owned()),
            ..Problem::bad(format!("the parameter '{name}' is missing"))
        })
    }
}

fn check(param: &Param, value: &str) -> Result<(), Problem> {
    if value.len() > VALUE_MAX {
        return Err(wrong(param, &format!("it is longer than {VALUE_MAX} bytes")));
    }
    if value.contains('\0') {
        return Err(wrong(param, "it holds a NUL"));
    }
    if value.is_empty() {
        return Ok(());
    }
    let is = match param.kind {
        ParamKind::Text => return Ok(()),
        ParamKind::Count(low, high) => value.parse().is_ok_and(|count: u64| (low..=high).contains(&count)),
        ParamKind::Number => value.parse().is_ok_and(|number: f64| number.is_finite() && number >= 0.0),
        ParamKind::Flag => matches!(value, "true" | "false"),
        ParamKind::Choice(words) => words.contains(&value),
    };
    if is {
        return Ok(());
    }
    Err(match param.kind {
        ParamKind::Text => wrong(param, "it cannot be read"),
        ParamKind::Count(low, high) => wrong(param, &format!("it is a whole number from {low} to {high}")),
        ParamKind::Number => wrong(param, "it is a number, not below zero"),
        ParamKind::Flag => wrong(param, "it is true or false"),
        ParamKind::Choice(words) => wrong(param, &format!("it is one of {}", words.join(", "))),
    })
}

fn wrong(param: &Param, why: &str) -> Problem {
    let problem = Problem::bad(format!("{}: {why}", param.name));
    Problem { field: Some(param.name.to_owned()), ..problem }
}
