//! Live counts of a level for whoever draws progress: a few relaxed atomics, never a lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Shared counters of the level under way.
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    tokens: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
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
            sent: self.0.sent.load(Relaxed),
            succeeded: self.0.succeeded.load(Relaxed),
            failed: self.0.failed.load(Relaxed),
            tokens: self.0.tokens.load(Relaxed),
        }
    }

    /// Back to zero, at the start of a phase.
    pub fn reset(&self) {
        for count in [&self.0.sent, &self.0.succeeded, &self.0.failed, &self.0.tokens] {
            count.store(0, Relaxed);
        }
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
