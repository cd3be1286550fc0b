//! A GitHub in one process: repositories with comments, statuses and commits behind the routes of the REST API, which
//! misbehaves when a test asks for it. It shares no struct with `src/github`.

mod git;
mod mischief;
mod repo;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

pub(crate) use mischief::{Answer, Mischief, What};
pub(crate) use repo::{Merge, Repo};

/// The token of the job: `github-actions[bot]`, which may write everything unless a test says otherwise.
pub(crate) const TOKEN: &str = "ghs_0123456789abcdefTOKENofTHEjob";

/// The token of a person, `octo-dev`.
pub(crate) const PERSONAL: &str = "ghp_PERSONALtokenOFsomebody012345";

/// A running fake; it stops when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    prefix: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    prefix: String,
    address: SocketAddr,
}

/// Everything that the fake remembers.
pub(crate) struct World {
    pub(crate) repos: BTreeMap<String, Repo>,
    pub(crate) tokens: BTreeMap<&'static str, Identity>,
    pub(crate) mischief: Vec<Mischief>,
    pub(crate) seen: Vec<Seen>,
}

pub(crate) struct Identity {
    pub(crate) login: &'static str,
    /// Of `contents`, `pull-requests`, `statuses`, `checks`.
    pub(crate) may_write: BTreeSet<&'static str>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Decoded, without the prefix and the query.
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: Value,
}

impl Fake {
    /// With one repository, `o/r`, whose branch `main` has one commit.
    pub(crate) fn start() -> Self {
        Self::with_prefix("")
    }

    /// As on GitHub Enterprise Server, where the API lives below `/api/v3`.
    pub(crate) fn with_prefix(prefix: &str) -> Self {
        // A check of the requests sits in front of a fixed port; the tests then run one by one.
        let port = std::env::var("GITHUB_FAKE_PORT").ok().map_or(0, |text| text.parse::<u16>().unwrap());
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let everything = BTreeSet::from(["contents", "pull-requests", "statuses", "checks"]);
        let identity = |login| Identity { login, may_write: everything.clone() };
        let world = World {
            repos: BTreeMap::from([("o/r".to_owned(), Repo::new("o/r"))]),
            tokens: BTreeMap::from([
                (TOKEN, identity("github-actions[bot]")),
                (PERSONAL, identity("octo-dev")),
            ]),
            mischief: Vec::new(),
            seen: Vec::new(),
        };
        let shared = Arc::new(Shared { world: Mutex::new(world), prefix: prefix.to_owned(), address });
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = axum::Router::new().fallback(routes::answer).with_state(served);
                tokio::select! {
                    _ = async { axum::serve(listener, router).await } => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, prefix: prefix.to_owned(), shared, stop: Some(stop), thread: Some(thread) }
    }

    /// What `GITHUB_API_URL` says: the front when there is one, else the fake itself.
    pub(crate) fn api_url(&self) -> String {
        match std::env::var("GITHUB_API_FRONT") {
            Ok(front) if self.prefix.is_empty() => front,
            _ => self.own_url(),
        }
    }

    pub(crate) fn own_url(&self) -> String {
        format!("http://{}{}", self.address, self.prefix)
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads or changes the repository `o/r`.
    pub(crate) fn repo<T>(&self, act: impl FnOnce(&mut Repo) -> T) -> T {
        act(self.world().repos.get_mut("o/r").unwrap())
    }

    pub(crate) fn plan(&self, mischief: Mischief) {
        self.world().mischief.push(mischief);
    }

    /// Takes the right to write this away from the job's token.
    pub(crate) fn deny(&self, permission: &str) {
        self.world().tokens.get_mut(TOKEN).unwrap().may_write.remove(permission);
    }

    /// `METHOD path` of each request so far, in order, without the questions who we are.
    pub(crate) fn calls(&self) -> Vec<String> {
        let seen = &self.world().seen;
        seen.iter()
            .filter(|seen| seen.path != "graphql")
            .map(|seen| format!("{} {}", seen.method, seen.path.trim_start_matches("repos/o/r/")))
            .collect()
    }

    /// Those that were to change something.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| !call.starts_with("GET ")).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // Dropping the sender is the signal.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
