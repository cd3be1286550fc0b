//! Where results go: checked before any load, written whole at the end.

use std::path::{Path, PathBuf};

use super::error::AppError;
use super::home;
use crate::config::{Origin, Outputs, Resolved};
use crate::document::v1::RunDocument;
use crate::host::files::{self, FileError};
use crate::report;
use crate::report::markdown::{self, MarkdownOptions};

/// Makes sure that every folder can be written to, so that an hour of load does not end in "permission denied".
pub(super) fn check(outputs: &Outputs) -> Result<(), AppError> {
    for path in paths(outputs) {
        files::writable(path)?;
    }
    Ok(())
}

/// Writes every file that was asked for. All are tried; the first error is the answer.
pub fn write(document: &RunDocument, resolved: &Resolved) -> Result<(), AppError> {
    let outputs = &resolved.outputs;
    let mut texts = vec![
        (outputs.result.as_path(), report::json::render(document)),
        (outputs.summary.as_path(), report::csv::render(document)),
    ];
    if let Some(path) = &outputs.markdown {
        texts.push((path, markdown::render(document, &comment_options(document))));
    }
    if let Some(path) = &outputs.html {
        texts.push((path, page(document)));
    }
    if let Some(path) = &outputs.junit {
        texts.push((path, junit(document, config_file(resolved))?));
    }
    let results: Vec<Result<(), FileError>> =
        texts.into_iter().map(|(path, text)| files::write_atomic(path, text.as_bytes())).collect();
    results.into_iter().collect::<Result<(), FileError>>().map_err(AppError::from)
}

/// The file in which settings were found; of a folder's files one of them.
fn config_file(resolved: &Resolved) -> Option<&str> {
    resolved.values.iter().find_map(|entry| match &entry.origin {
        Origin::File { path, .. } if path != ".env" => Some(path.as_str()),
        Origin::File { .. }
        | Origin::Flag(_)
        | Origin::Input(_)
        | Origin::Environment(_)
        | Origin::Default => None,
    })
}

/// `file` is the configuration file, where it is known.
pub(super) fn junit(document: &RunDocument, file: Option<&str>) -> Result<String, AppError> {
    report::junit::render(document, file).map_err(|error| {
        AppError::environment(format!("cannot render JUnit: {error}"), "please report this as a bug")
    })
}

/// Title and the line that repeats the measurement.
pub(super) fn comment_options(document: &RunDocument) -> MarkdownOptions {
    let verb = match (&document.imported, &document.verdict) {
        (Some(_), _) => "result",
        (None, Some(_)) => "gate",
        (None, None) => "run",
    };
    MarkdownOptions {
        title: format!("Serving {verb} '{}'", document.name),
        reproduce: reproduce(document),
        ..MarkdownOptions::default()
    }
}

/// The page with charts.
pub(super) fn page(document: &RunDocument) -> String {
    report::html::render(document, reproduce(document).as_deref())
}

/// What another tool measured, our command line does not repeat.
fn reproduce(document: &RunDocument) -> Option<String> {
    document.imported.is_none().then(|| report::command::line(document))
}

/// The stored baseline of a result's workload, model and hardware, where there is one.
pub(super) fn baseline_file(document: &RunDocument, outputs: &Outputs) -> Option<PathBuf> {
    let store = home::baselines(outputs).baselines().ok()?;
    let key = &document.fingerprint;
    store.has(key).ok()?.then(|| store.path(key))
}

pub(super) fn unwritable(message: &str) -> AppError {
    AppError::environment(message, "choose a writable place with --output")
}

fn paths(outputs: &Outputs) -> impl Iterator<Item = &Path> {
    [&outputs.result, &outputs.requests, &outputs.summary]
        .into_iter()
        .chain(&outputs.junit)
        .chain(&outputs.markdown)
        .chain(&outputs.html)
        .map(PathBuf::as_path)
}

impl From<FileError> for AppError {
    fn from(error: FileError) -> Self {
        let hint = error.hint().0;
        Self::environment(error.to_string(), hint)
    }
}
