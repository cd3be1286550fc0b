//! The real clock, the only one in the program.

use std::time::Instant;

use jiff::Timestamp;

use crate::base::Nanos;

/// A monotonic clock that counts from its start.
#[derive(Debug, Clone, Copy)]
pub struct RealClock {
    start: Instant,
    origin: Timestamp,
}

impl RealClock {
    pub fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the place that owns real time")]
        let start = Instant::now();
        Self { start, origin: Timestamp::now() }
    }

    /// The wall clock in UTC when this clock stood at zero, to the nanosecond, as RFC 3339.
    pub fn origin(&self) -> String {
        self.origin.to_string()
    }

    /// The wall clock in UTC to the second, as RFC 3339 writes it: `2026-01-31T12:00:00Z`.
    pub fn wall() -> String {
        let now = Timestamp::now();
        // A second from a timestamp is in a timestamp's range, so the fallback is never taken.
        Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }
}

impl RealClock {
    /// The same to the millisecond: `2026-01-31T12:00:00.123Z`.
    pub fn wall_ms() -> String {
        format!("{:.3}", Timestamp::now())
    }
}

/// The wall clock, since 1970-01-01T00:00:00Z.
pub fn epoch() -> Nanos {
    Nanos(u64::try_from(Timestamp::now().as_nanosecond()).unwrap_or(0))
}

/// Seconds since 1970 of a `Date` header (RFC 9110, section 5.6.7); none where it is written in another way.
pub fn http_date(text: &str) -> Option<f64> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(time.timestamp().as_second() as f64)
}

impl RealClock {
    /// Time since its start.
    pub fn now(&self) -> Nanos {
        self.start.elapsed().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_forward_and_the_wall_clock_is_rfc_3339() {
        let clock = RealClock::start();
        let first = clock.now();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(clock.now() >= first + Nanos::from_ms(2.0));

        let origin: Timestamp = clock.origin().parse().unwrap();
        assert!((0..60).contains(&Timestamp::now().duration_since(origin).as_secs()), "{origin}");

        let wall = RealClock::wall();
        assert_eq!(wall.len(), "2026-01-31T12:00:00Z".len(), "{wall}");
        assert!(wall.ends_with('Z') && wall.parse::<Timestamp>().is_ok(), "{wall}");

        let wall = RealClock::wall_ms();
        assert_eq!(wall.len(), "2026-01-31T12:00:00.123Z".len(), "{wall}");
        assert!(wall.ends_with('Z') && wall.parse::<Timestamp>().is_ok(), "{wall}");
    }
}
