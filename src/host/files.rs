//! Whole files or none, with the path in every error.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::base::Hint;

/// A file or folder that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried, for example `read`.
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl FileError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        let path = self.path.display();
        Hint::new(match self.source.kind() {
            io::ErrorKind::NotFound => format!("check the path {path}"),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                format!("give this user access to {path}, or choose another folder")
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "free some space on the disk and run the command again; the old file is unchanged".to_owned()
            }
            io::ErrorKind::FileTooLarge => "check that this is the file you meant".to_owned(),
            io::ErrorKind::InvalidData => {
                format!("{path} is not text; check that this is the file you meant")
            }
            io::ErrorKind::IsADirectory => format!("{path} is a folder; name a file"),
            io::ErrorKind::NotADirectory => format!("a part of {path} is a file; name a folder"),
            _ => format!("check {path} and its disk"),
        })
    }
}

/// The text of a file of at most `cap` bytes.
pub fn read_text(path: &Path, cap: u64) -> Result<String, FileError> {
    String::from_utf8(read_bytes(path, cap)?).map_err(|source| FileError {
        action: "read",
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, source),
    })
}

/// The bytes of a file of at most `cap` bytes.
pub fn read_bytes(path: &Path, cap: u64) -> Result<Vec<u8>, FileError> {
    let error = |source| FileError { action: "read", path: path.to_owned(), source };
    let mut text = Vec::new();
    let file = File::open(path).map_err(error)?;
    // One byte more than allowed tells a file that fits from one that goes on.
    file.take(cap.saturating_add(1)).read_to_end(&mut text).map_err(error)?;
    if text.len() as u64 > cap {
        let message = format!("the file is larger than {cap} bytes");
        return Err(error(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    Ok(text)
}

/// Writes a file whole or not at all, and makes its folder: a temporary file beside it is renamed over it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = temporary(path);
    let result = replace(path, &temporary, bytes);
    if result.is_err() {
        // Best effort: the write's own error is the one worth telling.
        drop(fs::remove_file(&temporary));
    }
    result.map_err(|source| FileError { action: "write", path: path.to_owned(), source })
}

/// Adds to a file that others write to as well, and makes it where it does not exist.
pub fn append(path: &Path, text: &str) -> Result<(), FileError> {
    let open = || File::options().append(true).create(true).open(path);
    open().and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| FileError {
        action: "append to",
        path: path.to_owned(),
        source,
    })
}

/// The files that a pattern with `*` and `**` names, in the order of their names; any other path is itself.
pub fn matching(pattern: &Path) -> Vec<PathBuf> {
    let found = pattern
        .to_str()
        .filter(|text| text.contains('*') && !pattern.exists())
        .and_then(|text| glob::glob(text).ok());
    match found {
        Some(paths) => paths.filter_map(Result::ok).filter(|path| path.is_file()).collect(),
        None => vec![pattern.to_owned()],
    }
}

/// Removes a folder and all in it; one that is not there is as good as removed.
pub fn remove_folder(path: &Path) -> Result<(), FileError> {
    match fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FileError { action: "remove", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Whether a file could be written here: makes its folder and tries a temporary file in it.
pub fn writable(path: &Path) -> Result<(), FileError> {
    let temporary = temporary(path);
    let tried = match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    };
    let tried = tried.and_then(|()| File::create(&temporary)).and_then(|_| fs::remove_file(&temporary));
    tried.map_err(|source| FileError { action: "write", path: path.to_owned(), source })
}

fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create(temporary)?;
    file.write_all(bytes)?;
    // Before the rename, so that a crash leaves the old file or the new one, never an empty one.
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)
}

/// A name in the same folder, so that the rename stays on one disk; with the process id, so that two writers do not share it.
fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/file.json");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read_text(&path, 3).unwrap(), "two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn patterns_find_files_in_order_and_plain_paths_are_themselves() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/result.json", "a/result.json", "a/other.txt"] {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        let found = matching(&folder.path().join("*/result.json"));
        assert_eq!(found, [folder.path().join("a/result.json"), folder.path().join("b/result.json")]);
        assert_eq!(matching(&folder.path().join("*.json")), Vec::<PathBuf>::new());
        assert_eq!(matching(Path::new("missing.json")), [PathBuf::from("missing.json")]);
    }

    #[test]
    fn what_fails_names_the_path_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        let error = write_atomic(&taken, b"x").unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let missing = read_text(&folder.path().join("missing"), 10).unwrap_err();
        assert_eq!(missing.source.kind(), io::ErrorKind::NotFound);
        let long = folder.path().join("long");
        write_atomic(&long, b"12345").unwrap();
        assert_eq!(read_text(&long, 4).unwrap_err().source.kind(), io::ErrorKind::FileTooLarge);
        write_atomic(&long, &[0xff, 0xfe]).unwrap();
        assert_eq!(read_text(&long, 4).unwrap_err().source.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_full_disk_says_so() {
        // Linux's always-full device stands in for a disk: the bytes do not fit.
        let full = File::options().write(true).open("/dev/full");
        if let Ok(mut full) = full {
            let source = full.write_all(b"x").unwrap_err();
            let error = FileError { action: "write", path: "result.json".into(), source };
            assert!(error.hint().to_string().contains("space"), "{error}");
        }
    }
}
