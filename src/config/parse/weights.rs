//! Names with weights: parts of a mix, models to draw from.

use std::collections::BTreeSet;

use super::words::{cut_words, number};
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::Weighted;

/// More names than anyone lists by hand.
const NAMES_MAX: usize = 1_000;

/// All names of a key; empty where nothing was said. With `colon` the weight may follow a colon, which a model's name
/// can hold itself.
pub(in crate::config) fn weights(
    chosen: &Chosen,
    key: &'static str,
    colon: bool,
) -> Result<Vec<Weighted>, ConfigError> {
    let found = chosen.each(key, cut_words, |text| weighted(text, colon))?;
    let mut names = BTreeSet::new();
    let twice = found.iter().find(|one| !names.insert(one.name.as_str()));
    match (twice, chosen.one(key)) {
        (Some(twice), Some(entry)) => {
            let problem = format!("'{}' is there twice", twice.name);
            Err(entry.wrong(wrong(problem, "name each once, with its whole weight")))
        }
        (None, Some(entry)) if found.len() > NAMES_MAX => {
            Err(entry.wrong(wrong(format!("{} names", found.len()), format!("list at most {NAMES_MAX}"))))
        }
        _ => Ok(found),
    }
}

fn weighted(text: &str, colon: bool) -> Result<Weighted, Wrong> {
    let cut = text.rsplit_once('=').or_else(|| text.rsplit_once(':').filter(|_| colon));
    let (name, weight) = match cut {
        Some((name, weight)) => {
            let hint = "write name=weight, for example base=3,other=1";
            let weight =
                number(weight, 1e-6, 1e9).map_err(|wrong| Wrong { hint: hint.to_owned(), ..wrong })?;
            (name, weight)
        }
        None => (text, 1.0),
    };
    match name.trim() {
        "" => Err(wrong("a weight without a name", "write name=weight, for example base=3,other=1")),
        name => Ok(Weighted { name: name.to_owned(), weight }),
    }
}
