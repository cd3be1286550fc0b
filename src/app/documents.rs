//! `report`, `import` and `baseline`: use cases that work on files alone.

use std::path::{Path, PathBuf};

use super::compare::read_whole;
use super::error::{AppError, Side};
use super::gate::session_id;
use super::outputs;
use crate::document::v1::import::{self, Given, ImportError, ImportOptions, Reading};
use crate::document::v1::{DocumentError, RunDocument, SIZE_MAX};
use crate::host::{RealClock, files};
use crate::report;
use crate::store::{Home, Listed};

/// The forms in which a result can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Table { colour: bool },
    Markdown,
    Junit,
    Json,
    Csv,
    Html,
    Vllm,
}

/// Columns of tables: enough for every row of ours, and what terminals and logs show without wrapping.
pub(super) const WIDTH: u16 = 160;

/// Reads a result of `run` or `gate`.
pub fn read_result(path: &Path) -> Result<RunDocument, AppError> {
    let text =
        files::read_text(path, SIZE_MAX).map_err(|error| AppError { side: Side::Usage, ..error.into() })?;
    RunDocument::from_json(path, &text).map_err(AppError::from)
}

/// Reads results of another tool as one of ours; `path` of each only names it.
pub fn import(paths: &[PathBuf], options: &ImportOptions) -> Result<RunDocument, AppError> {
    let texts = paths
        .iter()
        .map(|path| files::read_text(path, SIZE_MAX))
        .collect::<Result<Vec<String>, _>>()
        .map_err(|error| AppError { side: Side::Usage, ..error.into() })?;
    let given: Vec<Given<'_>> = paths.iter().zip(&texts).map(|(path, text)| Given { path, text }).collect();
    let reading = Reading { tool: env!("CARGO_PKG_VERSION"), created: &RealClock::wall() };
    Ok(import::import(&given, options, reading)?)
}

/// Whose result was read, and what of it was not taken over.
pub fn import_notes(document: &RunDocument) -> String {
    report::console::notes(document)
}

/// A document as text.
pub fn render(document: &RunDocument, form: Form) -> Result<String, AppError> {
    Ok(match form {
        Form::Table { colour } => {
            report::console::render(document, report::console::Style { color: colour, width: WIDTH })
        }
        Form::Markdown => report::markdown::render(document, &outputs::comment_options(document)),
        Form::Junit => outputs::junit(document, None)?,
        Form::Json => report::json::render(document),
        Form::Csv => report::csv::render(document),
        Form::Html => outputs::page(document),
        Form::Vllm => report::vllm::render(document),
    })
}

/// How the verdict came about, step by step; none where there is no verdict.
pub fn explain(document: &RunDocument) -> Option<String> {
    document.verdict.as_ref().map(report::explain::render)
}

/// A shard shares its fingerprint with the whole load, and its throughput with nobody. A search measures where its
/// answers lie, so two of them need not share a level. The error is what the result is, and the next step.
pub(super) fn whole_load(document: &RunDocument) -> Result<(), (String, &'static str)> {
    match (&document.plan.shard, &document.search) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err((
            "is the result of a search, whose levels are found and not planned".to_owned(),
            "measure fixed levels for this, for example run --rate 8",
        )),
        (Some(shard), _) => Err((
            format!("is one of {} shards, not the whole load", shard.count),
            "merge the shards first, and use the merged result",
        )),
    }
}

/// Stores a result as the newest session of its baseline.
pub fn save(home: &Home, result: &Path, commit: Option<&str>) -> Result<PathBuf, AppError> {
    let document = read_whole(result)?;
    Ok(home.baselines()?.append(&document, &session_id(&document), commit)?)
}

/// A line per baseline; with `sessions`, a line per session beneath it. `only` picks one by name.
pub fn list(home: &Home, only: Option<&str>, sessions: bool) -> Result<String, AppError> {
    let listed = home.baselines()?.list()?;
    let mut text = String::new();
    for item in listed.iter().filter(|item| only.is_none_or(|name| item.name() == name)) {
        text.push_str(&describe(item, sessions));
    }
    match (text.is_empty(), only) {
        (false, _) => Ok(text),
        (true, Some(name)) => Err(unknown(home, name, &listed)),
        (true, None) => {
            Ok(format!("{home} holds no baseline yet; `llm-loadtest gate` stores the first one\n"))
        }
    }
}

/// Makes a session the first one that counts.
pub fn promote(home: &Home, name: &str, session: &str) -> Result<PathBuf, AppError> {
    let store = home.baselines()?;
    let listed = store.list()?;
    let Some(item) = listed.iter().find(|item| item.name() == name) else {
        return Err(unknown(home, name, &listed));
    };
    match &item.baseline {
        Ok(baseline) => Ok(store.promote(&baseline.key, Some(session))?),
        Err(error) => Err(AppError::usage(error.to_string(), error.hint().0)),
    }
}

/// Removes what no comparison uses any more, from every baseline; answers with the sessions removed.
pub fn prune(home: &Home) -> Result<usize, AppError> {
    let store = home.baselines()?;
    let mut removed = 0;
    for item in store.list()? {
        let baseline = item.baseline?;
        removed += store.prune(&baseline.key, &RealClock::wall())?;
    }
    Ok(removed)
}

fn describe(item: &Listed, sessions: bool) -> String {
    let baseline = match &item.baseline {
        Ok(baseline) => baseline,
        Err(error) => return format!("{}: unreadable: {error}\n", item.name()),
    };
    let newest = baseline.sessions.last().map_or("never", |session| session.created.as_str());
    let mut text = format!(
        "{}: {} on {}, {} sessions, newest {newest}\n",
        item.name(),
        baseline.key.model,
        baseline.key.hardware,
        baseline.sessions.len()
    );
    for session in baseline.sessions.iter().filter(|_| sessions) {
        let mark = if baseline.promoted.as_ref() == Some(&session.id) {
            " (promoted: comparisons start here)"
        } else {
            ""
        };
        let commit = session.commit.as_deref().map(|commit| format!(", commit {commit}")).unwrap_or_default();
        let rounds = session.levels.iter().map(|level| level.rounds.len()).max().unwrap_or(0);
        let line = format!("  {}: {rounds} rounds, seed {}{commit}{mark}\n", session.id, session.seed);
        text.push_str(&line);
    }
    text
}

pub(super) fn unknown(home: &Home, name: &str, listed: &[Listed]) -> AppError {
    let known: Vec<String> = listed.iter().map(Listed::name).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    AppError::usage(format!("{home} holds no baseline '{name}'"), format!("it holds: {known}"))
}

impl From<ImportError> for AppError {
    fn from(error: ImportError) -> Self {
        Self::usage(error.to_string(), error.hint().0)
    }
}

impl From<DocumentError> for AppError {
    fn from(error: DocumentError) -> Self {
        Self::usage(error.to_string(), error.hint().0)
    }
}
