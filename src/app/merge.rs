//! `merge`: the results of shards become one, as if one client had sent the whole schedule.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::documents::read_result;
use super::error::AppError;
use super::outputs::unwritable;
use crate::config::ResultFiles;
use crate::document::v1::{Joiner, MergeError, Part, Place, RunDocument, Shards};
use crate::host::files::{self, FileError};
use crate::host::{Journal, limits};
use crate::report;

/// A merged result and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub document: RunDocument,
    pub files: ResultFiles,
}

/// A row of a hundred thousand chunks has two megabytes.
const LINE_MAX: u64 = 64 * 1024 * 1024;
/// Standard streams and the files that are written.
const FILES_BESIDES: u64 = 16;

/// Merges the shards that the arguments name: results, or folders that hold them. With `partial`, shards may be missing.
pub fn merge(arguments: &[PathBuf], output: PathBuf, partial: bool) -> Result<Merged, AppError> {
    let files = ResultFiles::at(output);
    let shards = Shards::new(read(&find(arguments)?, &files.result)?, partial)?;
    let requests = requests(&shards, &files)?;
    let mut joiner = Joiner::new(&shards);
    for (shard, path) in requests.iter().enumerate() {
        if let Some(path) = path {
            note(&mut joiner, shard, path)?;
        }
    }
    joiner.sort()?;
    files::writable(&files.result)?;
    write_rows(&mut joiner, &requests, &files.requests)?;
    let document = joiner.finish(env!("CARGO_PKG_VERSION"));
    files::write_atomic(&files.result, report::json::render(&document).as_bytes())?;
    files::write_atomic(&files.summary, report::csv::render(&document).as_bytes())?;
    Ok(Merged { document, files })
}

/// The results that the arguments name.
fn find(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, AppError> {
    let mut found = Vec::new();
    for argument in arguments {
        if !argument.is_dir() {
            found.push(argument.clone());
            continue;
        }
        let inside = results_in(argument).map_err(|source| unreadable(argument, source))?;
        if inside.is_empty() {
            return Err(AppError::usage(
                format!("{} holds no result.json, nor does a folder in it", argument.display()),
                "give the folders that the shards' --output named",
            ));
        }
        found.extend(inside);
    }
    Ok(found)
}

/// `result.json` of a folder, else those of the folders in it.
fn results_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let own = folder.join("result.json");
    if own.is_file() {
        return Ok(vec![own]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path().join("result.json");
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the results. The last merged result, which this one replaces, may stand among the shards, and is none.
fn read(paths: &[PathBuf], output: &Path) -> Result<Vec<Part>, AppError> {
    let output = fs::canonicalize(output).ok();
    let mut parts = Vec::new();
    for path in paths {
        let document = read_result(path)?;
        let replaced = output.is_some() && fs::canonicalize(path).ok() == output;
        match (replaced, document.plan.shard) {
            (true, Some(_)) => return Err(overwritten(path)),
            (true, None) => {}
            (false, _) => parts.push(Part { path: path.clone(), document }),
        }
    }
    Ok(parts)
}

/// The file of requests beside each shard's result, where there is one.
fn requests(shards: &Shards, files: &ResultFiles) -> Result<Vec<Option<PathBuf>>, AppError> {
    let mut found: Vec<Option<PathBuf>> = Vec::new();
    for result in shards.paths() {
        let path = ResultFiles::at(result.to_owned()).requests;
        if !path.is_file() {
            found.push(None);
            continue;
        }
        let real = fs::canonicalize(&path).map_err(|source| unreadable(&path, source))?;
        if fs::canonicalize(&files.requests).is_ok_and(|output| output == real) {
            return Err(overwritten(&path));
        }
        if found.contains(&Some(real.clone())) {
            return Err(AppError::usage(
                format!("several shards wrote {}, so the rows of only one are left", path.display()),
                "give each shard a folder of its own with --output, and run them again",
            ));
        }
        found.push(Some(real));
    }
    match limits::open_files() {
        Some(limit) if limit < found.len() as u64 + FILES_BESIDES => Err(AppError::usage(
            format!(
                "merging {} shards needs more than the {limit} open files that this shell allows",
                found.len()
            ),
            format!("raise the limit with `ulimit -n {}`", found.len() as u64 + FILES_BESIDES),
        )),
        _ => Ok(found),
    }
}

/// First reading of a shard's rows.
fn note(joiner: &mut Joiner<'_>, shard: usize, path: &Path) -> Result<(), AppError> {
    let failed = |source| unreadable(path, source);
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let (mut offset, mut number, mut line) = (0, 0_u64, Vec::new());
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        if read as u64 == LINE_MAX {
            return Err(bad_row(path, Some(number), &format!("the line is longer than {LINE_MAX} bytes")));
        }
        let place = Place { shard, offset, length: read as u32 };
        std::str::from_utf8(&line)
            .map_err(|error| error.to_string())
            .and_then(|text| joiner.add(place, text.trim_end()))
            .map_err(|why| bad_row(path, Some(number), &why))?;
        offset += read as u64;
    }
}

/// Second reading, in the order of sending.
fn write_rows(joiner: &mut Joiner<'_>, requests: &[Option<PathBuf>], output: &Path) -> Result<(), AppError> {
    let mut sources = Vec::new();
    for path in requests {
        sources.push(match path {
            Some(path) => Some(Source::open(path).map_err(|source| unreadable(path, source))?),
            None => None,
        });
    }
    let mut journal = Journal::create(output).map_err(|error| unwritable(&error.to_string()))?;
    let mut line = Vec::new();
    let mut at = 0;
    while let Some(place) = joiner.place(at) {
        // Only shards that have a file have places.
        if let (Some(source), Some(path)) = (&mut sources[place.shard], &requests[place.shard]) {
            source.read(place, &mut line).map_err(|source| unreadable(path, source))?;
            let text = String::from_utf8_lossy(&line);
            let row = joiner.rewrite(at, text.trim_end()).map_err(|why| bad_row(path, None, &why))?;
            journal.add(&row);
        }
        at += 1;
    }
    journal.close().map_err(|error| unwritable(&error.to_string()))
}

/// A file of rows that end in one order and are wanted in another: the next one is never far.
struct Source {
    file: BufReader<File>,
    at: u64,
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufReader::new(File::open(path)?), at: 0 })
    }

    fn read(&mut self, place: Place, line: &mut Vec<u8>) -> io::Result<()> {
        let Place { shard: _, offset, length } = place;
        // Keeps the buffer where the place lies in it.
        self.file.seek_relative(offset.cast_signed() - self.at.cast_signed())?;
        self.at = offset;
        line.resize(length as usize, 0);
        self.file.read_exact(line)?;
        self.at += u64::from(length);
        Ok(())
    }
}

fn overwritten(path: &Path) -> AppError {
    AppError::usage(
        format!("the merged result would overwrite {}", path.display()),
        "name another folder with --output",
    )
}

fn unreadable(path: &Path, source: io::Error) -> AppError {
    FileError { action: "read", path: path.to_owned(), source }.into()
}

fn bad_row(path: &Path, line: Option<u64>, why: &str) -> AppError {
    let line = line.map(|line| format!(":{line}")).unwrap_or_default();
    AppError::usage(
        format!("{}{line}: {why}", path.display()),
        "copy the file again from where the shard wrote it, or remove it: it adds rows, peak and steady state",
    )
}

impl From<MergeError> for AppError {
    fn from(error: MergeError) -> Self {
        Self::usage(error.to_string(), error.hint().0)
    }
}
