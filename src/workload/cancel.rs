//! When a user goes away, as people write it.

use crate::base::{Nanos, parse_duration};
use crate::record::Cancel;

/// `32tokens`, or a time with its unit such as `500ms`. None for anything else, a bare number included: it could be either.
pub fn cancel_after(text: &str) -> Option<Cancel> {
    let text = text.trim();
    for unit in ["tokens", "token", "tok"] {
        if let Some(count) = text.strip_suffix(unit) {
            return count.trim().parse().ok().filter(|count| *count > 0).map(Cancel::Tokens);
        }
    }
    parse_duration(text, "").ok().filter(|span| *span > Nanos::ZERO).map(Cancel::After)
}

/// As it is written in flags and files.
pub fn cancel_text(cancel: Cancel) -> String {
    match cancel {
        Cancel::Tokens(count) => format!("{count}tokens"),
        Cancel::After(span) => format!("{}ms", span.ms()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_times_have_units() {
        assert_eq!(cancel_after("32tokens"), Some(Cancel::Tokens(32)));
        assert_eq!(cancel_after(" 1 token"), Some(Cancel::Tokens(1)));
        assert_eq!(cancel_after("500ms"), Some(Cancel::After(Nanos::from_ms(500.0))));
        for wrong in ["", "32", "0tokens", "tokens", "-5ms", "0s", "soon", "4294967296tokens"] {
            assert_eq!(cancel_after(wrong), None, "{wrong}");
        }
        for cancel in [Cancel::Tokens(7), Cancel::After(Nanos::from_ms(1_500.0))] {
            assert_eq!(cancel_after(&cancel_text(cancel)), Some(cancel));
        }
    }
}
