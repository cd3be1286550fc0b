//! Benchmarks that wait and run: one at a time on each target, so many in all, in the order in which they were asked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::events::Hub;
use super::house::Shared;
use super::worker;
use crate::config::{Resolved, RunPlan};
use crate::document::v1::service::{BenchmarkAsk, BenchmarkDocument, StateDocument, TickEvent};
use crate::engine::{Stop, Stopper};

/// Benchmarks that may wait.
pub(super) const WAITING_MAX: usize = 100;
/// How long requests in flight may still end when a benchmark is stopped.
const DRAIN: Duration = Duration::from_millis(500);

/// A benchmark that is not over.
pub(super) struct Job {
    pub(super) id: String,
    /// With its secrets; what is kept has none.
    pub(super) ask: BenchmarkAsk,
    pub(super) resolved: Resolved,
    pub(super) hub: Arc<Hub>,
}

/// Why a benchmark is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Cancelled,
    /// The server ends.
    Interrupted,
}

pub(super) struct Queue {
    at_once: usize,
    jobs: Mutex<Jobs>,
    /// Rings when a job has ended.
    ended: Notify,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// Places that are taken by benchmarks which are being written to the store.
    reserved: usize,
    running: BTreeMap<String, Running>,
    /// Those that ended and could not be stored yet.
    unstored: BTreeMap<String, BenchmarkDocument>,
    closing: bool,
}

struct Running {
    targets: BTreeSet<String>,
    hub: Arc<Hub>,
    stopper: Stopper,
    reason: Option<Reason>,
}

/// A place in the queue that nobody else can take.
pub(super) struct Place<'a>(&'a Queue);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.jobs().reserved -= 1;
    }
}

/// What was done with a benchmark that somebody wants gone.
pub(super) enum Stopped {
    /// It waited, and is out of the queue.
    Dequeued(Box<Job>),
    /// It runs, and has been told.
    Told(Box<BenchmarkDocument>),
    /// It neither waits nor runs.
    Unknown,
}

impl Queue {
    pub(super) fn new(at_once: usize) -> Self {
        Self { at_once, jobs: Mutex::new(Jobs::default()), ended: Notify::new() }
    }

    /// A place, where one is free and the server stays.
    pub(super) fn reserve(&self) -> Option<Place<'_>> {
        let mut jobs = self.jobs();
        if jobs.closing || jobs.waiting.len() + jobs.reserved >= WAITING_MAX {
            return None;
        }
        jobs.reserved += 1;
        Some(Place(self))
    }

    /// Puts a job at the end of the queue.
    pub(super) fn push(&self, job: Job) {
        self.jobs().waiting.push_back(job);
    }

    /// Starts what can start now. Tells those who wait how many stand before them.
    pub(super) fn pump(house: &Shared) {
        let mut started = Vec::new();
        {
            let mut jobs = house.queue.jobs();
            while !jobs.closing
                && jobs.running.len() < house.queue.at_once
                && let Some(at) = jobs.next()
                && let Some(job) = jobs.waiting.remove(at)
            {
                let (stopper, stop) = Stopper::new();
                let running = Running {
                    targets: targets(&job.resolved.plan),
                    hub: Arc::clone(&job.hub),
                    stopper,
                    reason: None,
                };
                jobs.running.insert(job.id.clone(), running);
                started.push((job, stop));
            }
            for (ahead, job) in (0..).zip(&jobs.waiting) {
                let state = job.hub.state();
                if state.ahead != Some(ahead) {
                    job.hub.set_state(BenchmarkDocument { ahead: Some(ahead), ..state });
                }
            }
        }
        for (job, stop) in started {
            let house = Arc::clone(house);
            tokio::spawn(run(house, job, stop));
        }
    }

    /// Ends a benchmark as soon as that is possible without losing what was measured.
    pub(super) fn stop(&self, id: &str) -> Stopped {
        let mut jobs = self.jobs();
        if let Some(at) = jobs.waiting.iter().position(|job| job.id == id)
            && let Some(job) = jobs.waiting.remove(at)
        {
            return Stopped::Dequeued(Box::new(job));
        }
        match jobs.running.get_mut(id) {
            Some(running) => {
                running.end(Reason::Cancelled);
                Stopped::Told(Box::new(running.hub.state()))
            }
            None => Stopped::Unknown,
        }
    }

    /// Starts nothing more, ends what runs, and returns when that is stored; true where something was cut short.
    pub(super) async fn close(&self) -> bool {
        let mut cut = false;
        {
            let mut jobs = self.jobs();
            jobs.closing = true;
            for running in jobs.running.values_mut() {
                cut = true;
                running.end(Reason::Interrupted);
            }
        }
        loop {
            let ended = self.ended.notified();
            if self.jobs().running.is_empty() {
                return cut;
            }
            ended.await;
        }
    }

    /// Where the events of a benchmark that is not over come from.
    pub(super) fn hub(&self, id: &str) -> Option<Arc<Hub>> {
        let jobs = self.jobs();
        let waiting = jobs.waiting.iter().find(|job| job.id == id).map(|job| &job.hub);
        waiting.or_else(|| jobs.running.get(id).map(|running| &running.hub)).map(Arc::clone)
    }

    /// What is newer here than in the store.
    pub(super) fn newest(&self, stored: BenchmarkDocument) -> BenchmarkDocument {
        if let Some(ended) = self.jobs().unstored.get(&stored.id) {
            return ended.clone();
        }
        match self.hub(&stored.id) {
            Some(hub) if !stored.state.is_over() => hub.state(),
            _ => stored,
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.jobs().waiting.len()
    }

    /// The newest ticks of what runs, oldest benchmark first.
    pub(super) fn running_ticks(&self) -> Vec<TickEvent> {
        self.jobs().running.values().filter_map(|running| running.hub.newest()).collect()
    }

    pub(super) fn reason(&self, id: &str) -> Option<Reason> {
        self.jobs().running.get(id).and_then(|running| running.reason)
    }

    /// Remembers how a benchmark ended until the store knows it, too.
    pub(super) fn keep_unstored(&self, ended: BenchmarkDocument) {
        self.jobs().unstored.insert(ended.id.clone(), ended);
    }

    pub(super) fn is_stored(&self, id: &str) {
        self.jobs().unstored.remove(id);
    }

    /// Benchmarks that ended and could not be stored yet.
    pub(super) fn unstored(&self) -> Vec<BenchmarkDocument> {
        self.jobs().unstored.values().cloned().collect()
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Jobs {
    /// The first job whose targets are free; one that waits for a busy target lets others pass.
    fn next(&self) -> Option<usize> {
        let busy = |target: &String| self.running.values().any(|running| running.targets.contains(target));
        self.waiting.iter().position(|job| !targets(&job.resolved.plan).iter().any(busy))
    }
}

impl Running {
    /// First no request more, then an end to those in flight.
    fn end(&mut self, reason: Reason) {
        self.reason.get_or_insert(reason);
        self.stopper.drain();
        let stopper = self.stopper.clone();
        tokio::spawn(async move {
            tokio::time::sleep(DRAIN).await;
            stopper.end();
        });
    }
}

async fn run(house: Shared, job: Job, stop: Stop) {
    let id = job.id.clone();
    let state = job.hub.state();
    debug_assert_eq!(state.state, StateDocument::Queued);
    // It carries whole results, so it lies on the heap.
    Box::pin(worker::run(&house, job, stop)).await;
    house.queue.jobs().running.remove(&id);
    house.queue.ended.notify_waiters();
    Queue::pump(&house);
}

/// What must not be loaded by two benchmarks at once. Simulated servers share this machine with the client, all of them.
fn targets(plan: &RunPlan) -> BTreeSet<String> {
    let baseline = plan.baseline.iter().flat_map(|baseline| &baseline.base_urls);
    plan.target
        .base_urls
        .iter()
        .chain(baseline)
        .map(
            |url| {
                if url.starts_with("sim:") { "sim:".to_owned() } else { url.trim_end_matches('/').to_owned() }
            },
        )
        .collect()
}
