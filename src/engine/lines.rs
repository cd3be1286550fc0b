//! Connections kept open between requests, newest first, so that the warm ones are used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, StreamExt as _};

use super::port::{Line, Transport};
use crate::record::Failure;

/// Handshakes under way at once: enough to hide a long way, few enough for a server's backlog.
const OPENING_MAX: usize = 64;

/// Idle lines of one level.
pub(super) struct Lines<T: Transport> {
    transport: Arc<T>,
    idle: Mutex<Vec<T::Line>>,
}

impl<T: Transport> Lines<T> {
    pub(super) fn new(transport: Arc<T>) -> Self {
        Self { transport, idle: Mutex::new(Vec::new()) }
    }

    /// An idle line, or a new one. The flag says whether it was used before, and may therefore be stale.
    pub(super) async fn take(&self) -> Result<(T::Line, bool), Failure> {
        match self.pop() {
            Some(line) => Ok((line, true)),
            None => Ok((self.transport.open().await?, false)),
        }
    }

    /// A new line, whatever lies idle.
    pub(super) async fn fresh(&self) -> Result<T::Line, Failure> {
        self.transport.open().await
    }

    pub(super) fn give_back(&self, line: T::Line) {
        if line.reusable() {
            self.idle().push(line);
        }
    }

    /// Opens what is missing to `wanted` idle lines, many at a time. A refused connection ends it: the request that
    /// needs the line will meet the refusal itself, and record it.
    pub(super) async fn fill(&self, wanted: usize) {
        let missing = {
            let mut idle = self.idle();
            idle.retain(Line::reusable);
            wanted.saturating_sub(idle.len())
        };
        let mut opening =
            stream::iter((0..missing).map(|_| self.transport.open())).buffer_unordered(OPENING_MAX);
        while let Some(Ok(line)) = opening.next().await {
            self.give_back(line);
        }
    }

    fn pop(&self) -> Option<T::Line> {
        let mut idle = self.idle();
        while let Some(line) = idle.pop() {
            if line.reusable() {
                return Some(line);
            }
        }
        None
    }

    /// Nothing panics while it holds the lock, so a poisoned one still holds good lines.
    fn idle(&self) -> MutexGuard<'_, Vec<T::Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
