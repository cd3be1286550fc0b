//! History in a database: benchmarks, their results and keys in SQLite or PostgreSQL, the rows of their requests as objects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _};

mod benchmarks;
mod error;
mod keys;
mod line;
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
pub(super) use line::Line;
pub use list::{Sort, Wanted};
pub use place::{Place, masked};
pub use points::PointsAsk;
pub use retention::{Pruned, Retention};
pub use rows::{Pieces, RowsForm};

use objects::Objects;
use place::{Address, Engine};

use super::{Ledgers, Store};

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
    /// The way to the same database for callers that wait.
    line: Line,
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
        let engine = address.engine;
        let (writes, reads) = match engine {
            Engine::Sqlite => {
                let writes = connect(&address, 1).await?;
                (writes, pool(engine, READERS).connect_lazy_with(options(&address)?))
            }
            Engine::Postgres => {
                let pool = connect(&address, READERS).await?;
                (pool.clone(), pool)
            }
        };
        let shown = address.shown.as_str().into();
        Ok(Self { reads, writes, engine, shown, objects, line: Line::to(address) })
    }

    /// Baselines that are kept in this database. Its answers are waited for: not on a thread that others need.
    pub fn baselines(&self) -> Store {
        self.line.baselines()
    }

    /// Evidence that is kept in this database, waited for as baselines are.
    pub fn ledgers(&self) -> Ledgers {
        self.line.ledgers()
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
async fn connect(address: &Address, count: u32) -> Result<AnyPool, DatabaseError> {
    sqlx::any::install_default_drivers();
    if let Some(folder) = address.file.as_ref().and_then(|file| file.parent()) {
        std::fs::create_dir_all(folder).map_err(|source| DatabaseError::Open {
            place: address.shown.clone(),
            reason: source.to_string(),
        })?;
    }
    let opening = |error: sqlx::Error| match DatabaseError::of(&address.shown, &error) {
        DatabaseError::Lost { place, reason } | DatabaseError::Refused { place, reason } => {
            DatabaseError::Open { place, reason }
        }
        other => other,
    };
    let options = options(address)?;
    // By itself: a pool would try again and again, and tell only that it waited long enough.
    let mut first = options.connect().await.map_err(opening)?;
    prepare(&mut first, address.engine).await.map_err(opening)?;
    first.close().await.map_err(opening)?;
    let writes = pool(address.engine, count).connect_with(options).await.map_err(opening)?;
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
    AnyPoolOptions::new()
        .max_connections(count)
        .acquire_timeout(PATIENCE)
        .after_connect(move |connection, _| Box::pin(prepare(connection, engine)))
}

async fn prepare(connection: &mut AnyConnection, engine: Engine) -> Result<(), sqlx::Error> {
    match engine {
        Engine::Sqlite => sqlx::raw_sql(PRAGMAS).execute(connection).await.map(|_| ()),
        Engine::Postgres => Ok(()),
    }
}
