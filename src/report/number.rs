//! Numbers as people read them: three significant digits, a unit, a sign where it is a change.

use crate::record::Unit;

/// `412 ms`, `10.4 s`, `28.1 ms`, `3,910 tok/s`, `8.00 req/s`, `87.0%`.
pub fn quantity(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Milliseconds | Unit::MillisecondsPerToken if value.abs() >= 10_000.0 => {
            format!("{} s", significant(value / 1e3))
        }
        Unit::Milliseconds | Unit::MillisecondsPerToken => format!("{} ms", significant(value)),
        Unit::RequestsPerSecond => format!("{} req/s", significant(value)),
        Unit::TokensPerSecond => format!("{} tok/s", significant(value)),
        Unit::Ratio => percent(value),
        Unit::Gigabytes => format!("{} GB", significant(value)),
        Unit::Watts => format!("{} W", significant(value)),
        Unit::JoulesPerToken if value.abs() < 1.0 => format!("{} mJ/token", significant(value * 1e3)),
        Unit::JoulesPerToken => format!("{} J/token", significant(value)),
        Unit::TokensPerJoule => format!("{} tokens/J", significant(value)),
        Unit::TokensPerSecondPerWatt => format!("{} tok/s/W", significant(value)),
    }
}

/// A share as `87.0%`; `99.95%` where one decimal would claim a whole hundred or a whole zero.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let lost = (share < 1.0 && percent >= 99.95) || (share > 0.0 && percent < 0.05);
    let decimals = if lost { 3 } else { 1 };
    format!("{percent:.decimals$}%")
}

/// A relative change as `+22.1%`, an absolute one of a share as `-1.3 pp`.
pub fn change(change: f64, absolute: bool) -> String {
    let points = change * 100.0;
    let decimals = usize::from(points.abs() < 100.0);
    let text = format!("{points:+.decimals$}");
    // A change that rounds to nothing has no direction.
    let text = if text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) { text } else { "0.0".to_owned() };
    format!("{text}{}", if absolute { " pp" } else { "%" })
}

/// Three significant digits without an exponent, with thousands set apart.
pub fn significant(value: f64) -> String {
    // Rounding first decides the decimals: 99.96 is 100, not 100.0.
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let magnitude = rounded.abs();
    match magnitude {
        m if m >= 100.0 => thousands(rounded),
        m if m >= 10.0 => format!("{rounded:.1}"),
        m if m >= 1.0 => format!("{rounded:.2}"),
        m if m >= 0.001 => format!("{rounded:.3}"),
        m if m > 0.0 => "<0.001".to_owned(),
        _ => "0".to_owned(),
    }
}

/// A number that a person chose, as they wrote it: 15, not 15.0 or 15.000000001.
pub fn tidy(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// `12,345`.
pub fn count(value: u64) -> String {
    thousands(value as f64)
}

fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

/// `1 request`, `3 requests`.
pub fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_three_digits_and_a_unit() {
        for (value, unit, text) in [
            (412.34, Unit::Milliseconds, "412 ms"),
            (28.149, Unit::MillisecondsPerToken, "28.1 ms"),
            (9_999.0, Unit::Milliseconds, "10,000 ms"),
            (10_412.0, Unit::Milliseconds, "10.4 s"),
            (3_912.0, Unit::TokensPerSecond, "3,910 tok/s"),
            (8.0, Unit::RequestsPerSecond, "8.00 req/s"),
            (0.0123, Unit::RequestsPerSecond, "0.012 req/s"),
            (0.421, Unit::JoulesPerToken, "421 mJ/token"),
            (1.5, Unit::JoulesPerToken, "1.50 J/token"),
            (671.2, Unit::Watts, "671 W"),
            (0.87, Unit::Ratio, "87.0%"),
            (0.999_9, Unit::Ratio, "99.990%"),
            (0.000_1, Unit::Ratio, "0.010%"),
            (1.0, Unit::Ratio, "100.0%"),
            (0.0, Unit::Ratio, "0.0%"),
        ] {
            assert_eq!(quantity(value, unit), text);
        }
        assert_eq!(significant(99.96), "100");
        assert_eq!(significant(-1_234_567.0), "-1,230,000");
        assert_eq!(significant(0.000_1), "<0.001");
        assert_eq!(significant(0.0), "0");
        assert_eq!(plural(1, "request"), "1 request");
        assert_eq!(plural(12_345, "request"), "12,345 requests");
    }

    #[test]
    fn changes_have_a_sign_unless_they_are_nothing() {
        for (value, absolute, text) in [
            (0.221, false, "+22.1%"),
            (-0.013, true, "-1.3 pp"),
            (1.5, false, "+150%"),
            (0.000_1, false, "0.0%"),
            (-0.000_1, false, "0.0%"),
        ] {
            assert_eq!(change(value, absolute), text);
        }
    }
}
