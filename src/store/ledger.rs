//! The folder of ledgers: what was measured for a question stays, so that asking again adds to it.

use std::io;
use std::path::PathBuf;

use super::StoreError;
use super::name::ledger_name;
use crate::document::v1::{Key, LedgerDocument, SIZE_MAX};
use crate::host::files::{FileError, read_text, write_atomic};

/// A folder of ledgers. A missing folder is an empty one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledgers {
    folder: PathBuf,
}

impl Ledgers {
    pub fn open(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Where the evidence of a question lies, whether or not there is any.
    pub fn path(&self, key: &Key, head: &str, base: &str) -> PathBuf {
        self.folder.join(ledger_name(key, head, base))
    }

    /// The evidence of a question; none where nothing was gathered yet.
    pub fn find(&self, key: &Key, head: &str, base: &str) -> Result<Option<LedgerDocument>, StoreError> {
        let path = self.path(key, head, base);
        match read_text(&path, SIZE_MAX) {
            Ok(text) => Ok(Some(LedgerDocument::from_json(&path, &text)?)),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the evidence of a question, whole or not at all.
    pub fn write(&self, ledger: &LedgerDocument) -> Result<PathBuf, StoreError> {
        let path = self.path(&ledger.key, &ledger.head, &ledger.base);
        write_atomic(&path, ledger.to_json().as_bytes())?;
        Ok(path)
    }

    /// Every readable ledger whose key is wanted.
    pub fn matching(&self, wanted: impl Fn(&Key) -> bool) -> Result<Vec<LedgerDocument>, StoreError> {
        let error = |source| FileError { action: "list", path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(error(source).into()),
        };
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(error)?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        let read = |path: PathBuf| {
            let text = read_text(&path, SIZE_MAX).ok()?;
            LedgerDocument::from_json(&path, &text).ok()
        };
        Ok(paths.into_iter().filter_map(read).filter(|ledger| wanted(&ledger.key)).collect())
    }
}
