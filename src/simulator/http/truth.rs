//! What really happened to each request, as the server saw it: the measure of a client's measurements.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Rows kept; older ones make room and are counted.
const ROWS_MAX: usize = 100_000;
/// Token instants kept over all rows, about 128 MB in two lists.
const TOKENS_MAX: usize = 8_000_000;

/// One request as the server lived it. Instants are nanoseconds on the server's monotonic clock since its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthRow {
    /// The `x-request-id` header (of gRPC, metadata) where one was sent, else the request's own id, else its answer's.
    pub request_id: String,
    /// When the whole request had been read.
    pub received_ns: u64,
    /// The model's instant of each token that was emitted before the end; where there are several choices, one after
    /// the other.
    pub planned_ns: Vec<u64>,
    /// When the chunk with each written token was handed to the HTTP stream; one instant for all where not streamed.
    /// In the order of `planned_ns`.
    pub written_ns: Vec<u64>,
    pub prompt_tokens: u32,
    /// Tokens written.
    pub output_tokens: u32,
    pub outcome: TruthOutcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TruthOutcome {
    Finished,
    /// The server broke the connection.
    Cut,
    /// The answer carried an error after its beginning.
    StreamError,
    /// The client went away.
    Cancelled,
    /// Status 500.
    Failed,
    /// Status 429.
    Rejected,
    /// Status 503: still starting, or too busy.
    Unavailable,
}

/// The rows that every part of the server shares.
#[derive(Debug, Clone, Default)]
pub(super) struct TruthLog(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    rows: VecDeque<Arc<TruthRow>>,
    tokens: usize,
    dropped: u64,
}

impl TruthLog {
    pub(super) fn push(&self, row: TruthRow) {
        let mut kept = self.lock();
        kept.tokens += row.planned_ns.len();
        kept.rows.push_back(Arc::new(row));
        while kept.rows.len() > ROWS_MAX || kept.tokens > TOKENS_MAX {
            let Some(oldest) = kept.rows.pop_front() else {
                break;
            };
            kept.tokens -= oldest.planned_ns.len();
            kept.dropped += 1;
        }
    }

    pub(super) fn rows(&self) -> Vec<Arc<TruthRow>> {
        self.lock().rows.iter().cloned().collect()
    }

    /// Rows that made room for later ones.
    pub(super) fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    pub(super) fn clear(&self) {
        *self.lock() = Kept::default();
    }

    /// Every writer leaves the rows whole, so a panic elsewhere spoils nothing.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_rows_make_room_and_are_counted() {
        let log = TruthLog::default();
        let row = TruthRow {
            request_id: String::new(),
            received_ns: 0,
            planned_ns: vec![0; TOKENS_MAX / 4],
            written_ns: Vec::new(),
            prompt_tokens: 1,
            output_tokens: 0,
            outcome: TruthOutcome::Cancelled,
        };
        for received_ns in 0..6 {
            log.push(TruthRow { received_ns, ..row.clone() });
        }
        assert_eq!((log.rows().len(), log.rows()[0].received_ns, log.dropped()), (4, 2, 2));
        log.clear();
        assert_eq!((log.rows().len(), log.dropped()), (0, 0));
    }
}
