//! The real clock, the only one in the program.

use std::time::Instant;

use jiff::Timestamp;

use crate::base::Nanos;
use crate::engine::Clock;

/// A monotonic clock that counts from its start.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the place that owns real time")]
        let start = Instant::now();
        Self { start }
    }

    /// The wall clock in UTC to the second, as RFC 3339 writes it: `2026-01-31T12:00:00Z`.
    pub fn wall() -> String {
        let now = Timestamp::now();
        // A second from a timestamp is in a timestamp's range, so the fallback is never taken.
        Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }
}

impl Clock for RealClock {
    fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }

    /// The runtime's timer turns in milliseconds, so the last stretch is slept by a thread on the system's fine one.
    async fn until(&self, instant: Nanos) {
        let coarse = instant - self.now();
        if coarse > FINE {
            tokio::time::sleep((coarse - FINE).into()).await;
        }
        let rest = instant - self.now();
        if rest > Nanos::ZERO {
            // It only fails when the runtime is ending, and then nothing is due any more.
            drop(tokio::task::spawn_blocking(move || std::thread::sleep(rest.into())).await);
        }
    }
}

/// The runtime's timer may be a millisecond late; half of another covers its rounding.
const FINE: Nanos = Nanos(1_500_000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_forward_and_the_wall_clock_is_rfc_3339() {
        let clock = RealClock::start();
        let first = clock.now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(clock.now() >= first + Nanos::from_ms(2.0));

        let wall = RealClock::wall();
        assert_eq!(wall.len(), "2026-01-31T12:00:00Z".len(), "{wall}");
        assert!(wall.ends_with('Z') && wall.parse::<Timestamp>().is_ok(), "{wall}");
    }
}
