//! Lengths from a file: one number a line, a column of a table, or a key of JSON lines.

use std::path::Path;

use serde_json::Value;

use super::container::{each_row, text};
use super::values::tokens;
use super::{DataFormat, DatasetError, Place, Problem};
use crate::workload::Column;

/// All numbers of a column; at least one.
pub(in crate::workload) fn numbers(
    column: &Column,
    read: impl Fn(&Path) -> Result<Vec<u8>, String>,
) -> Result<Vec<u32>, DatasetError> {
    let Column { path, name } = column;
    let at = |(place, problem)| DatasetError { path: path.clone(), place, problem };
    let bytes = read(path).map_err(|reason| at((Place::File, Problem::Read { reason })))?;
    let numbers = match name {
        Some(name) => keyed(bytes, path, name),
        None => plain(&bytes),
    };
    match numbers.map_err(at)?.as_slice() {
        [] => Err(at((Place::File, Problem::Empty))),
        found => Ok(found.to_vec()),
    }
}

fn keyed(bytes: Vec<u8>, path: &Path, name: &str) -> Result<Vec<u32>, (Place, Problem)> {
    let mut numbers = Vec::new();
    each_row(bytes, path, DataFormat::Auto, &mut |row| {
        let known = || row.keys().cloned().collect::<Vec<_>>().join(", ");
        let value =
            row.get(name).ok_or_else(|| Problem::NoColumn { name: name.to_owned(), known: known() })?;
        numbers.push(tokens(name, value)?);
        Ok(())
    })?;
    Ok(numbers)
}

/// One number per line; a first line that is no number is the name of the only column.
fn plain(bytes: &[u8]) -> Result<Vec<u32>, (Place, Problem)> {
    let lines = (1..).zip(text(bytes)?.lines()).filter(|(_, line)| !line.trim().is_empty());
    let mut numbers = Vec::new();
    for (line, content) in lines {
        match tokens("the line", &Value::from(content)) {
            Ok(number) => numbers.push(number),
            Err(_) if line == 1 && is_name(content) => {}
            Err(_) => {
                let wanted = "one number of tokens; for a column or key write file:PATH#NAME".to_owned();
                return Err((Place::Line(line), Problem::bad("the line", &content, wanted)));
            }
        }
    }
    Ok(numbers)
}

fn is_name(line: &str) -> bool {
    let name = line.trim().trim_matches('"');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains([',', '{', '\t', ';'])
}
