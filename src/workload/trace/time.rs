//! Instants as traces write them: dates, or numbers in some unit.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::workload::TimeUnit;

/// What a text says about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instant {
    /// Nanoseconds since some zero that all rows of a file share.
    At(i128),
    /// A number, and no unit to read it in.
    Bare,
}

/// A number, or a date with or without an offset: `2023-11-16 18:15:46.6805900`, `2024-05-10 00:00:00.009930+00:00`.
pub(super) fn instant(text: &str, unit: Option<TimeUnit>) -> Option<Instant> {
    let text = text.trim();
    if let Some(number) = Decimal::read(text) {
        return match unit {
            Some(unit) => number.nanos(unit).map(Instant::At),
            None => Some(Instant::Bare),
        };
    }
    let with_offset = text.parse::<Timestamp>().ok().map(Timestamp::as_nanosecond);
    // Without an offset all rows are in the same zone, whichever it is.
    let without = || {
        let date = text.parse::<DateTime>().ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond())
    };
    with_offset.or_else(without).map(Instant::At)
}

/// A decimal number in its digits: seconds since 1970 with nanoseconds behind the point fit in no `f64`.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// Of ten; zero where it is not written.
    exponent: i32,
}

impl<'a> Decimal<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match rest.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let only_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number =
            !(whole.is_empty() && fraction.is_empty()) && only_digits(whole) && only_digits(fraction);
        // Longer numbers than these are no times of anything.
        (number && whole.len() <= 20 && fraction.len() <= 30 && (-30..=20).contains(&exponent))
            .then_some(Self { negative, whole, fraction, exponent })
    }

    /// Cut, not rounded, to whole nanoseconds; none where the time is out of all bounds.
    fn nanos(&self, unit: TimeUnit) -> Option<i128> {
        let digits: i128 = format!("{}{}", self.whole, self.fraction).parse().ok()?;
        let scaled = digits.checked_mul(i128::from(unit.nanos()));
        let shift = self.exponent - i32::try_from(self.fraction.len()).ok()?;
        let ten = 10_i128.checked_pow(shift.unsigned_abs())?;
        let nanos = if shift >= 0 { scaled?.checked_mul(ten)? } else { scaled? / ten };
        Some(if self.negative { -nanos } else { nanos })
    }
}
