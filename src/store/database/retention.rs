//! What becomes too old, and what stays whatever its age.

use jiff::{SignedDuration, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};

use super::{Database, DatabaseError};

/// How long benchmarks are kept. What is none is kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days since a benchmark was asked for.
    pub keep_days: Option<u32>,
    /// How many benchmarks, the newest first.
    pub keep_count: Option<u32>,
    /// Days for which the rows of single requests are kept; the result outlives them.
    pub rows_days: Option<u32>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    pub benchmarks: u64,
    /// Benchmarks whose rows were removed while they themselves stay.
    pub rows: u64,
}

/// An upload that began so long ago has been given up.
const LEFTOVER: SignedDuration = SignedDuration::from_hours(24);

/// Over, and not the newest finished one of its workload, model and hardware.
const OLD: &str = "state NOT IN ('queued', 'running') AND NOT (state = 'finished' AND NOT EXISTS ( \
    SELECT 1 FROM benchmarks n WHERE n.state = 'finished' AND n.workload = b.workload \
    AND n.workload_hash = b.workload_hash AND n.model = b.model AND n.hardware = b.hardware \
    AND (n.created, n.id) > (b.created, b.id)))";

impl Database {
    /// Removes what `policy` does not keep at `now` (RFC 3339), and what earlier crashes left in the object store. What is
    /// queued or running stays, and so does the newest finished benchmark of every workload.
    pub async fn prune(&self, policy: &Retention, now: &str) -> Result<Pruned, DatabaseError> {
        let Retention { keep_days, keep_count, rows_days } = *policy;
        let mut pruned = Pruned::default();
        if let Some(days) = keep_days {
            let query = format!("SELECT id FROM benchmarks b WHERE created < $1 AND {OLD}");
            let ids = self.ids(&query, &before(now, days)?).await?;
            pruned.benchmarks += self.delete_all(ids).await?;
        }
        if let Some(count) = keep_count {
            // Every one is later than nothing: the query takes a value as the others do.
            let query = format!(
                "SELECT id FROM benchmarks b WHERE created >= $1 AND {OLD} AND id NOT IN \
                 (SELECT id FROM benchmarks ORDER BY created DESC, id DESC LIMIT {count})"
            );
            pruned.benchmarks += self.delete_all(self.ids(&query, "").await?).await?;
        }
        if let Some(days) = rows_days {
            let query = format!(
                "SELECT id FROM benchmarks b WHERE created < $1 AND id IN (SELECT id FROM requests) AND {OLD}"
            );
            for id in self.ids(&query, &before(now, days)?).await? {
                self.delete_rows(&id).await?;
                pruned.rows += 1;
            }
        }
        let since = instant(now)? - LEFTOVER;
        for folder in self.ids("SELECT folder FROM leftovers WHERE since < $1", &since.to_string()).await? {
            self.clear(&folder).await?;
        }
        Ok(pruned)
    }

    async fn ids(&self, query: &str, value: &str) -> Result<Vec<String>, DatabaseError> {
        let failed = |error| self.failed(error);
        let rows =
            sqlx::query(AssertSqlSafe(query)).bind(value).fetch_all(&self.reads).await.map_err(failed)?;
        rows.iter().map(|row| row.try_get(0).map_err(failed)).collect()
    }

    async fn delete_all(&self, ids: Vec<String>) -> Result<u64, DatabaseError> {
        let mut deleted = 0;
        for id in ids {
            deleted += u64::from(self.delete(&id).await?);
        }
        Ok(deleted)
    }
}

/// The instant so many days before `now`, as documents write it.
fn before(now: &str, days: u32) -> Result<String, DatabaseError> {
    let earlier = instant(now)?.checked_sub(SignedDuration::from_hours(24 * i64::from(days)));
    Ok(earlier.unwrap_or(Timestamp::MIN).to_string())
}

fn instant(text: &str) -> Result<Timestamp, DatabaseError> {
    text.parse().map_err(|error: jiff::Error| DatabaseError::Instant {
        value: text.to_owned(),
        reason: error.to_string(),
    })
}
