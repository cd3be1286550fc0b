//! Named texts in the database for callers that wait: a thread with a runtime of its own answers them, whatever they run in.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use sqlx::{AnyPool, Row as _};

use super::place::Address;
use super::{DatabaseError, connect};
use crate::store::shelf::{Shelf, Text};
use crate::store::{Ledgers, Store, StoreError};

/// Callers that wait at once; the next ones wait to ask.
const JOBS_MAX: usize = 64;

/// A database that answers on a thread of its own. Clones share it.
#[derive(Clone)]
pub(in crate::store) struct Line {
    address: Arc<Address>,
    jobs: Arc<Mutex<Option<SyncSender<Job>>>>,
}

/// What is to be done with a connection, or with the news that there is none.
type Job = Box<dyn FnOnce(Result<AnyPool, DatabaseError>) -> BoxFuture<'static, ()> + Send>;

/// One kind of texts.
#[derive(Debug)]
struct Remote {
    line: Line,
    kind: &'static str,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Line").field(&self.address.shown).finish()
    }
}

impl Line {
    /// Nothing is opened before it is needed.
    pub(in crate::store) fn new(url: &str) -> Result<Self, DatabaseError> {
        Ok(Self::to(Address::parse(url)?))
    }

    pub(super) fn to(address: Address) -> Self {
        Self { address: Arc::new(address), jobs: Arc::default() }
    }

    pub(in crate::store) fn baselines(&self) -> Store {
        Store { shelf: Arc::new(Remote { line: self.clone(), kind: "baselines" }) }
    }

    pub(in crate::store) fn ledgers(&self) -> Ledgers {
        Ledgers { shelf: Arc::new(Remote { line: self.clone(), kind: "ledger" }) }
    }

    /// Asks the thread and waits for its answer.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(AnyPool) -> BoxFuture<'static, Result<T, sqlx::Error>> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (reply, answer) = sync_channel(1);
        let shown = self.address.shown.clone();
        let job: Job = Box::new(move |pool| {
            Box::pin(async move {
                let done = match pool {
                    Ok(pool) => work(pool).await.map_err(|error| DatabaseError::of(&shown, &error)),
                    Err(error) => Err(error),
                };
                // Nobody listens any more where the caller has ended.
                drop(reply.send(done));
            })
        });
        let gone = || DatabaseError::Lost {
            place: self.address.shown.clone(),
            reason: "its thread has ended".to_owned(),
        };
        self.sender()?.send(job).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }

    /// The way to the thread, which starts with the first question.
    fn sender(&self) -> Result<SyncSender<Job>, DatabaseError> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*jobs {
            return Ok(sender.clone());
        }
        let failed = |error: std::io::Error| DatabaseError::Open {
            place: self.address.shown.clone(),
            reason: error.to_string(),
        };
        let (sender, receiver) = sync_channel(JOBS_MAX);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let address = Arc::clone(&self.address);
        let thread = std::thread::Builder::new().name("store".to_owned());
        drop(thread.spawn(move || runtime.block_on(serve(&address, &receiver))).map_err(failed)?);
        *jobs = Some(sender.clone());
        Ok(sender)
    }
}

/// Until nobody can ask any more. A connection that could not be made is tried again for the next question.
async fn serve(address: &Address, jobs: &Receiver<Job>) {
    let mut connected: Option<AnyPool> = None;
    // Waiting here blocks this thread's runtime, which has nothing else to do.
    for job in jobs {
        let pool = match &connected {
            Some(pool) => Ok(pool.clone()),
            None => connect(address, 1).await.inspect(|pool| connected = Some(pool.clone())),
        };
        job(pool).await;
    }
    if let Some(pool) = connected {
        pool.close().await;
    }
}

impl Shelf for Remote {
    fn path(&self, name: &str) -> PathBuf {
        let shown = self.line.address.shown.split('?').next().unwrap_or_default();
        PathBuf::from(format!("{shown}/{}/{name}", self.kind))
    }

    fn read(&self, name: &str) -> Result<Option<Text>, StoreError> {
        const READ: &str = "SELECT body, version FROM texts WHERE shelf = $1 AND name = $2";
        let (kind, name) = (self.kind, name.to_owned());
        Ok(self.line.ask(move |pool| {
            Box::pin(async move {
                let row = sqlx::query(READ).bind(kind).bind(name).fetch_optional(&pool).await?;
                let text = |row: &sqlx::any::AnyRow| {
                    Ok(Text { body: row.try_get("body")?, version: row.try_get("version")? })
                };
                row.as_ref().map(text).transpose()
            })
        })?)
    }

    fn write(&self, name: &str, body: &str, seen: Option<i64>) -> Result<bool, StoreError> {
        const INSERT: &str = "INSERT INTO texts (shelf, name, version, body) VALUES ($1, $2, 1, $3) \
                              ON CONFLICT DO NOTHING";
        const UPDATE: &str = "UPDATE texts SET body = $3, version = version + 1 \
                              WHERE shelf = $1 AND name = $2 AND version = $4";
        let (kind, name, body) = (self.kind, name.to_owned(), body.to_owned());
        Ok(self.line.ask(move |pool| {
            Box::pin(async move {
                let query = sqlx::query(if seen.is_some() { UPDATE } else { INSERT });
                let query = query.bind(kind).bind(name).bind(body);
                let query = match seen {
                    Some(version) => query.bind(version),
                    None => query,
                };
                Ok(query.execute(&pool).await?.rows_affected() > 0)
            })
        })?)
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let kind = self.kind;
        Ok(self.line.ask(move |pool| {
            Box::pin(async move {
                let names = sqlx::query("SELECT name FROM texts WHERE shelf = $1 ORDER BY name").bind(kind);
                names.fetch_all(&pool).await?.iter().map(|row| row.try_get(0)).collect()
            })
        })?)
    }
}
