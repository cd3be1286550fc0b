//! Rows of single requests: packed into objects once, and read in any part.

use std::path::Path;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::WriteMultipart;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::benchmarks::{missing, text};
use super::pack::{FRAME_ROWS, Packed, pack};
use super::{Database, DatabaseError};
use crate::document::v1::RowDocument;
use crate::host::files::FileError;
use crate::host::{RealClock, nonce};

/// In which form rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsForm {
    /// `requests.jsonl`, line by line as it was.
    Jsonl,
    /// A table: `requests.parquet`.
    Parquet,
}

/// Pieces of an object, as they come.
pub type Pieces = BoxStream<'static, Result<Bytes, DatabaseError>>;

/// Where the rows of a benchmark are.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) folder: String,
    frames: Frames,
    /// Bytes of the table.
    pub(super) size: u64,
}

/// Compressed pieces of the lines, each of which can be read alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Frames {
    /// Lines in each but the last.
    rows: u64,
    /// Where each begins, and where the last one ends.
    offsets: Vec<u64>,
}

/// What a column of a transfer is for, and its bytes.
pub(super) type Piece = (RowsForm, Bytes);

/// Pieces under way between the packing thread and the uploads: a few megabytes.
const PIECES_MAX: usize = 8;

/// Parts of one upload in flight.
const PARTS_MAX: usize = 4;

const READ: u64 = 1 << 20;

impl RowsForm {
    pub(super) fn object(self, folder: &str) -> String {
        match self {
            Self::Jsonl => format!("{folder}/requests.jsonl.zst"),
            Self::Parquet => format!("{folder}/requests.parquet"),
        }
    }
}

impl Database {
    /// Keeps the rows of a benchmark from the `requests.jsonl` of its run, in the place of earlier ones, and answers with their
    /// number. A last line that was cut is left out.
    pub async fn put_rows(&self, id: &str, jsonl: &Path) -> Result<u64, DatabaseError> {
        let chance =
            nonce().map_err(|source| FileError { action: "read", path: "/dev/urandom".into(), source })?;
        let folder = format!("{id}/{chance}");
        // Noted first: what a crash leaves in the folder is removed one day.
        sqlx::query("INSERT INTO leftovers (folder, since) VALUES ($1, $2)")
            .bind(&folder)
            .bind(RealClock::wall())
            .execute(&self.writes)
            .await
            .map_err(|error| self.failed(error))?;
        let done = match self.upload(&folder, jsonl).await {
            Ok(packed) => self.point_at(id, &folder, &packed).await.map(|()| packed.rows),
            Err(error) => Err(error),
        };
        if done.is_err() {
            // The first error is the one to tell, and the note stays where this fails, too.
            drop(self.clear(&folder).await);
        }
        done
    }

    async fn upload(&self, folder: &str, jsonl: &Path) -> Result<Packed, DatabaseError> {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<Piece>(PIECES_MAX);
        let path = jsonl.to_owned();
        let packing = tokio::task::spawn_blocking(move || pack(&path, &sender));
        let names = [RowsForm::Jsonl, RowsForm::Parquet].map(|form| form.object(folder));
        let mut lines = self.objects.begin(&names[0]).await?;
        let mut table = self.objects.begin(&names[1]).await?;
        let mut failure = None;
        while let Some((form, bytes)) = receiver.recv().await {
            let (upload, name) = match form {
                RowsForm::Jsonl => (&mut lines, &names[0]),
                RowsForm::Parquet => (&mut table, &names[1]),
            };
            if let Err(error) = upload.wait_for_capacity(PARTS_MAX).await {
                failure = Some(self.objects.failed("write", name, &error));
                break;
            }
            upload.put(bytes);
        }
        drop(receiver);
        let packed = packing.await.map_err(|error| self.objects.damaged(folder, error))?;
        let packed = match (failure, packed) {
            (Some(error), _) | (None, Err(error)) => {
                abandon(lines).await;
                abandon(table).await;
                return Err(error);
            }
            (None, Ok(packed)) => packed,
        };
        for (upload, name) in [(lines, &names[0]), (table, &names[1])] {
            upload.finish().await.map_err(|error| self.objects.failed("write", name, &error))?;
        }
        Ok(packed)
    }

    /// From here on the folder is the benchmark's, and an earlier one is nobody's.
    async fn point_at(&self, id: &str, folder: &str, packed: &Packed) -> Result<(), DatabaseError> {
        const PUT: &str = "INSERT INTO requests (id, kept, folder, frames, size) \
            SELECT id, $2, $3, $4, $5 FROM benchmarks WHERE id = $1 ON CONFLICT (id) DO UPDATE \
            SET kept = excluded.kept, folder = excluded.folder, frames = excluded.frames, size = excluded.size";
        let failed = |error| self.failed(error);
        let earlier = self.stored(id).await?.map(|stored| stored.folder);
        let frames = Frames { rows: FRAME_ROWS, offsets: packed.offsets.clone() };
        let mut transaction = self.begin().await?;
        if let Some(earlier) = &earlier {
            let note = "INSERT INTO leftovers (folder, since) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            let note = sqlx::query(note).bind(earlier).bind(RealClock::wall());
            note.execute(&mut *transaction).await.map_err(failed)?;
        }
        let put = sqlx::query(PUT)
            .bind(id)
            .bind(packed.rows.cast_signed())
            .bind(folder)
            .bind(text(&frames))
            .bind(packed.size.cast_signed());
        if put.execute(&mut *transaction).await.map_err(failed)?.rows_affected() == 0 {
            return Err(missing(id));
        }
        let note = sqlx::query("DELETE FROM leftovers WHERE folder = $1").bind(folder);
        note.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        match earlier {
            Some(earlier) => self.clear(&earlier).await,
            None => Ok(()),
        }
    }

    /// The rows of a benchmark, piece by piece; none where none are kept.
    pub async fn rows(&self, id: &str, form: RowsForm) -> Result<Option<Pieces>, DatabaseError> {
        let Some(stored) = self.stored(id).await? else { return Ok(None) };
        let database = self.clone();
        Ok(Some(match form {
            RowsForm::Jsonl => {
                let count = stored.frames.offsets.len().saturating_sub(1);
                stream::iter(0..count)
                    .then(move |frame| {
                        let (database, stored) = (database.clone(), stored.clone());
                        async move { database.frame(&stored, frame).await.map(Bytes::from) }
                    })
                    .boxed()
            }
            RowsForm::Parquet => {
                let name = form.object(&stored.folder);
                stream::iter((0..stored.size).step_by(READ as usize))
                    .then(move |start| {
                        let (objects, name) = (database.objects.clone(), name.clone());
                        let range = start..(start + READ).min(stored.size);
                        async move { objects.part(&name, range).await }
                    })
                    .boxed()
            }
        }))
    }

    /// One row, counted from 0; none where there is no such row.
    pub async fn row(&self, id: &str, row: u64) -> Result<Option<RowDocument>, DatabaseError> {
        let Some(stored) = self.stored(id).await? else { return Ok(None) };
        let frame = row / stored.frames.rows.max(1);
        if frame + 1 >= stored.frames.offsets.len() as u64 {
            return Ok(None);
        }
        let lines = self.frame(&stored, frame as usize).await?;
        let within = (row % stored.frames.rows.max(1)) as usize;
        let line = lines.split(|byte| *byte == b'\n').nth(within).filter(|line| !line.is_empty());
        let read = |line| {
            serde_json::from_slice(line)
                .map_err(|error| self.objects.damaged(&RowsForm::Jsonl.object(&stored.folder), error))
        };
        line.map(read).transpose()
    }

    /// The lines of one frame.
    async fn frame(&self, stored: &Stored, frame: usize) -> Result<Vec<u8>, DatabaseError> {
        let name = RowsForm::Jsonl.object(&stored.folder);
        let (Some(from), Some(to)) = (stored.frames.offsets.get(frame), stored.frames.offsets.get(frame + 1))
        else {
            return Err(self.objects.damaged(&name, "a piece of it is unknown"));
        };
        let packed = self.objects.part(&name, *from..*to).await?;
        zstd::decode_all(&packed[..]).map_err(|error| self.objects.damaged(&name, error))
    }

    /// Where the rows of a benchmark are; none where none are kept.
    pub(super) async fn stored(&self, id: &str) -> Result<Option<Stored>, DatabaseError> {
        let failed = |error| self.failed(error);
        let row = sqlx::query("SELECT folder, frames, size FROM requests WHERE id = $1").bind(id);
        let Some(row) = row.fetch_optional(&self.reads).await.map_err(failed)? else { return Ok(None) };
        let frames: String = row.try_get("frames").map_err(failed)?;
        let size: i64 = row.try_get("size").map_err(failed)?;
        Ok(Some(Stored {
            folder: row.try_get("folder").map_err(failed)?,
            frames: self.parsed(&frames)?,
            size: size.unsigned_abs(),
        }))
    }
}

/// Gives up an upload whose parts may be there already.
async fn abandon(upload: WriteMultipart) {
    // Best effort: why it is given up is the error worth telling.
    drop(upload.abort().await);
}
