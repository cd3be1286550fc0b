//! Every value with the place it came from.

use super::Resolved;
use super::error::printable;

/// Setting, value and origin, in the table's order. Secrets are starred.
pub fn origins(resolved: &Resolved) -> Vec<[String; 3]> {
    let values = resolved.values.iter();
    values.map(|entry| [entry.key.to_owned(), printable(&entry.text), entry.origin.to_string()]).collect()
}
