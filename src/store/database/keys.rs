//! Keys of the server's users, as hashes.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Database, DatabaseError};
use crate::document::v1::service::KeyScope;
use crate::host::RealClock;

/// A key that a request may carry. The key itself is nowhere: only whoever was given it has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    pub name: String,
    pub scope: KeyScope,
    /// SHA-256 of a key of 256 random bits.
    pub hash: [u8; 32],
    /// RFC 3339.
    pub created: String,
    /// RFC 3339; none while it holds.
    pub revoked: Option<String>,
}

impl Database {
    /// Adds a key; its name must be new.
    pub async fn add_key(&self, key: &StoredKey) -> Result<(), DatabaseError> {
        let StoredKey { name, scope, hash, created, revoked } = key;
        let insert = "INSERT INTO keys (name, scope, hash, created, revoked) VALUES ($1, $2, $3, $4, $5) \
                      ON CONFLICT DO NOTHING";
        let done = sqlx::query(insert)
            .bind(name)
            .bind(scope.id())
            .bind(hash.to_vec())
            .bind(created)
            .bind(revoked.as_deref().unwrap_or_default())
            .execute(&self.writes)
            .await
            .map_err(|error| self.failed(error))?;
        match done.rows_affected() {
            0 => Err(DatabaseError::Taken { what: "key", name: name.clone() }),
            _ => Ok(()),
        }
    }

    /// Every key, revoked ones included, oldest first.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, DatabaseError> {
        let rows = sqlx::query("SELECT name, scope, hash, created, revoked FROM keys ORDER BY created, name")
            .fetch_all(&self.reads)
            .await
            .map_err(|error| self.failed(error))?;
        rows.iter().map(|row| self.key(row)).collect()
    }

    /// The key with this hash, revoked or not.
    pub async fn key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<StoredKey>, DatabaseError> {
        let row = sqlx::query("SELECT name, scope, hash, created, revoked FROM keys WHERE hash = $1")
            .bind(hash.to_vec())
            .fetch_optional(&self.reads)
            .await
            .map_err(|error| self.failed(error))?;
        row.as_ref().map(|row| self.key(row)).transpose()
    }

    /// Makes a key worthless from now on; false where there is none of this name, or it is already.
    pub async fn revoke_key(&self, name: &str) -> Result<bool, DatabaseError> {
        let done = sqlx::query("UPDATE keys SET revoked = $2 WHERE name = $1 AND revoked = ''")
            .bind(name)
            .bind(RealClock::wall())
            .execute(&self.writes)
            .await
            .map_err(|error| self.failed(error))?;
        Ok(done.rows_affected() > 0)
    }

    fn key(&self, row: &AnyRow) -> Result<StoredKey, DatabaseError> {
        let failed = |error| self.failed(error);
        let odd = |reason: &str| DatabaseError::Corrupt {
            place: self.shown.to_string(),
            reason: format!("a key's {reason}"),
        };
        let scope: String = row.try_get("scope").map_err(failed)?;
        let hash: Vec<u8> = row.try_get("hash").map_err(failed)?;
        let revoked: String = row.try_get("revoked").map_err(failed)?;
        Ok(StoredKey {
            name: row.try_get("name").map_err(failed)?,
            scope: KeyScope::ALL
                .into_iter()
                .find(|known| known.id() == scope)
                .ok_or_else(|| odd(&format!("scope is '{scope}'")))?,
            hash: hash.try_into().map_err(|_| odd("hash has not 32 bytes"))?,
            created: row.try_get("created").map_err(failed)?,
            revoked: Some(revoked).filter(|at| !at.is_empty()),
        })
    }
}
