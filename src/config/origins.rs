//! Every value with the place it came from, as a table.

use super::Resolved;
use super::error::printable;

/// Three aligned columns: setting, value, origin. Secrets are starred.
pub fn origins_table(resolved: &Resolved) -> String {
    let rows: Vec<[String; 3]> = resolved
        .values
        .iter()
        .map(|entry| [entry.key.to_owned(), printable(&entry.text), entry.origin.to_string()])
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let lines: Vec<String> =
        rows.iter().map(|[key, text, origin]| format!("{key:first$}  {text:second$}  {origin}\n")).collect();
    lines.concat()
}
