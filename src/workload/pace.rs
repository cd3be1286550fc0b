//! How the visits of a level follow each other.

use crate::base::Nanos;

/// Who sends: a number of clients, or the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each client makes its next visit when its last one ended; the first at its start.
    Closed { clients: u32, starts: Starts },
    /// Visits start when they are due; beyond `max_in_flight` they queue, and the wait is counted.
    Open { max_in_flight: Option<u32> },
}

/// When each client starts, since the level's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Starts;

impl Starts {
    pub fn at(self, _client: u32) -> Nanos {
        Nanos::ZERO
    }
}
