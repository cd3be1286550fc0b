//! The tables, and how an older database gets to them.

use sqlx::{AnyPool, AssertSqlSafe, Row as _};

use super::DatabaseError;
use super::place::Engine;

/// Every step since the first version, oldest first. A step that was released is never changed.
///
/// `TEXT` compares byte by byte and `BYTES` are bytes; each database has words of its own for them. Absent texts are empty, so
/// that a page of a list can begin behind any of them. What lists are filtered and sorted by stands apart from the documents,
/// which are read for one page only.
const STEPS: &[&str] = &["
CREATE TABLE benchmarks (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, verdict TEXT NOT NULL, workload TEXT NOT NULL, workload_hash TEXT NOT NULL,
    model TEXT NOT NULL, hardware TEXT NOT NULL, title TEXT NOT NULL, words TEXT NOT NULL, created TEXT NOT NULL,
    ended TEXT NOT NULL
);
CREATE INDEX benchmarks_created ON benchmarks (created, id);
CREATE INDEX benchmarks_ended ON benchmarks (ended, id);
CREATE INDEX benchmarks_title ON benchmarks (title, id);
CREATE INDEX benchmarks_model ON benchmarks (model, id);
CREATE INDEX benchmarks_verdict ON benchmarks (verdict, id);
CREATE INDEX benchmarks_state ON benchmarks (state, created);
CREATE INDEX benchmarks_key ON benchmarks (workload, workload_hash, model, hardware, state, created);
CREATE TABLE documents (
    id TEXT PRIMARY KEY REFERENCES benchmarks (id) ON DELETE CASCADE, benchmark TEXT NOT NULL, ask TEXT NOT NULL
);
CREATE TABLE results (
    id TEXT PRIMARY KEY REFERENCES benchmarks (id) ON DELETE CASCADE, result BYTES NOT NULL, windows TEXT NOT NULL
);
CREATE TABLE requests (
    id TEXT PRIMARY KEY REFERENCES benchmarks (id) ON DELETE CASCADE, kept BIGINT NOT NULL, folder TEXT NOT NULL,
    frames TEXT NOT NULL, size BIGINT NOT NULL
);
CREATE TABLE leftovers (folder TEXT PRIMARY KEY, since TEXT NOT NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY, scope TEXT NOT NULL, hash BYTES NOT NULL UNIQUE, created TEXT NOT NULL, revoked TEXT NOT NULL
);
CREATE TABLE texts (
    shelf TEXT NOT NULL, name TEXT NOT NULL, version BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (shelf, name)
);
"];

/// Any number, as long as every version of this program takes the same one.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7301953372184416)";

/// Brings the tables to this version's schema, all steps or none. Others who open the database meanwhile wait.
pub(super) async fn migrate(pool: &AnyPool, engine: Engine, place: &str) -> Result<(), DatabaseError> {
    let failed = |error: sqlx::Error| DatabaseError::of(place, &error);
    let mut transaction = pool.begin_with(engine.begin()).await.map_err(failed)?;
    if engine == Engine::Postgres {
        sqlx::query(LOCK).execute(&mut *transaction).await.map_err(failed)?;
    }
    sqlx::query("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BIGINT NOT NULL)")
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let found = sqlx::query("SELECT value FROM about WHERE name = 'schema'")
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    let found: i64 = found.map(|row| row.try_get(0)).transpose().map_err(failed)?.unwrap_or(0);
    let known = (STEPS.len() as u64).cast_signed();
    if found > known {
        return Err(DatabaseError::Newer { place: place.to_owned(), found, known });
    }
    for step in &STEPS[usize::try_from(found).unwrap_or(0)..] {
        let text = AssertSqlSafe(engine.words(step));
        sqlx::raw_sql(text).execute(&mut *transaction).await.map_err(failed)?;
    }
    if found < known {
        let set = "INSERT INTO about (name, value) VALUES ('schema', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(set).bind(known).execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}
