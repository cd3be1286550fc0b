//! Numbers as files hold them: few digits, the same text everywhere.

/// Six significant digits: more than any measurement holds, few enough that equal results give equal text.
pub(super) fn six(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Milliseconds with three decimals, for instants.
pub(super) fn millis(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_kept_and_stable() {
        let text = |value: f64| serde_json::to_string(&six(value)).unwrap();
        assert_eq!(text(1_234.567_89), "1234.57");
        assert_eq!(text(0.000_123_456_789), "0.000123457");
        assert_eq!(text(0.1 + 0.2), "0.3");
        assert_eq!(text(0.0), "0.0");
        assert_eq!(text(-98_765_432.1), "-98765400.0");
        assert_eq!(text(six(1.0 / 3.0)), text(1.0 / 3.0));
    }
}
