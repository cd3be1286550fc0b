//! Gathers what was said — flags, environment, `.env`, files — and resolves it.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::AppError;
use crate::config::{
    ConfigError, DEFAULT_FILES, Entry, FOLDER_FILES, Layers, Purpose, Resolved, SourceFile, config_path,
    resolve,
};
use crate::host::files;

/// Far more than any configuration, little enough to read into memory.
const CONFIG_MAX: u64 = 4 * 1024 * 1024;

/// Reads the files that the flags or the environment name, and resolves every setting.
pub fn settings(
    purpose: Purpose,
    flags: Vec<Entry>,
    environment: BTreeMap<String, String>,
) -> Result<Resolved, AppError> {
    Ok(resolve(layers(purpose, flags, environment)?)?)
}

/// Everything that was said, with the files that it names read.
fn layers(
    purpose: Purpose,
    flags: Vec<Entry>,
    environment: BTreeMap<String, String>,
) -> Result<Layers, AppError> {
    let files = match config_path(&flags, &environment) {
        Some(named) => named_files(Path::new(&named.text))?,
        None => default_file()?,
    };
    let env_file = optional(Path::new(".env"))?;
    Ok(Layers { purpose, flags, environment, env_file, files })
}

/// One file, or the known names of a folder.
fn named_files(path: &Path) -> Result<Vec<SourceFile>, AppError> {
    if !path.is_dir() {
        return Ok(vec![read(path)?]);
    }
    let found: Vec<SourceFile> = FOLDER_FILES
        .iter()
        .filter_map(|name| optional(&path.join(name)).transpose())
        .collect::<Result<_, _>>()?;
    if found.is_empty() {
        return Err(AppError::usage(
            format!("the folder {} holds none of {}", path.display(), FOLDER_FILES.join(", ")),
            "name a file or such a folder with --config; `llm-loadtest init` writes a file to start from",
        ));
    }
    Ok(found)
}

fn default_file() -> Result<Vec<SourceFile>, AppError> {
    for name in DEFAULT_FILES {
        if let Some(file) = optional(Path::new(name))? {
            return Ok(vec![file]);
        }
    }
    Ok(Vec::new())
}

fn optional(path: &Path) -> Result<Option<SourceFile>, AppError> {
    if path.is_file() { read(path).map(Some) } else { Ok(None) }
}

/// A configuration that cannot be read is the user's to mend.
fn read(path: &Path) -> Result<SourceFile, AppError> {
    let text = files::read_text(path, CONFIG_MAX)
        .map_err(|error| AppError::usage(error.to_string(), error.hint().0))?;
    Ok(SourceFile { path: path.display().to_string(), text })
}

impl From<ConfigError> for AppError {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.message(), error.hint().0.clone())
    }
}
