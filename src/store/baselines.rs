//! Stored baselines: find, append, promote, prune, list.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::Hint;
use crate::document::v1::{
    BaselineDocument, Candidate, DocumentError, Key, RunDocument, SessionDocument, comparable,
};
use crate::host::files::FileError;

use super::DatabaseError;
use super::name::file_name;
use super::shelf::{Folder, Shelf, change};

/// Baselines, a text for each. Nothing is touched before it is needed; a missing folder is an empty one.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) shelf: Arc<dyn Shelf>,
}

/// One of them: its baseline, or why it cannot be read.
#[derive(Debug)]
pub struct Listed {
    pub path: PathBuf,
    pub baseline: Result<BaselineDocument, StoreError>,
}

/// A baseline that could not be used or changed. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("{}: others change it all the time", path.display())]
    Busy { path: PathBuf },
    #[error("{}: the file holds the baseline of workload '{}', model '{}', hardware '{}'", path.display(), found.workload, found.model, found.hardware)]
    OtherKey { path: PathBuf, found: Box<Key> },
    #[error("{}: the stored sessions cannot be joined by this result: {}", path.display(), reasons.join("; "))]
    NotComparable { path: PathBuf, reasons: Vec<String> },
    #[error("{}: the session '{id}' is already stored", path.display())]
    Stored { path: PathBuf, id: String },
    #[error("{}: there is no session '{id}'; stored are {}", path.display(), known.join(", "))]
    NoSession { path: PathBuf, id: String, known: Vec<String> },
    #[error("{}: there is no baseline for workload '{}', model '{}', hardware '{}'", path.display(), key.workload, key.model, key.hardware)]
    NoBaseline { path: PathBuf, key: Box<Key> },
    #[error("the result was interrupted, so it cannot be a baseline")]
    Partial,
    #[error("the result must not be compared, so it cannot be a baseline: {reason}")]
    Invalid { reason: String },
}

impl StoreError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        match self {
            Self::File(error) => error.hint(),
            Self::Database(error) => error.hint(),
            Self::Document(error) => error.hint(),
            Self::Busy { .. } => Hint::new("try again in a moment"),
            Self::OtherKey { .. } => {
                Hint::new("two names give the same file name: rename the workload or set another --hardware")
            }
            Self::NotComparable { path, .. } => Hint::new(format!(
                "give the changed workload a new name, or delete {} to start a new baseline",
                path.display()
            )),
            Self::Stored { .. } => Hint::new("nothing to do; a result counts once"),
            Self::NoSession { .. } => Hint::new("list the sessions: llm-loadtest baseline list"),
            Self::NoBaseline { .. } => Hint::new("save one first: llm-loadtest baseline save result.json"),
            Self::Partial | Self::Invalid { .. } => Hint::new("run again to the end, then save that result"),
        }
    }
}

impl StoreError {
    /// Whether the user's files or words are at fault, rather than the disk.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::File(_) | Self::Busy { .. } => false,
            Self::Database(error) => error.is_usage(),
            _ => true,
        }
    }
}

impl Listed {
    /// The file's name without its ending: what `baseline list` prints and the other commands take.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Store {
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { shelf: Arc::new(Folder(folder.into())) }
    }

    /// Where the baseline of a key lies, whether or not it exists.
    pub fn path(&self, key: &Key) -> PathBuf {
        self.shelf.path(&file_name(key))
    }

    /// Whether there is a baseline of this key's name, readable or not.
    pub fn has(&self, key: &Key) -> Result<bool, StoreError> {
        Ok(self.shelf.read(&file_name(key))?.is_some())
    }

    /// The baseline of a workload, model and hardware. Ask `comparable` before using it: its workload may have changed.
    pub fn find(&self, key: &Key) -> Result<Option<BaselineDocument>, StoreError> {
        let text = self.shelf.read(&file_name(key))?;
        text.map(|text| self.read(key, &text.body)).transpose()
    }

    fn read(&self, key: &Key, text: &str) -> Result<BaselineDocument, StoreError> {
        let path = self.path(key);
        let baseline = BaselineDocument::from_json(&path, text)?;
        let names = |key: &Key| (key.workload.clone(), key.model.clone(), key.hardware.clone());
        if names(&baseline.key) == names(key) {
            Ok(baseline)
        } else {
            Err(StoreError::OtherKey { path, found: Box::new(baseline.key) })
        }
    }

    /// Adds a result as the newest session, or as the first one; answers with the baseline's path.
    pub fn append(&self, run: &RunDocument, id: &str, commit: Option<&str>) -> Result<PathBuf, StoreError> {
        let key = &run.fingerprint;
        change(&*self.shelf, &file_name(key), |text| {
            let stored = text.map(|text| self.read(key, text)).transpose()?;
            Ok((Some(self.joined(stored, (run, id, commit))?.to_json()), ()))
        })?;
        Ok(self.path(key))
    }

    /// The text of a result's baseline file with the result as its newest session, for a file that lies elsewhere. `stored` is
    /// that file's text now, where it exists.
    pub fn append_to(
        &self,
        stored: Option<&str>,
        (run, id, commit): (&RunDocument, &str, Option<&str>),
    ) -> Result<String, StoreError> {
        let path = self.path(&run.fingerprint);
        let stored = stored.map(|text| BaselineDocument::from_json(&path, text)).transpose()?;
        Ok(self.joined(stored, (run, id, commit))?.to_json())
    }

    fn joined(
        &self,
        stored: Option<BaselineDocument>,
        (run, id, commit): (&RunDocument, &str, Option<&str>),
    ) -> Result<BaselineDocument, StoreError> {
        refuse(run)?;
        let path = self.path(&run.fingerprint);
        let mut baseline = stored.unwrap_or_else(|| {
            BaselineDocument::empty(run.fingerprint.clone(), run.plan.workload.clone(), &run.tool)
        });
        let reasons = comparable(&baseline, Candidate::of(run));
        if !reasons.is_empty() {
            return Err(StoreError::NotComparable { path, reasons });
        }
        if baseline.sessions.iter().any(|session| session.id == id) {
            return Err(StoreError::Stored { path, id: id.to_owned() });
        }
        baseline.tool.clone_from(&run.tool);
        baseline.sessions.push(SessionDocument::from_run(run, id, commit));
        Ok(baseline)
    }

    /// Makes a session the first one that comparisons use, after an accepted change; none lets them use all again.
    pub fn promote(&self, key: &Key, id: Option<&str>) -> Result<PathBuf, StoreError> {
        change(&*self.shelf, &file_name(key), |text| {
            let mut baseline = self.existing(key, text)?;
            if let Some(id) = id
                && !baseline.sessions.iter().any(|session| session.id == id)
            {
                return Err(StoreError::NoSession {
                    path: self.path(key),
                    id: id.to_owned(),
                    known: baseline.sessions.into_iter().map(|session| session.id).collect(),
                });
            }
            baseline.promoted = id.map(str::to_owned);
            Ok((Some(baseline.to_json()), ()))
        })?;
        Ok(self.path(key))
    }

    /// Removes the sessions that no comparison of a real machine made at `now` (RFC 3339) would use; the promoted one and
    /// the newest stay. Answers with the number removed.
    pub fn prune(&self, key: &Key, now: &str) -> Result<usize, StoreError> {
        change(&*self.shelf, &file_name(key), |text| {
            let mut baseline = self.existing(key, text)?;
            let before = baseline.sessions.len();
            let used = baseline.window(now, Some(BaselineDocument::WINDOW_DAYS));
            let newest = baseline.sessions.last().map(|session| session.id.clone());
            baseline.sessions.retain(|session| {
                used.sessions.iter().any(|kept| kept.id == session.id)
                    || [&baseline.promoted, &newest].into_iter().flatten().any(|id| *id == session.id)
            });
            let removed = before - baseline.sessions.len();
            Ok(((removed > 0).then(|| baseline.to_json()), removed))
        })
    }

    /// Every baseline, by name.
    pub fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let listed = |name: String| {
            let path = self.shelf.path(&name);
            let baseline = match self.shelf.read(&name).transpose()? {
                Ok(text) => BaselineDocument::from_json(&path, &text.body).map_err(StoreError::from),
                Err(error) => Err(error),
            };
            Some(Listed { path, baseline })
        };
        // What was removed since the names were read is not there.
        Ok(self.shelf.names()?.into_iter().filter_map(listed).collect())
    }

    fn existing(&self, key: &Key, text: Option<&str>) -> Result<BaselineDocument, StoreError> {
        match text {
            Some(text) => self.read(key, text),
            None => Err(StoreError::NoBaseline { path: self.path(key), key: Box::new(key.clone()) }),
        }
    }
}

/// What would spoil every comparison to come.
fn refuse(run: &RunDocument) -> Result<(), StoreError> {
    if run.partial {
        return Err(StoreError::Partial);
    }
    let invalid = run.findings.iter().find(|finding| finding.severity == "invalid");
    let reason = match invalid {
        Some(finding) => finding.message.clone(),
        None if run.levels.iter().all(|level| level.succeeded == 0) => "no request succeeded".to_owned(),
        None => return Ok(()),
    };
    Err(StoreError::Invalid { reason })
}
