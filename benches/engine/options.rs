//! `--name value` arguments of the two roles, which only the harness writes.

use std::str::FromStr;

/// The value of `--name`, none where it is absent.
pub(crate) fn find<T: FromStr>(arguments: &[String], name: &str) -> Option<T> {
    let place = arguments.iter().position(|word| word.strip_prefix("--") == Some(name))?;
    let text = arguments.get(place + 1).unwrap_or_else(|| panic!("--{name} has no value"));
    Some(text.parse().unwrap_or_else(|_| panic!("--{name} {text} cannot be read")))
}
