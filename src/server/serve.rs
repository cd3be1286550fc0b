//! Opening the store and the socket, taking up what was left, serving, and ending without losing anything.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tracing::{error, info, warn};

use super::door::{Door, Peer};
use super::error::ServeError;
use super::events::Seats;
use super::house::{House, Shared};
use super::identity::KeysNeeded;
use super::meters::Meters;
use super::queue::Queue;
use super::rates::Rates;
use super::recovery::recover;
use super::router::router;
use super::targets::{Pattern, Targets};
use crate::app::Analyst;
use crate::host::RealClock;
use crate::host::files::{self, FileError};
use crate::store::{Database, Place, Retention};

/// How a server is to be.
#[derive(Debug, Clone)]
pub struct Serving {
    pub listen: SocketAddr,
    /// Folder of what runs and of uploads.
    pub data: PathBuf,
    pub place: Place,
    /// What may be loaded, `sim:` aside; empty for this machine's loopback.
    pub targets: Vec<String>,
    /// Further names under which it is reached, for example a proxy's.
    pub hosts: Vec<String>,
    /// Variables that those who ask may name.
    pub lent: Vec<String>,
    /// Benchmarks that run at the same time, on different targets.
    pub at_once: usize,
    pub retention: Retention,
    /// The model that may write about results.
    pub analyst: Option<Analyst>,
    pub environment: BTreeMap<String, String>,
}

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing ran.
    Idle,
    /// A benchmark was cut short; what it measured is stored.
    Cut,
}

/// Between two looks for what is too old.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// How long answers that are under way may take after a signal.
const GOODBYE: Duration = Duration::from_secs(3);

/// Serves until `shutdown`; `ready` gets the address once everything stands.
pub async fn serve(
    serving: Serving,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Ended, ServeError> {
    let Serving { listen, data, place, targets, hosts, lent, at_once, retention, analyst, environment } =
        serving;
    let patterns = targets.iter().map(|text| text.parse()).collect::<Result<Vec<Pattern>, _>>()?;
    let lent = lend(&lent, &environment)?;
    for folder in [data.join("running"), data.join("uploads")] {
        files::writable(&folder.join("probe"))?;
    }
    let _lock = own(&data)?;
    let database = Database::open(&place).await?;
    let loopback = listen.ip().is_loopback();
    if !loopback && !database.keys().await?.iter().any(|key| key.revoked.is_none()) {
        return Err(ServeError::NoKey { address: listen, store: crate::store::database::masked(&place.url) });
    }
    let failed = |source| ServeError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let house: Shared = Arc::new(House {
        own: vec![("store", place.url)],
        targets: Targets::new(patterns),
        lent,
        analyst,
        hosts: if loopback { names(address, hosts) } else { hosts },
        loopback,
        keys_needed: KeysNeeded::new(),
        queue: Queue::new(at_once),
        meters: Arc::new(Meters::default()),
        rates: Rates::new(),
        seats: Arc::new(Seats::default()),
        large: Semaphore::new(1),
        data,
        database,
    });
    recover(&house).await?;
    tokio::spawn(prune(Arc::clone(&house), retention));
    ready(address);
    info!(%address, store = %house.database.place(), "serving");
    attend(&house, listener, shutdown).await
}

/// Answers until the signal, then waits for what runs to be stored.
async fn attend(
    house: &Shared,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Ended, ServeError> {
    let (close, closed) = oneshot::channel::<()>();
    let app = router(house).into_make_service_with_connect_info::<Peer>();
    let answers = axum::serve(Door::new(listener), app).with_graceful_shutdown(async move {
        // A sender that is gone says the same.
        let _told = closed.await.is_ok();
    });
    let mut answers = tokio::spawn(answers.into_future());
    tokio::select! {
        ended = &mut answers => {
            let _cut = house.queue.close().await;
            return match ended {
                Ok(Err(error)) => Err(ServeError::Lost(error)),
                Ok(Ok(())) | Err(_) => Err(ServeError::Lost(std::io::ErrorKind::Other.into())),
            };
        }
        () = shutdown => {}
    }
    info!("ending: nothing new is taken, and what runs is being stored");
    let cut = house.queue.close().await;
    let _gone = close.send(()).is_ok();
    if tokio::time::timeout(GOODBYE, answers).await.is_err() {
        warn!("some connections were cut");
    }
    let unstored = house.queue.unstored();
    for benchmark in &unstored {
        error!(benchmark = %benchmark.id, folder = %house.folder(&benchmark.id).display(), "not stored; the next start tries again");
    }
    info!("ended");
    Ok(if cut { Ended::Cut } else { Ended::Idle })
}

/// The variables that are lent, with their values.
fn lend(
    names: &[String],
    environment: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, ServeError> {
    names
        .iter()
        .map(|name| match environment.get(name) {
            Some(value) => Ok((name.clone(), value.clone())),
            None => Err(ServeError::NoVariable { name: name.clone() }),
        })
        .collect()
}

/// The names of a loopback address.
fn names(address: SocketAddr, more: Vec<String>) -> Vec<String> {
    let port = address.port();
    let own = ["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
    let bound = match address {
        SocketAddr::V4(four) => four.ip().to_string(),
        SocketAddr::V6(six) => format!("[{}]", six.ip()),
    };
    let mut names: Vec<String> =
        own.into_iter().chain([bound]).map(|name| format!("{name}:{port}")).collect();
    names.extend(more);
    names
}

/// Two servers in one folder would take up each other's benchmarks. The lock goes with the process, however it ends.
fn own(data: &Path) -> Result<File, ServeError> {
    let path = data.join("lock");
    let failed = |source| FileError { action: "lock", path: path.clone(), source };
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ServeError::Taken { data: data.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source).into()),
    }
}

async fn prune(house: Shared, retention: Retention) {
    if retention == Retention::default() {
        return;
    }
    loop {
        match house.database.prune(&retention, &RealClock::wall()).await {
            Ok(pruned) if pruned.benchmarks + pruned.rows > 0 => {
                info!(benchmarks = pruned.benchmarks, rows = pruned.rows, "removed what is too old");
            }
            Ok(_) => {}
            Err(error) => warn!(%error, "what is too old could not be removed"),
        }
        tokio::time::sleep(PRUNE_EVERY).await;
    }
}
