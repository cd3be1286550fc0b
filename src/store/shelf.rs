//! The seam beneath baselines and ledgers: named texts, in a folder or in a database.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::StoreError;
use crate::document::v1::SIZE_MAX;
use crate::host::files::{FileError, read_text, write_atomic};

/// How often a change is tried anew because another was written in between. Each loss is another writer's gain, so this many
/// writers at once are served.
const RACES_MAX: u32 = 1000;

/// A text, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) body: String,
    pub(super) version: i64,
}

/// Named texts. Nothing is touched before it is needed.
pub(super) trait Shelf: fmt::Debug + Send + Sync {
    /// What messages call a text, whether or not it exists.
    fn path(&self, name: &str) -> PathBuf;

    /// A text; none where there is none of this name.
    fn read(&self, name: &str) -> Result<Option<Text>, StoreError>;

    /// Writes a text whole, unless it is no longer the version that was `seen`: then nothing is written, and the answer is false.
    /// None: there was no text.
    fn write(&self, name: &str, body: &str, seen: Option<i64>) -> Result<bool, StoreError>;

    /// Every name, sorted.
    fn names(&self) -> Result<Vec<String>, StoreError>;
}

/// Makes a new text of an old one, again and again until nobody was faster. Where `change` has no new text, nothing is written.
pub(super) fn change<T>(
    shelf: &dyn Shelf,
    name: &str,
    change: impl Fn(Option<&str>) -> Result<(Option<String>, T), StoreError>,
) -> Result<T, StoreError> {
    for _ in 0..RACES_MAX {
        let stored = shelf.read(name)?;
        let (new, answer) = change(stored.as_ref().map(|text| text.body.as_str()))?;
        let Some(new) = new else { return Ok(answer) };
        if shelf.write(name, &new, stored.map(|text| text.version))? {
            return Ok(answer);
        }
    }
    Err(StoreError::Busy { path: shelf.path(name) })
}

/// Files of a folder, which one process writes at a time. A missing folder is an empty one.
#[derive(Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Shelf for Folder {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn read(&self, name: &str) -> Result<Option<Text>, StoreError> {
        match read_text(&self.path(name), SIZE_MAX) {
            Ok(body) => Ok(Some(Text { body, version: 0 })),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, name: &str, body: &str, _: Option<i64>) -> Result<bool, StoreError> {
        write_atomic(&self.path(name), body.as_bytes())?;
        Ok(true)
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let error = |source| FileError { action: "list", path: self.0.clone(), source };
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(error(source).into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(error)?.path();
            if let Some(name) = path.file_name().and_then(|name| name.to_str())
                && path.extension().is_some_and(|extension| extension == "json")
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}
