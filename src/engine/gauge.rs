//! Live counts of a level for whoever draws progress: a few relaxed atomics, never a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::base::Nanos;

/// Shared counters of the level under way.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// One more than the instant at which the window began; 0 before it.
    began: AtomicU64,
    queued: AtomicU64,
    sent: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    tokens: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Requests that are due and wait for a place.
    pub queued: u64,
    pub sent: u64,
    pub succeeded: u64,
    pub failed: u64,
    pub tokens: u64,
}

impl Reading {
    pub fn done(self) -> u64 {
        self.succeeded + self.failed
    }

    pub fn in_flight(self) -> u64 {
        self.sent.saturating_sub(self.done())
    }
}

impl Gauge {
    pub fn read(&self) -> Reading {
        Reading {
            queued: self.0.queued.load(Relaxed),
            sent: self.0.sent.load(Relaxed),
            succeeded: self.0.succeeded.load(Relaxed),
            failed: self.0.failed.load(Relaxed),
            tokens: self.0.tokens.load(Relaxed),
        }
    }

    /// The window begins now, and every count with it.
    pub fn begin(&self, at: Nanos) {
        let Counts { began, queued, sent, succeeded, failed, tokens } = &*self.0;
        for count in [queued, sent, succeeded, failed, tokens] {
            count.store(0, Relaxed);
        }
        began.store(at.0.saturating_add(1), Relaxed);
    }

    /// When the window began; none before.
    pub fn began(&self) -> Option<Nanos> {
        self.0.began.load(Relaxed).checked_sub(1).map(Nanos)
    }

    pub(super) fn queue(&self, length: usize) {
        self.0.queued.store(length as u64, Relaxed);
    }

    pub(super) fn sent(&self) {
        self.0.sent.fetch_add(1, Relaxed);
    }

    pub(super) fn ended(&self, success: bool, tokens: u64) {
        let count = if success { &self.0.succeeded } else { &self.0.failed };
        count.fetch_add(1, Relaxed);
        self.0.tokens.fetch_add(tokens, Relaxed);
    }
}
