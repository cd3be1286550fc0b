//! What a server says, kept in a file beside the result and, for errors, the last of it in memory.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::LaunchError;
use crate::base::Secret;
use crate::report;

/// More than any server says about a start and a load; what goes on and on about each request is cut here.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Enough to see an error with its traceback.
const TAIL_LINES: usize = 30;
/// Longer lines are cut in the tail; the file has them whole.
const TAIL_WIDTH: usize = 400;

/// Before each line of a tail.
const MARK: &str = "\n  | ";
/// Shorter values (`1`, `info`) are no secrets, and starring them would make words unreadable.
const SECRET_MIN: usize = 6;

/// The log of one start. Clones write to the same file, which takes whatever is said until it is full.
#[derive(Debug, Clone)]
pub struct Log(Arc<Mutex<Open>>);

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    left: u64,
    /// Bytes that did not fit, or that the disk did not take.
    dropped: u64,
    tail: VecDeque<Vec<u8>>,
    /// The line that has not ended.
    line: Vec<u8>,
    /// What errors must not repeat.
    secrets: Vec<Secret>,
}

impl Log {
    /// Adds to the file, beginning with a line that says which start this is.
    pub fn open(path: &Path, title: &str, secrets: Vec<Secret>) -> Result<Self, LaunchError> {
        let failed = |source| LaunchError::Log { path: path.to_owned(), source };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = File::options().create(true).append(true).open(path).map_err(failed)?;
        file.write_all(format!("--- {title} ---\n").as_bytes()).map_err(failed)?;
        Ok(Self(Arc::new(Mutex::new(Open {
            path: path.to_owned(),
            file,
            left: BYTES_MAX,
            dropped: 0,
            tail: VecDeque::new(),
            line: Vec::new(),
            secrets,
        }))))
    }

    /// Takes the log of older starts away.
    pub fn forget(path: &Path) -> Result<(), LaunchError> {
        match fs::remove_file(path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(LaunchError::Log { path: path.to_owned(), source })
            }
            _ => Ok(()),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.opened().path.clone()
    }

    /// Adds what was said.
    pub(super) fn write(&self, bytes: &[u8]) {
        let mut open = self.opened();
        let fits = bytes.len().min(usize::try_from(open.left).unwrap_or(usize::MAX));
        let (kept, over) = bytes.split_at(fits);
        let written = open.file.write_all(kept).map_or(0, |()| kept.len());
        open.left -= written as u64;
        open.dropped += (over.len() + kept.len() - written) as u64;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            open.add(piece);
        }
    }

    /// Copies until the other side is closed.
    pub(super) fn follow(&self, mut from: impl io::Read) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => self.write(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// The last lines, made harmless, each on a line of its own behind a mark; empty where nothing was said.
    pub fn tail(&self) -> String {
        let open = self.opened();
        let lines = open.tail.iter().chain((!open.line.is_empty()).then_some(&open.line));
        let mut lines: Vec<String> =
            lines.map(|line| harmless(line)).filter(|line| !line.is_empty()).collect();
        let first = lines.len().saturating_sub(TAIL_LINES);
        lines.drain(..first).for_each(drop);
        let text = lines.iter().flat_map(|line| [MARK, line.as_str()]).collect::<String>();
        let secrets = open.secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= SECRET_MIN);
        secrets.fold(text, |text, secret| text.replace(secret, "***"))
    }

    /// The last line that says something.
    pub(super) fn last_line(&self) -> Option<String> {
        self.tail().rsplit(MARK).next().filter(|line| !line.is_empty()).map(str::to_owned)
    }

    /// Counts what was left out.
    pub(super) fn close(&self) {
        let mut open = self.opened();
        if open.dropped > 0 {
            let line = format!("\n--- {} more bytes were left out ---\n", open.dropped);
            // A disk that is full stays full.
            drop(open.file.write_all(line.as_bytes()));
            open.dropped = 0;
        }
    }

    fn opened(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// A piece without a line end in it, but at its own end.
    fn add(&mut self, piece: &[u8]) {
        let room = (TAIL_WIDTH * 4).saturating_sub(self.line.len());
        self.line.extend(piece.iter().filter(|byte| **byte != b'\n').take(room));
        if piece.ends_with(b"\n") {
            let line = std::mem::take(&mut self.line);
            self.tail.push_back(line);
            if self.tail.len() > TAIL_LINES {
                self.tail.pop_front();
            }
        }
    }
}

/// What a terminal would show of a line in the end (progress bars write over themselves), on one line, without control
/// characters, and without the marks that GitHub's runner takes for its commands.
fn harmless(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let shown = text.trim_end().rsplit('\r').next().unwrap_or_default();
    let shown: String = report::plain(shown).chars().take(TAIL_WIDTH).collect();
    shown.trim_end().replace("##[", "## [")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &tempfile::TempDir, title: &str) -> Log {
        Log::open(
            &folder.path().join("deep/server.log"),
            title,
            vec![Secret::new("sk-hidden"), Secret::new("1")],
        )
        .unwrap()
    }

    #[test]
    fn a_tail_is_the_end_of_what_was_said_and_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder, "start 1");
        assert_eq!((log.tail(), log.last_line()), (String::new(), None));
        for line in 0..50 {
            log.write(format!("line {line}\n").as_bytes());
        }
        log.write(b" 10%\r 50%\r100%\n\n::error::\x1b[31mred##[group]\n\xff half");
        log.write(b" line of sk-hidden");
        let tail = log.tail();
        assert!(tail.starts_with("\n  | line 23\n"), "{tail}");
        assert!(
            tail.ends_with(
                "\n  | line 49\n  | 100%\n  | ::error:: [31mred## [group]\n  | \u{fffd} half line of ***"
            ),
            "{tail}"
        );
        assert_eq!(log.last_line().as_deref(), Some("\u{fffd} half line of ***"));
        log.write(&vec![b'x'; 1_000_000]);
        assert!(log.tail().len() < TAIL_LINES * (TAIL_WIDTH + 8));
    }

    #[test]
    fn starts_follow_each_other_until_they_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        log(&folder, "start 1").write(b"one\n");
        let last = log(&folder, "start 2");
        last.write(b"two\n");
        assert_eq!(fs::read_to_string(last.path()).unwrap(), "--- start 1 ---\none\n--- start 2 ---\ntwo\n");
        Log::forget(&last.path()).unwrap();
        Log::forget(&last.path()).unwrap();
        assert!(!last.path().exists());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(&folder, "start 1");
        log.opened().left = 5;
        log.write(b"one\ntwo\n");
        log.write(b"three\n");
        log.close();
        let text = fs::read_to_string(log.path()).unwrap();
        assert_eq!(text, "--- start 1 ---\none\nt\n--- 9 more bytes were left out ---\n");
        assert_eq!(log.tail(), "\n  | one\n  | two\n  | three");
    }
}
