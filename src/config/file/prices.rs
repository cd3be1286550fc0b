//! A table of prices: a name and a number on each line.

use super::SourceFile;
use super::yaml::{Kind, at, read};
use crate::config::error::{ConfigError, printable};

/// The lines of a price table in their order. Which names there are is for whoever asks.
pub fn prices(file: &SourceFile) -> Result<Vec<(String, f64)>, ConfigError> {
    const HINT: &str = "write a line per GPU, US dollars per hour, for example h100-sxm: 2.9";
    let Some(root) = read(file)? else {
        return Err(ConfigError::new(format!("{}: the file is empty", file.path), HINT));
    };
    let Kind::Map(pairs) = &root.kind else {
        return Err(at(file, root.line, format!("{} is no table of prices", root.sort()), HINT));
    };
    pairs
        .iter()
        .map(|(key, value)| {
            let price =
                value.text().and_then(|text| text.parse::<f64>().ok()).filter(|price| price.is_finite());
            price.map(|price| (key.text.clone(), price)).ok_or_else(|| {
                at(file, value.line, format!("'{}' has no number as its price", printable(&key.text)), HINT)
            })
        })
        .collect()
}
