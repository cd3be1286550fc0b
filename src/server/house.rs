//! What all requests share: the store, the queue, and what this server allows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::events::Seats;
use super::identity::KeysNeeded;
use super::meters::Meters;
use super::problem::Problem;
use super::queue::Queue;
use super::rates::Rates;
use super::targets::Targets;
use crate::app::Analyst;
use crate::app::service::{Grants, Refusal, addresses, asked};
use crate::config::Resolved;
use crate::document::v1::service::BenchmarkAsk;
use crate::store::{Database, Store};

/// One server.
pub(super) struct House {
    pub(super) database: Database,
    /// Where benchmarks that run have their files, and uploads theirs.
    pub(super) data: PathBuf,
    pub(super) targets: Targets,
    /// Variables that those who ask may name, with their values.
    pub(super) lent: BTreeMap<String, String>,
    /// Settings of ours: where baselines and evidence are.
    pub(super) own: Vec<(&'static str, String)>,
    /// Names under which requests may ask for this server; empty where any will do.
    pub(super) hosts: Vec<String>,
    /// Whether only this machine can reach it.
    pub(super) loopback: bool,
    /// The model that may write about results.
    pub(super) analyst: Option<Analyst>,
    pub(super) keys_needed: KeysNeeded,
    pub(super) queue: Queue,
    pub(super) meters: Arc<Meters>,
    pub(super) rates: Rates,
    pub(super) seats: Arc<Seats>,
    /// Large files are read into memory one at a time.
    pub(super) large: Semaphore,
}

pub(super) type Shared = Arc<House>;

impl House {
    /// The folder of a benchmark that runs, or that could not be stored yet.
    pub(super) fn folder(&self, id: &str) -> PathBuf {
        self.running().join(id)
    }

    pub(super) fn running(&self) -> PathBuf {
        self.data.join("running")
    }

    /// A place for an upload that nobody else uses.
    pub(super) fn upload(&self, name: &str) -> PathBuf {
        self.data.join("uploads").join(name)
    }

    /// The checked plan of an ask whose every address is allowed now.
    pub(super) async fn plan(&self, ask: &BenchmarkAsk, folder: &Path) -> Result<Resolved, Refusal> {
        let resolved = asked(ask, Grants { environment: &self.lent, folder, own: &self.own })?;
        for (setting, url) in addresses(&resolved.plan) {
            self.targets.check(setting, &url).await?;
        }
        Ok(resolved)
    }

    /// What runs on a thread of its own because it computes, or waits for a disk.
    pub(super) async fn aside<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Problem::internal("the work for this request ended unexpectedly"))
    }
}

impl House {
    /// Where the baselines of what runs here are.
    pub(super) fn baselines(&self) -> Store {
        self.database.baselines()
    }
}
