//! Lines appended to a file while a run goes on.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// An append-as-you-go file. The first error is kept and ends the writing; the run it belongs to goes on in memory.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    error: Option<io::Error>,
}

/// A journal that could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct JournalError {
    pub path: PathBuf,
    pub source: io::Error,
}

impl Journal {
    /// Creates the file and its folder, replacing an older one.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::create(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), error: None })
    }

    /// Adds one line, its line end included.
    pub fn add(&mut self, line: &str) {
        if self.error.is_none() {
            self.error = self.file.write_all(line.as_bytes()).err();
        }
    }

    /// Hands what was added to the system.
    pub fn flush(&mut self) {
        if self.error.is_none() {
            self.error = self.file.flush().err();
        }
    }

    /// Flushes, and says whether every line arrived.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.flush();
        self.error.map_or(Ok(()), |source| Err(JournalError { path: self.path, source }))
    }
}
