//! Numbers as people read them: few digits, units, true minus signs.

use super::Effect;
use crate::record::{Metric, MetricKey, Unit};

/// `2,000`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// At least this many significant digits, all digits before the point, and no trailing zeros.
pub(super) fn significant(number: f64, digits: i32) -> String {
    let size = number.abs().log10().floor();
    let decimals = if size.is_finite() { (digits - 1 - size as i32).clamp(0, 9) as usize } else { 0 };
    let text = format!("{:.decimals$}", number.abs());
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    if number < 0.0 && text != "0" { format!("−{text}") } else { text }
}

/// A share as `95 %`, with at most two decimals.
pub(super) fn share(share: f64) -> String {
    let percent = (share * 1e4).round() / 100.0;
    format!("{} %", significant(percent, if percent.abs() < 10.0 { 3 } else { 4 }))
}

/// A value with its unit, and a limit that reads differently from it whenever it is different.
pub(super) fn value_and_limit(metric: Metric, value: f64, limit: f64) -> (String, String) {
    distinct(value, limit, |number, digits| value_text(metric, number, digits))
}

/// An amount of change and its limit, unsigned: `22 %` or `3.1 points`.
pub(super) fn amount_and_limit(change: f64, limit: f64, absolute: bool) -> (String, String) {
    distinct(change.abs(), limit, |number, digits| {
        let unit = if absolute { points(number) } else { "%" };
        format!("{} {unit}", percent(number, digits))
    })
}

/// `+9 %` or `−1.3 points`.
pub(super) fn signed(change: f64, absolute: bool) -> String {
    let unit = if absolute { points(change) } else { "%" };
    format!("{} {unit}", sign(change))
}

/// `−4 … +23 %`.
pub(super) fn interval(effect: &Effect) -> String {
    let unit = if effect.absolute { "points" } else { "%" };
    format!("{} … {} {unit}", sign(effect.low), sign(effect.high))
}

/// The value in its unit.
pub(super) fn value(metric: Metric, number: f64) -> String {
    value_text(metric, number, 3)
}

/// `slower`, `faster`, `higher` or `lower`.
pub(super) fn direction(key: MetricKey, change: f64) -> &'static str {
    let time = matches!(key.metric.unit(), Unit::Milliseconds | Unit::MillisecondsPerToken);
    match (time, change > 0.0) {
        (true, true) => "slower",
        (true, false) => "faster",
        (false, true) => "higher",
        (false, false) => "lower",
    }
}

fn value_text(metric: Metric, number: f64, digits: i32) -> String {
    match metric.unit() {
        Unit::Ratio => format!("{} %", significant(number * 100.0, digits.max(4))),
        Unit::Milliseconds if number >= 10_000.0 => format!("{} s", significant(number / 1e3, digits)),
        unit => format!("{} {}", significant(number, digits), unit.symbol()),
    }
}

fn distinct(value: f64, limit: f64, text: impl Fn(f64, i32) -> String) -> (String, String) {
    let mut pair = (text(value, 3), text(limit, 3));
    for digits in [4, 5, 6, 8] {
        if pair.0 != pair.1 {
            break;
        }
        pair = (text(value, digits), text(limit, digits));
    }
    pair
}

/// Percent without its sign: whole from ten on, else one decimal; more when more digits are asked for than three.
fn percent(number: f64, digits: i32) -> String {
    let size = (number * 100.0).abs();
    let decimals = (digits - 3 + i32::from(size < 9.95)).clamp(0, 6) as usize;
    let text = format!("{size:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn sign(change: f64) -> String {
    let text = percent(change, 3);
    match text.as_str() {
        "0" => text,
        _ if change < 0.0 => format!("−{text}"),
        _ => format!("+{text}"),
    }
}

fn points(change: f64) -> &'static str {
    if percent(change, 3) == "1" { "point" } else { "points" }
}
