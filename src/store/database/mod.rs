//! History in a database: benchmarks, their results and keys in SQLite or PostgreSQL, the rows of their requests as objects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, Executor as _};

mod benchmarks;
mod error;
mod keys;
mod list;
mod objects;
mod pack;
mod place;
mod points;
mod results;
mod retention;
mod rows;
mod schema;
mod table;

#[cfg(test)]
mod tests;

pub use benchmarks::Kept;
pub use error::DatabaseError;
pub use keys::StoredKey;
pub use list::{Sort, Wanted};
pub use place::{Place, masked};
pub use points::PointsAsk;
pub use retention::{Pruned, Retention};
pub use rows::{Pieces, RowsForm};

use objects::Objects;
use place::{Address, Engine};

/// Enough for pages that are looked at side by side; PostgreSQL has 100 for all its users.
const READERS: u32 = 6;

/// How long a statement waits for a connection, or a lock, before it gives up.
const PATIENCE: Duration = Duration::from_secs(8);

/// A file that is closed cleanly or not is whole: the log is written and synced first, and what was committed is on the disk.
const PRAGMAS: &str = "PRAGMA busy_timeout = 8000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// A database and its object store. Clones share one pool of connections.
#[derive(Clone)]
pub struct Database {
    reads: AnyPool,
    /// SQLite has one writer at a time, and who waits for a connection waits in a queue; PostgreSQL writes through the same pool.
    writes: AnyPool,
    engine: Engine,
    /// The URL as messages show it.
    shown: Arc<str>,
    objects: Objects,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.shown).finish()
    }
}

impl Database {
    /// Opens a database, makes what is missing, and brings an older one to this version's schema.
    pub async fn open(place: &Place) -> Result<Self, DatabaseError> {
        let address = Address::parse(&place.url)?;
        let objects = Objects::open(&place.objects)?;
        let writes = connect(&address).await?;
        let reads = match address.engine {
            Engine::Sqlite => pool(address.engine, READERS).connect_lazy_with(options(&address)?),
            Engine::Postgres => writes.clone(),
        };
        Ok(Self { reads, writes, engine: address.engine, shown: address.shown.into(), objects })
    }

    /// Whether it can be written to now, and whether the object store answers.
    pub async fn ready(&self) -> Result<(), DatabaseError> {
        let mark = "INSERT INTO about (name, value) VALUES ('ready', 1) \
                    ON CONFLICT (name) DO UPDATE SET value = about.value + 1";
        sqlx::query(mark).execute(&self.writes).await.map_err(|error| self.failed(error))?;
        self.objects.ready().await
    }

    /// The URL of the database, without its password.
    pub fn place(&self) -> &str {
        &self.shown
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
    fn failed(&self, error: sqlx::Error) -> DatabaseError {
        DatabaseError::of(&self.shown, &error)
    }

    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Any>, DatabaseError> {
        self.writes.begin_with(self.engine.begin()).await.map_err(|error| self.failed(error))
    }
}

/// A pool whose first connection stands, over tables of this version.
async fn connect(address: &Address) -> Result<AnyPool, DatabaseError> {
    sqlx::any::install_default_drivers();
    if let Some(folder) = address.file.as_ref().and_then(|file| file.parent()) {
        std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Open {
            place: address.shown.clone(),
            reason: source.to_string(),
        })?;
    }
    let count = match address.engine {
        Engine::Sqlite => 1,
        Engine::Postgres => READERS,
    };
    let connected = pool(address.engine, count).connect_with(options(address)?).await;
    let writes = connected.map_err(|error| match DatabaseError::of(&address.shown, &error) {
        DatabaseError::Lost { place, reason } | DatabaseError::Refused { place, reason } => {
            DatabaseError::Open { place, reason }
        }
        other => other,
    })?;
    schema::migrate(&writes, address.engine, &address.shown).await?;
    Ok(writes)
}

fn options(address: &Address) -> Result<AnyConnectOptions, DatabaseError> {
    address.url.parse().map_err(|_: sqlx::Error| DatabaseError::Url {
        value: address.shown.clone(),
        reason: "it is not a URL".to_owned(),
    })
}

fn pool(engine: Engine, count: u32) -> AnyPoolOptions {
    let options = AnyPoolOptions::new().max_connections(count).acquire_timeout(PATIENCE);
    match engine {
        Engine::Sqlite => options.after_connect(|connection, _| {
            Box::pin(async move { connection.execute(PRAGMAS).await.map(|_| ()) })
        }),
        Engine::Postgres => options,
    }
}
