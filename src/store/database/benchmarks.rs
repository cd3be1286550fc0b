//! Benchmarks: what was asked for, and how far it is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Row as _};

use super::{Database, DatabaseError};
use crate::document::v1::service::{BenchmarkAsk, BenchmarkDocument};
use crate::host::RealClock;

/// A benchmark and what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// `ahead` and `rows` are not stored: the one changes with the queue, the other is counted.
    pub benchmark: BenchmarkDocument,
    pub ask: BenchmarkAsk,
}

/// What lists are filtered and sorted by.
const INSERT: &str = "INSERT INTO benchmarks \
    (id, state, verdict, workload, workload_hash, model, hardware, title, words, created, ended) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";

const UPDATE: &str = "UPDATE benchmarks SET state = $2, verdict = $3, workload = $4, workload_hash = $5, model = $6, \
    hardware = $7, title = $8, words = $9, created = $10, ended = $11 WHERE id = $1";

/// A benchmark with all that a reader of it needs, whatever is asked for behind it.
pub(super) const SELECT: &str = "SELECT d.benchmark, d.ask, r.kept FROM benchmarks b \
    JOIN documents d ON d.id = b.id LEFT JOIN requests r ON r.id = b.id";

impl Database {
    /// Adds a benchmark; its id must be new.
    pub async fn insert(&self, kept: &Kept) -> Result<(), DatabaseError> {
        let Kept { benchmark, ask } = kept;
        let failed = |error| self.failed(error);
        let mut transaction = self.begin().await?;
        let done = columns(INSERT, benchmark).execute(&mut *transaction).await.map_err(failed)?;
        if done.rows_affected() == 0 {
            return Err(DatabaseError::Taken { what: "benchmark", name: benchmark.id.clone() });
        }
        sqlx::query("INSERT INTO documents (id, benchmark, ask) VALUES ($1, $2, $3)")
            .bind(&benchmark.id)
            .bind(stored(benchmark))
            .bind(text(ask))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// Replaces all that is known of a benchmark.
    pub async fn update(&self, benchmark: &BenchmarkDocument) -> Result<(), DatabaseError> {
        let failed = |error| self.failed(error);
        let mut transaction = self.begin().await?;
        let done = columns(UPDATE, benchmark).execute(&mut *transaction).await.map_err(failed)?;
        if done.rows_affected() == 0 {
            return Err(missing(&benchmark.id));
        }
        sqlx::query("UPDATE documents SET benchmark = $2 WHERE id = $1")
            .bind(&benchmark.id)
            .bind(stored(benchmark))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    /// The benchmark with this id.
    pub async fn find(&self, id: &str) -> Result<Option<Kept>, DatabaseError> {
        const FIND: &str = "SELECT d.benchmark, d.ask, r.kept FROM documents d \
                            LEFT JOIN requests r ON r.id = d.id WHERE d.id = $1";
        let row = sqlx::query(FIND).bind(id).fetch_optional(&self.reads).await;
        row.map_err(|error| self.failed(error))?.as_ref().map(|row| self.kept(row)).transpose()
    }

    /// What is queued or running, oldest first.
    pub async fn unfinished(&self) -> Result<Vec<Kept>, DatabaseError> {
        let query = format!("{SELECT} WHERE b.state IN ('queued', 'running') ORDER BY b.created, b.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&self.reads).await;
        rows.map_err(|error| self.failed(error))?.iter().map(|row| self.kept(row)).collect()
    }

    /// Removes a benchmark with its result and its rows; false where there is none.
    pub async fn delete(&self, id: &str) -> Result<bool, DatabaseError> {
        self.delete_from("DELETE FROM benchmarks WHERE id = $1", id).await
    }

    /// Removes the rows of a benchmark; false where there are none.
    pub(super) async fn delete_rows(&self, id: &str) -> Result<bool, DatabaseError> {
        self.delete_from("DELETE FROM requests WHERE id = $1", id).await
    }

    async fn delete_from(&self, delete: &'static str, id: &str) -> Result<bool, DatabaseError> {
        const NOTE: &str = "INSERT INTO leftovers (folder, since) SELECT folder, $2 FROM requests WHERE id = $1 \
                            ON CONFLICT DO NOTHING";
        let failed = |error| self.failed(error);
        let mut transaction = self.begin().await?;
        // The folder is noted before it goes, so that a crash between here and there leaves nothing behind for good.
        let note = sqlx::query(NOTE).bind(id).bind(RealClock::wall());
        note.execute(&mut *transaction).await.map_err(failed)?;
        let folder = sqlx::query("SELECT folder FROM requests WHERE id = $1").bind(id);
        let folder = folder.fetch_optional(&mut *transaction).await.map_err(failed)?;
        let folder: Option<String> = folder.map(|row| row.try_get(0)).transpose().map_err(failed)?;
        let done = sqlx::query(delete).bind(id).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        if let Some(folder) = folder {
            self.clear(&folder).await?;
        }
        Ok(done.rows_affected() > 0)
    }

    /// Removes the objects of a folder that nothing points at any more, and then the note of it.
    pub(super) async fn clear(&self, folder: &str) -> Result<(), DatabaseError> {
        self.objects.remove(folder).await?;
        let done = sqlx::query("DELETE FROM leftovers WHERE folder = $1").bind(folder).execute(&self.writes);
        done.await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    pub(super) fn kept(&self, row: &AnyRow) -> Result<Kept, DatabaseError> {
        let ask: String = row.try_get("ask").map_err(|error| self.failed(error))?;
        Ok(Kept { benchmark: self.benchmark(row)?, ask: self.parsed(&ask)? })
    }

    pub(super) fn benchmark(&self, row: &AnyRow) -> Result<BenchmarkDocument, DatabaseError> {
        let failed = |error| self.failed(error);
        let text: String = row.try_get("benchmark").map_err(failed)?;
        let rows: Option<i64> = row.try_get("kept").map_err(failed)?;
        let mut benchmark: BenchmarkDocument = self.parsed(&text)?;
        benchmark.rows = rows.map(i64::unsigned_abs);
        Ok(benchmark)
    }

    pub(super) fn parsed<T: DeserializeOwned>(&self, text: &str) -> Result<T, DatabaseError> {
        serde_json::from_str(text).map_err(|error| DatabaseError::Corrupt {
            place: self.shown.to_string(),
            reason: format!("a stored document cannot be read: {error}"),
        })
    }
}

pub(super) fn missing(id: &str) -> DatabaseError {
    DatabaseError::Missing { what: "benchmark", name: id.to_owned() }
}

/// As JSON. What we store is plain data with string keys, which always serialises.
pub(super) fn text(document: &impl Serialize) -> String {
    serde_json::to_string(document).unwrap_or_default()
}

fn stored(benchmark: &BenchmarkDocument) -> String {
    text(&BenchmarkDocument { ahead: None, rows: None, ..benchmark.clone() })
}

fn columns(query: &'static str, benchmark: &BenchmarkDocument) -> Query<'static, Any, AnyArguments> {
    let BenchmarkDocument {
        id,
        state,
        origin: _,
        purpose: _,
        title,
        target,
        model,
        hardware,
        workload,
        workload_hash,
        commit,
        created,
        started: _,
        ended,
        ahead: _,
        verdict,
        partial: _,
        failure: _,
        command: _,
        brief: _,
        rows: _,
    } = benchmark;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let words = [title, target, &or_empty(model), &or_empty(commit)].map(String::as_str).join("\n");
    sqlx::query(query)
        .bind(id.clone())
        .bind(state.id())
        .bind(or_empty(verdict))
        .bind(or_empty(workload))
        .bind(or_empty(workload_hash))
        .bind(or_empty(model))
        .bind(or_empty(hardware))
        .bind(title.to_lowercase())
        .bind(words.to_lowercase())
        .bind(created.clone())
        .bind(or_empty(ended))
}
