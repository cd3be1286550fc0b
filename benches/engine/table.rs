//! Medians over runs, as Markdown.

use std::collections::BTreeMap;

use crate::rows::median;

/// Named figures of one run.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// The median of each figure over runs.
pub(crate) fn medians(runs: &[Figures]) -> Figures {
    let names = runs.iter().flat_map(Figures::keys).copied();
    let of = |name: &str| -> Vec<f64> { runs.iter().filter_map(|run| run.get(name).copied()).collect() };
    names.map(|name| (name, median(&of(name)))).collect()
}

/// The head of a table.
pub(crate) fn head(title: &str, columns: &[&str]) {
    println!("\n{title}\n\n| {} |", columns.join(" | "));
    println!("|{}", "--:|".repeat(columns.len()));
}

/// A row of it.
pub(crate) fn line(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// Milliseconds with as many digits as they mean.
pub(crate) fn short(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Several figures in one cell.
pub(crate) fn cell(figures: &Figures, names: &[&str]) -> String {
    let words: Vec<String> = names
        .iter()
        .map(|name| figures.get(name).map_or_else(|| "–".to_owned(), |value| short(*value)))
        .collect();
    words.join(" / ")
}
