//! From the lines of a run to two objects: the lines in frames, and the same as a table.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::Path;

use bytes::Bytes;
use tokio::sync::mpsc::Sender;

use super::DatabaseError;
use super::rows::{Piece, RowsForm};
use super::table::Table;
use crate::document::v1::RowDocument;
use crate::host::files::FileError;

/// Lines of a frame: what must be read to show one row.
pub(super) const FRAME_ROWS: u64 = 1024;

/// Rows of a group of the table, or their text, whichever is reached first: what must be in memory at once.
const GROUP_ROWS: usize = 8192;
const GROUP_BYTES: usize = 32 << 20;

/// A line of a request with a hundred thousand tokens is about a megabyte.
const LINE_MAX: u64 = 64 << 20;

const LEVEL: i32 = 3;

/// What was packed.
pub(super) struct Packed {
    pub(super) rows: u64,
    /// Where each frame begins, and where the last one ends.
    pub(super) offsets: Vec<u64>,
    /// Bytes of the table.
    pub(super) size: u64,
}

/// One object's bytes on their way to whoever uploads them.
pub(super) struct Pipe<'a> {
    form: RowsForm,
    sender: &'a Sender<Piece>,
    pub(super) sent: u64,
}

impl<'a> Pipe<'a> {
    fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.sent += bytes.len() as u64;
        let piece = (self.form, Bytes::from(bytes));
        self.sender.blocking_send(piece).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    fn new(form: RowsForm, sender: &'a Sender<Piece>) -> Self {
        Self { form, sender, sent: 0 }
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes.to_vec())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a whole file on this thread, and sends both objects piece by piece.
pub(super) fn pack(path: &Path, sender: &Sender<Piece>) -> Result<Packed, DatabaseError> {
    let failed = |source| FileError { action: "read", path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed)?);
    let mut lines = Pipe::new(RowsForm::Jsonl, sender);
    let mut table = Table::new(Pipe::new(RowsForm::Parquet, sender)).map_err(failed)?;
    let (mut frame, mut group, mut line) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rows, mut offsets, mut size) = (0_u64, vec![0], 0);
    loop {
        line.clear();
        let read = file.by_ref().take(LINE_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        let cut = line.last() != Some(&b'\n');
        let row: Option<RowDocument> = match serde_json::from_slice(&line) {
            Ok(row) => Some(row),
            // The program that wrote it ended in the middle of the line, or it was the last one.
            Err(_) if cut && (read as u64) < LINE_MAX => None,
            Err(error) => {
                let (path, reason) = (path.to_owned(), error.to_string());
                return Err(DatabaseError::Row { path, line: rows + 1, reason });
            }
        };
        let ended = row.is_none();
        if let Some(row) = row {
            rows += 1;
            size += line.len();
            frame.extend_from_slice(&line);
            if cut {
                frame.push(b'\n');
            }
            group.push(row);
        }
        if !frame.is_empty() && (ended || rows.is_multiple_of(FRAME_ROWS)) {
            let packed = zstd::encode_all(&frame[..], LEVEL).map_err(failed)?;
            lines.send(packed).map_err(failed)?;
            offsets.push(lines.sent);
            frame.clear();
        }
        if !group.is_empty() && (ended || group.len() >= GROUP_ROWS || size >= GROUP_BYTES) {
            table.add(&group).map_err(failed)?;
            group.clear();
            size = 0;
        }
        if ended {
            return Ok(Packed { rows, offsets, size: table.close().map_err(failed)? });
        }
    }
}
