//! Models that are known by name: the published configurations, read by the same reader as anyone else's.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Model, Precision, RecommendError, reader};

const MODELS: &str = include_str!("models.json");

#[derive(Deserialize)]
struct Row<'a> {
    name: &'a str,
    /// The published total: of the weights' files, or of the model card.
    parameters: u64,
    #[serde(borrow)]
    config: &'a RawValue,
}

/// Every built-in model with its published count of parameters.
pub fn known_names() -> Vec<(String, u64)> {
    rows().into_iter().map(|row| (row.name.to_owned(), row.parameters)).collect()
}

/// The built-in model of that name. Owners, case and endings such as `-Instruct`, `-hf`, `-v0.3` make no difference;
/// an ending that names a precision, such as `-FP8` or `-AWQ`, is taken as the one the weights are published in.
pub fn named(name: &str) -> Result<Model, RecommendError> {
    let wanted = bare(name);
    let rows = rows();
    let Some(row) = rows.iter().find(|row| bare(row.name) == wanted) else {
        return Err(RecommendError::UnknownModel { name: name.to_owned(), near: near(&wanted, &rows) });
    };
    let mut model = reader::read(name, row.config.get(), "built in")?;
    model.published = ending(name).or(model.published);
    Ok(model)
}

fn rows() -> Vec<Row<'static>> {
    // A test reads every row, so a file that cannot be read is never shipped.
    serde_json::from_str(MODELS).unwrap_or_default()
}

fn ending(name: &str) -> Option<Precision> {
    let name = name.to_ascii_lowercase();
    [("fp8", Precision::Fp8), ("awq", Precision::Int4), ("int4", Precision::Int4), ("int8", Precision::Int8)]
        .into_iter()
        .find_map(|(word, precision)| name.contains(word).then_some(precision))
}

/// Without owner, punctuation and what does not change the shape.
fn bare(name: &str) -> String {
    const IDLE: [&str; 24] = [
        "instruct",
        "chat",
        "it",
        "hf",
        "base",
        "pt",
        "fp8",
        "awq",
        "gptq",
        "int4",
        "int8",
        "dynamic",
        "bf16",
        "meta",
        "0528",
        "0324",
        "2507",
        "4k",
        "128k",
        "v0.1",
        "v0.2",
        "v0.3",
        "quantized",
        "w4a16",
    ];
    let last = name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase().replace("llama3", "llama-3");
    last.split(['-', '_', ' '])
        .filter(|word| !word.is_empty() && !IDLE.contains(word))
        .collect::<Vec<_>>()
        .join("-")
}

fn near(wanted: &str, rows: &[Row<'_>]) -> Vec<String> {
    let mut by_distance: Vec<(usize, &str)> =
        rows.iter().map(|row| (strsim::damerau_levenshtein(&bare(row.name), wanted), row.name)).collect();
    by_distance.sort_unstable();
    by_distance.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
