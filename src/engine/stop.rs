//! Stopping as a designed path: run, then drain, then end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// How far a stop has gone.
const RUNNING: u8 = 0;
/// Send nothing more; let what is in flight end.
const DRAINING: u8 = 1;
/// End at once.
const ENDED: u8 = 2;

/// The side that stops a run.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<AtomicU8>);

/// The side that listens. The engine looks at it every few milliseconds.
#[derive(Debug, Clone)]
pub struct Stop(Arc<AtomicU8>);

impl Stopper {
    pub fn new() -> (Self, Stop) {
        let stage = Arc::new(AtomicU8::new(RUNNING));
        (Self(Arc::clone(&stage)), Stop(stage))
    }

    /// No further request is sent.
    pub fn drain(&self) {
        self.0.fetch_max(DRAINING, Relaxed);
    }

    /// Requests in flight are cancelled.
    pub fn end(&self) {
        self.0.fetch_max(ENDED, Relaxed);
    }
}

impl Stop {
    pub fn is_draining(&self) -> bool {
        self.0.load(Relaxed) >= DRAINING
    }

    pub(super) fn is_ended(&self) -> bool {
        self.0.load(Relaxed) >= ENDED
    }
}
