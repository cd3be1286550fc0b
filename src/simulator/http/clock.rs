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

/// A day and time of UTC, for example `2026-11-26T20:00:00Z`. Days to dates as in Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms".
pub(super) fn rfc3339(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400 + 719_468, unix_seconds % 86_400);
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", second % 60)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let known = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_306_562, "2026-11-22T00:16:02Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ];
        for (seconds, date) in &known {
            assert_eq!(rfc3339(*seconds), *date);
        }
    }
}
