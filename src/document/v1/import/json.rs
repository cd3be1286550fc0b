//! JSON as Python writes it, and its fields with errors that name them.

use serde_json::{Map, Value};

use super::error::Problem;
use crate::record::MetricKey;

/// The largest number that is believed: thirty thousand years in milliseconds. Beyond it sums lose their meaning.
const NUMBER_MAX: f64 = 1e15;

/// Every JSON value of a text: one, or one after the other as `--append-result` and JSON lines have them.
pub(super) fn values(text: &str) -> Result<Vec<Value>, Problem> {
    if text.trim().is_empty() {
        return Err(Problem::Empty);
    }
    let plain = without_non_numbers(text);
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(&plain).into_iter::<Value>() {
        found.push(value.map_err(|error| {
            if error.is_eof() {
                Problem::Truncated { line: error.line() }
            } else {
                Problem::NotJson { cause: error.to_string() }
            }
        })?);
    }
    Ok(found)
}

/// Python's `NaN`, which JSON does not have, becomes `null`: it says that nothing is known. `Infinity` becomes the word
/// `inf`, which some of these files use themselves.
fn without_non_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut inside = false;
    while let Some(first) = rest.chars().next() {
        let words = [("-Infinity", "\"-inf\""), ("Infinity", "\"inf\""), ("NaN", "null")];
        let word = words.into_iter().find(|(word, _)| !inside && rest.starts_with(word));
        let length = match (word, first) {
            (Some((word, stand_in)), _) => {
                out.push_str(stand_in);
                rest = &rest[word.len()..];
                continue;
            }
            (None, '\\') if inside => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            (None, '"') => {
                inside = !inside;
                1
            }
            (None, other) => other.len_utf8(),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

/// The members of an object, read by name. A member that is absent or null says nothing; one of the wrong kind is an error.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    members: &'a Map<String, Value>,
    /// What stands in front of the names in errors, for example `metrics.`.
    path: String,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, Problem> {
        let members = value.as_object().ok_or_else(|| wrong("the entry", "an object", value))?;
        Ok(Self { members, path: String::new() })
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.members.keys().map(String::as_str)
    }

    /// Whether a member says anything.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// A number that can be a time, a count or a rate.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, Problem> {
        self.value(key).map(|value| number(value, || self.named(key))).transpose()
    }

    pub(super) fn count(&self, key: &str) -> Result<Option<u64>, Problem> {
        let Some(number) = self.number(key)? else { return Ok(None) };
        if number.fract() == 0.0 {
            Ok(Some(number as u64))
        } else {
            Err(Problem::Field { key: self.named(key), wanted: "a whole number", found: number.to_string() })
        }
    }

    /// Seconds of an instant in nanoseconds since the epoch, which is a number beyond what is believed of others.
    pub(super) fn nanos(&self, key: &str) -> Result<Option<f64>, Problem> {
        let seconds = |value: &'a Value| {
            let nanos =
                value.as_u64().ok_or_else(|| wrong(&self.named(key), "an instant in nanoseconds", value))?;
            Ok(nanos as f64 / 1e9)
        };
        self.value(key).map(seconds).transpose()
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Problem> {
        let text = |value: &'a Value| value.as_str().ok_or_else(|| wrong(&self.named(key), "a text", value));
        self.value(key).map(text).transpose()
    }

    /// A text, or a number or truth as its text: settings are written either way.
    pub(super) fn word(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => self.value(key).map(Value::to_string),
            _ => None,
        }
    }

    pub(super) fn truth(&self, key: &str) -> Result<Option<bool>, Problem> {
        let truth =
            |value: &'a Value| value.as_bool().ok_or_else(|| wrong(&self.named(key), "true or false", value));
        self.value(key).map(truth).transpose()
    }

    pub(super) fn object(&self, key: &str) -> Result<Option<Self>, Problem> {
        let inner = |value: &'a Value| {
            let members = value.as_object().ok_or_else(|| wrong(&self.named(key), "an object", value))?;
            Ok(Self { members, path: format!("{}.", self.named(key)) })
        };
        self.value(key).map(inner).transpose()
    }

    /// The object at the end of a chain of names.
    pub(super) fn deep(&self, keys: &[&str]) -> Result<Option<Self>, Problem> {
        let mut found = Some(self.clone());
        for key in keys {
            found = match found {
                Some(fields) => fields.object(key)?,
                None => None,
            };
        }
        Ok(found)
    }

    pub(super) fn list(&self, key: &str) -> Result<Option<&'a [Value]>, Problem> {
        let list = |value: &'a Value| {
            value.as_array().map(Vec::as_slice).ok_or_else(|| wrong(&self.named(key), "a list", value))
        };
        self.value(key).map(list).transpose()
    }

    pub(super) fn objects(&self, key: &str) -> Result<Vec<Self>, Problem> {
        let place = |at: usize| format!("{}[{at}]", self.named(key));
        let items = self.list(key)?.unwrap_or_default().iter().enumerate();
        items
            .map(|(at, value)| {
                let members = value.as_object().ok_or_else(|| wrong(&place(at), "an object", value))?;
                Ok(Self { members, path: format!("{}.", place(at)) })
            })
            .collect()
    }

    pub(super) fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, Problem> {
        self.list(key)?.map(|items| numbers(items, &self.named(key))).transpose()
    }

    pub(super) fn lists(&self, key: &str) -> Result<Option<Vec<Vec<f64>>>, Problem> {
        let Some(items) = self.list(key)? else { return Ok(None) };
        let inner = |(at, value): (usize, &Value)| {
            let place = format!("{}[{at}]", self.named(key));
            let items = value.as_array().ok_or_else(|| wrong(&place, "a list", value))?;
            numbers(items, &place)
        };
        items.iter().enumerate().map(inner).collect::<Result<_, _>>().map(Some)
    }

    /// The percentiles that members name, for example `p99_ttft_ms` for the ending `_ttft_ms`, in tenths of a percent.
    pub(super) fn percentiles(&self, ending: &str) -> Result<Vec<(u16, f64)>, Problem> {
        let mut found = Vec::new();
        for key in self.keys() {
            let percent = key.strip_prefix('p').and_then(|key| key.strip_suffix(ending));
            if let Some(thousandths) = percent.and_then(thousandths) {
                found.extend(self.number(key)?.map(|value| (thousandths, value)));
            }
        }
        Ok(found)
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }

    fn named(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }
}

/// 990 for `99`, 999 for `99.9`; none for what is no quantile, or one finer than our names have.
fn thousandths(percent: &str) -> Option<u16> {
    let key: MetricKey = format!("ttft_p{percent}").parse().ok()?;
    match key.stat {
        crate::record::Stat::Quantile(q) => Some(q),
        crate::record::Stat::Mean | crate::record::Stat::Value => None,
    }
}

fn numbers(items: &[Value], place: &str) -> Result<Vec<f64>, Problem> {
    items.iter().enumerate().map(|(at, value)| number(value, || format!("{place}[{at}]"))).collect()
}

fn number(value: &Value, place: impl Fn() -> String) -> Result<f64, Problem> {
    let number = value.as_f64().ok_or_else(|| wrong(&place(), "a number", value))?;
    if (0.0..=NUMBER_MAX).contains(&number) {
        Ok(number)
    } else {
        Err(wrong(&place(), "a time, count or rate between 0 and 1e15", value))
    }
}

fn wrong(key: &str, wanted: &'static str, found: &Value) -> Problem {
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => clipped(&other.to_string()),
    };
    Problem::Field { key: key.to_owned(), wanted, found }
}

/// Foreign text that an error may show: one line, not endless, and nothing that moves a cursor.
pub(super) fn clipped(text: &str) -> String {
    let mut shown: String =
        text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_writes_is_read() {
        let found =
            values("{\"a\": NaN, \"b\": [Infinity, -Infinity, 1.5], \"c\": \"NaN \\\" Infinity\"}\n{}")
                .unwrap();
        assert_eq!(found, [json!({"a": null, "b": ["inf", "-inf", 1.5], "c": "NaN \" Infinity"}), json!({})]);
    }

    #[test]
    fn every_wrong_text_has_its_own_words() {
        let words = |text: &str| values(text).unwrap_err().to_string();
        insta::assert_snapshot!(words(" \n"), @"the file is empty");
        insta::assert_snapshot!(words("{\"a\": [1,\n"), @"the JSON ends too early at line 2: the file was cut");
        insta::assert_snapshot!(words("a: 1"), @"the file is not JSON: expected value at line 1 column 1");
        insta::assert_snapshot!(words("[1e999]"), @"the file is not JSON: number out of range at line 1 column 6");
    }

    #[test]
    fn a_field_of_the_wrong_kind_is_named() {
        let value = json!({"outer": {"n": "many", "half": 0.5, "less": -1, "huge": 1e300, "list": [1, [2]]}});
        let outer = Fields::of(&value).unwrap().object("outer").unwrap().unwrap();
        let words = |result: Result<(), Problem>| result.unwrap_err().to_string();
        insta::assert_snapshot!(words(outer.number("n").map(drop)), @r#"outer.n is not a number: "many""#);
        insta::assert_snapshot!(words(outer.count("half").map(drop)), @"outer.half is not a whole number: 0.5");
        insta::assert_snapshot!(words(outer.number("less").map(drop)), @"outer.less is not a time, count or rate between 0 and 1e15: -1");
        insta::assert_snapshot!(words(outer.number("huge").map(drop)), @"outer.huge is not a time, count or rate between 0 and 1e15: 1e+300");
        insta::assert_snapshot!(words(outer.numbers("list").map(drop)), @"outer.list[1] is not a number: a list");
        insta::assert_snapshot!(words(outer.object("n").map(drop)), @r#"outer.n is not an object: "many""#);
        assert_eq!(outer.number("absent").unwrap(), None);
    }

    proptest! {
        #[test]
        fn json_without_those_words_is_unchanged(text in "[\"\\\\a-z{}:,0-9 ]*") {
            prop_assert_eq!(without_non_numbers(&text), text);
        }
    }
}
