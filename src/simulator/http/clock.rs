//! The server's own clock: a real server shares none with its client.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::base::Nanos;

/// Monotonic time since the server's start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulated server stands for another machine and has its own clock"
    )]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Nanos {
        self.0.elapsed().into()
    }
}

/// Seconds since 1970, for `created` fields.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulated server stands for another machine and has its own clock"
)]
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_secs())
}
