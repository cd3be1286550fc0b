//! Connections kept open between requests, newest first, so that the warm ones are used.

use std::sync::{Arc, Mutex, PoisonError};

use super::port::{Line, Transport};
use crate::record::Failure;

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
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    fn pop(&self) -> Option<T::Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(line) = idle.pop() {
            if line.reusable() {
                return Some(line);
            }
        }
        None
    }
}
