//! Time and rate as types, so that units are never multiplied twice.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// An instant since the run's start, or a span between two instants, in nanoseconds. Subtraction stops at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    pub const ZERO: Self = Self(0);

    /// From milliseconds; negative and non-finite values become zero.
    pub fn from_ms(ms: f64) -> Self {
        Self((ms * 1e6).max(0.0) as u64)
    }

    /// From seconds; negative and non-finite values become zero.
    pub fn from_secs(seconds: f64) -> Self {
        Self::from_ms(seconds * 1e3)
    }

    pub fn ms(self) -> f64 {
        self.0 as f64 / 1e6
    }

    pub fn secs(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Nanos {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<Duration> for Nanos {
    fn from(span: Duration) -> Self {
        Self(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for Duration {
    fn from(span: Nanos) -> Self {
        Self::from_nanos(span.0)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ms() {
            ms if ms >= 60_000.0 => {
                write!(f, "{}m{:02.0}s", self.0 / 60_000_000_000, (self.secs() % 60.0).floor())
            }
            ms if ms >= 1_000.0 => write!(f, "{:.1}s", ms / 1e3),
            ms => write!(f, "{ms:.1}ms"),
        }
    }
}

/// Events per second. Invariant: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    pub fn new(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second > 0.0).then_some(Self(per_second))
    }

    pub fn per_second(self) -> f64 {
        self.0
    }
}

/// A text that names no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a duration; write for example 500ms, 30s, 2m or 1h")]
pub struct ParseUnitError {
    pub text: String,
}

/// Reads `500ms`, `1.5s`, `2m`, `1h`, `250us`; a bare number is in `bare`, for example `"s"`.
pub fn parse_duration(text: &str, bare: &str) -> Result<Nanos, ParseUnitError> {
    let wrong = || ParseUnitError { text: text.to_owned() };
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let unit = if unit.is_empty() { bare } else { unit };
    let seconds = match unit {
        "us" => number / 1e6,
        "ms" => number / 1e3,
        "s" | "sec" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3_600.0,
        _ => return Err(wrong()),
    };
    (seconds.is_finite() && (0.0..=1e9).contains(&seconds))
        .then(|| Nanos::from_secs(seconds))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them() {
        assert_eq!(parse_duration("500ms", "s"), Ok(Nanos::from_ms(500.0)));
        assert_eq!(parse_duration("1.5s", "ms"), Ok(Nanos::from_ms(1_500.0)));
        assert_eq!(parse_duration("30", "s"), Ok(Nanos::from_secs(30.0)));
        assert_eq!(parse_duration("500", "ms"), Ok(Nanos::from_ms(500.0)));
        for wrong in ["", "fast", "5 parsecs", "-3s", "inf", "nan", "1e300h"] {
            assert!(parse_duration(wrong, "s").is_err(), "{wrong}");
        }
    }
}
