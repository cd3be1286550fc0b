//! Results, compressed, and what histories are made of.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

use super::benchmarks::{SELECT, missing, text};
use super::{Database, DatabaseError};
use crate::document::v1::service::BenchmarkDocument;
use crate::document::v1::{Key, RoundDocument, RunDocument, SIZE_MAX};

/// When the window of each level of each round began, in seconds since the run's start: label, then round.
pub(super) type Windows = BTreeMap<String, BTreeMap<u32, f64>>;

/// Fast, and a tenth of the text.
const LEVEL: i32 = 3;

impl Database {
    /// Stores a benchmark's result, in the place of an earlier one.
    pub async fn put_result(&self, id: &str, result: &RunDocument) -> Result<(), DatabaseError> {
        let put = "INSERT INTO results (id, result, windows) SELECT id, $2, $3 FROM benchmarks WHERE id = $1 \
                   ON CONFLICT (id) DO UPDATE SET result = excluded.result, windows = excluded.windows";
        let packed = self.coded(zstd::encode_all(result.to_json().as_bytes(), LEVEL))?;
        let done = sqlx::query(put)
            .bind(id)
            .bind(packed)
            .bind(text(&windows(&result.rounds)))
            .execute(&self.writes)
            .await
            .map_err(|error| self.failed(error))?;
        if done.rows_affected() == 0 { Err(missing(id)) } else { Ok(()) }
    }

    /// A benchmark's result, where there is one.
    pub async fn result(&self, id: &str) -> Result<Option<RunDocument>, DatabaseError> {
        let row = sqlx::query("SELECT id, result FROM results WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.reads)
            .await
            .map_err(|error| self.failed(error))?;
        row.as_ref().map(|row| self.unpacked(row)).transpose()
    }

    /// The newest finished benchmarks of this workload, model and hardware that have a result, oldest first.
    pub async fn same_workload(
        &self,
        key: &Key,
        limit: u32,
    ) -> Result<Vec<(BenchmarkDocument, RunDocument)>, DatabaseError> {
        let Key { workload, model, hardware, workload_hash } = key;
        let query = format!(
            "{} WHERE b.workload = $1 AND b.workload_hash = $2 AND b.model = $3 AND b.hardware = $4 \
             AND b.state = 'finished' ORDER BY b.created DESC, b.id DESC LIMIT {limit}",
            SELECT
                .replace("SELECT ", "SELECT b.id, s.result, ")
                .replace(" LEFT JOIN", " JOIN results s ON s.id = b.id LEFT JOIN")
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(workload)
            .bind(workload_hash)
            .bind(model)
            .bind(hardware)
            .fetch_all(&self.reads)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().rev().map(|row| Ok((self.benchmark(row)?, self.unpacked(row)?))).collect()
    }

    /// Every workload, model and hardware with finished benchmarks, how many there are and when the newest was created; the
    /// newest first.
    pub async fn workloads(&self) -> Result<Vec<(Key, u64, String)>, DatabaseError> {
        const QUERY: &str = "SELECT workload, workload_hash, model, hardware, COUNT(*) AS sessions, MAX(created) AS newest \
            FROM benchmarks WHERE state = 'finished' AND workload_hash <> '' \
            GROUP BY workload, workload_hash, model, hardware ORDER BY newest DESC, workload, model, hardware";
        let failed = |error| self.failed(error);
        let rows = sqlx::query(QUERY).fetch_all(&self.reads).await.map_err(failed)?;
        let read = |row: &AnyRow| -> Result<(Key, u64, String), sqlx::Error> {
            let count: i64 = row.try_get("sessions")?;
            let key = Key {
                workload: row.try_get("workload")?,
                model: row.try_get("model")?,
                hardware: row.try_get("hardware")?,
                workload_hash: row.try_get("workload_hash")?,
            };
            Ok((key, count.unsigned_abs(), row.try_get("newest")?))
        };
        rows.iter().map(|row| read(row).map_err(failed)).collect()
    }

    /// When the windows of a benchmark began; empty without a result.
    pub(super) async fn windows(&self, id: &str) -> Result<Windows, DatabaseError> {
        let failed = |error| self.failed(error);
        let row = sqlx::query("SELECT windows FROM results WHERE id = $1").bind(id);
        let Some(row) = row.fetch_optional(&self.reads).await.map_err(failed)? else {
            return Ok(Windows::new());
        };
        let text: String = row.try_get(0).map_err(failed)?;
        self.parsed(&text)
    }

    fn unpacked(&self, row: &AnyRow) -> Result<RunDocument, DatabaseError> {
        let failed = |error| self.failed(error);
        let id: String = row.try_get("id").map_err(failed)?;
        let packed: Vec<u8> = row.try_get("result").map_err(failed)?;
        let mut bytes = Vec::new();
        // Bounded: a few damaged bytes must not ask for all memory.
        let read = zstd::Decoder::new(&packed[..]).and_then(|decoder| {
            std::io::Read::read_to_end(&mut std::io::Read::take(decoder, SIZE_MAX), &mut bytes)
        });
        self.coded(read)?;
        let text = String::from_utf8(bytes).map_err(|error| DatabaseError::Corrupt {
            place: self.shown.to_string(),
            reason: format!("the result of '{id}' is not text: {error}"),
        })?;
        Ok(RunDocument::from_json(Path::new(&format!("the result of benchmark '{id}'")), &text)?)
    }

    fn coded<T>(&self, result: std::io::Result<T>) -> Result<T, DatabaseError> {
        result.map_err(|error| DatabaseError::Corrupt {
            place: self.shown.to_string(),
            reason: format!("a compressed result cannot be read: {error}"),
        })
    }
}

fn windows(rounds: &[RoundDocument]) -> Windows {
    let mut windows = Windows::new();
    for round in rounds {
        for level in &round.levels {
            windows.entry(level.label.clone()).or_default().insert(round.round, level.window.start_s);
        }
    }
    windows
}
