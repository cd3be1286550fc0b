//! Where prompts come from: words, verse, or a file and its format.

use std::path::PathBuf;

use super::words::name;
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{DataFile, DataFormat, Dataset};

/// Settles `dataset` against `dataset-format`, which in other tools also names what needs no file.
pub(super) fn dataset(chosen: &Chosen) -> Result<Dataset, ConfigError> {
    let format = chosen.parse("dataset-format", format)?;
    let named = chosen.given("dataset").is_some();
    let dataset = match (chosen.parse("dataset", place)?, format) {
        (Some(Place::File(path)), None) => file(chosen, path, DataFormat::Auto)?,
        (Some(Place::File(path)), Some(Kind::Rows(format))) => file(chosen, path, format)?,
        (Some(Place::Sonnet), None | Some(Kind::Sonnet)) => Dataset::Sonnet,
        (Some(Place::Synthetic) | None, Some(Kind::Sonnet)) if !named => Dataset::Sonnet,
        (Some(Place::Synthetic) | None, None | Some(Kind::Synthetic)) => Dataset::Synthetic,
        (_, Some(kind)) => return Err(clash(chosen, &kind)),
    };
    for key in ["prompt-column", "output-column"] {
        if let Some(entry) = chosen.one(key).filter(|_| !matches!(dataset, Dataset::File(_))) {
            return Err(entry.wrong(wrong("only a file has columns", "add --dataset FILE, or remove it")));
        }
    }
    Ok(dataset)
}

fn file(chosen: &Chosen, path: PathBuf, format: DataFormat) -> Result<Dataset, ConfigError> {
    let column = |key: &str| chosen.parse(key, name);
    let (prompt_column, output_column) = (column("prompt-column")?, column("output-column")?);
    Ok(Dataset::File(DataFile { path, format, prompt_column, output_column }))
}

fn clash(chosen: &Chosen, kind: &Kind) -> ConfigError {
    let problem = match kind {
        Kind::Rows(_) => wrong("this is a format of files", "add --dataset FILE"),
        Kind::Synthetic | Kind::Sonnet => wrong(
            "these prompts are built in and come from no file",
            "remove --dataset, or name the file's format",
        ),
    };
    match chosen.one("dataset-format") {
        Some(entry) => entry.wrong(problem),
        None => ConfigError::new(problem.problem, problem.hint),
    }
}

enum Place {
    Synthetic,
    Sonnet,
    File(PathBuf),
}

fn place(text: &str) -> Result<Place, Wrong> {
    match text.trim() {
        "synthetic" | "random" => Ok(Place::Synthetic),
        "sonnet" => Ok(Place::Sonnet),
        word if !word.contains(['.', '/', '\\']) => Err(wrong(
            "neither synthetic, sonnet nor a file",
            "give the path of a file, for example of JSON lines: {\"prompt\": \"…\", \"output_tokens\": 128}",
        )),
        path => Ok(Place::File(PathBuf::from(path))),
    }
}

enum Kind {
    Synthetic,
    Sonnet,
    Rows(DataFormat),
}

/// Formats, and what other tools call a data set's name or type. `None` finds out.
fn format(text: &str) -> Result<Kind, Wrong> {
    Ok(match text.trim().to_ascii_lowercase().replace('_', "-").as_str() {
        "auto" => Kind::Rows(DataFormat::Auto),
        "sharegpt" => Kind::Rows(DataFormat::ShareGpt),
        "messages" | "openai" => Kind::Rows(DataFormat::Messages),
        "custom" | "jsonl" | "single-turn" | "multi-turn" | "random-pool" => Kind::Rows(DataFormat::Custom),
        "csv" => Kind::Rows(DataFormat::Csv),
        "parquet" => Kind::Rows(DataFormat::Parquet),
        "random" | "synthetic" | "prefix-repetition" | "generated-shared-prefix" => Kind::Synthetic,
        "sonnet" => Kind::Sonnet,
        _ => {
            let hint = "write auto, sharegpt, messages, custom, csv or parquet with --dataset FILE, or random or sonnet";
            return Err(wrong("not a format that is read here", hint));
        }
    })
}
