//! What an answer that is no success means.

use serde_json::Value;

use super::error::Trouble;
use super::words::line;

/// The parts of an answer that tell why.
pub(super) struct Refusal<'a> {
    pub(super) status: u16,
    /// Seconds.
    pub(super) retry_after: Option<&'a str>,
    pub(super) remaining: Option<&'a str>,
    /// Seconds since 1970.
    pub(super) reset: Option<&'a str>,
    pub(super) now_s: u64,
    pub(super) message: &'a str,
    pub(super) writes: bool,
    pub(super) only_reads: bool,
}

/// GitHub wants a minute where it names no time.
const UNNAMED_WAIT_S: u64 = 60;

pub(super) fn trouble(refusal: &Refusal) -> Trouble {
    let message = refusal.message.to_owned();
    let says = |words: &str| refusal.message.to_ascii_lowercase().contains(words);
    match refusal.status {
        403 | 429 if refusal.status == 429 || is_rate_limit(refusal) => {
            Trouble::RateLimited { wait_s: wait_s(refusal) }
        }
        401 => Trouble::BadToken,
        403 | 404 if says("resource not accessible by") && refusal.only_reads && refusal.writes => {
            Trouble::ReadOnlyToken
        }
        403 if says("create or approve pull requests") => Trouble::MayNotPropose,
        403 => Trouble::Permission(message),
        404 if says("resource not accessible by") => Trouble::Permission(message),
        404 | 410 => Trouble::NotFound,
        409 => Trouble::Conflict(message),
        422 if says("too long") || says("too_long") => Trouble::TooLong(message),
        422 if says("fast forward") || says("already exists") || says("does not exist") => {
            Trouble::Conflict(message)
        }
        status @ 500.. => Trouble::Server { status, message },
        status => Trouble::Declined { status, message },
    }
}

fn is_rate_limit(refusal: &Refusal) -> bool {
    let spent = refusal.remaining == Some("0");
    spent || refusal.retry_after.is_some() || refusal.message.to_ascii_lowercase().contains("rate limit")
}

fn wait_s(refusal: &Refusal) -> u64 {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<u64>().ok());
    let until_reset = || number(refusal.reset).map(|reset| reset.saturating_sub(refusal.now_s));
    number(refusal.retry_after).or_else(until_reset).unwrap_or(UNNAMED_WAIT_S).max(1)
}

/// GitHub's own words: the message, and what it says about single fields.
pub(super) fn message(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let texts =
                ["field", "code", "message"].into_iter().filter_map(|name| fields.get(name)?.as_str());
            Some(texts.collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten().take(3);
    let words: Vec<String> = body.get("message").into_iter().chain(errors).filter_map(word).collect();
    line(&words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Refusal<'_> = Refusal {
        status: 403,
        retry_after: None,
        remaining: None,
        reset: None,
        now_s: 1_000,
        message: "",
        writes: true,
        only_reads: false,
    };

    #[test]
    fn a_rate_limit_says_how_long_to_wait() {
        let wait = |refusal: Refusal| trouble(&refusal);
        let limited = |wait_s| Trouble::RateLimited { wait_s };
        assert_eq!(wait(Refusal { retry_after: Some("7"), ..PLAIN }), limited(7));
        assert_eq!(wait(Refusal { status: 429, ..PLAIN }), limited(60));
        assert_eq!(wait(Refusal { remaining: Some("0"), reset: Some("1030"), ..PLAIN }), limited(30));
        assert_eq!(wait(Refusal { remaining: Some("0"), reset: Some("9"), ..PLAIN }), limited(1));
        assert_eq!(
            wait(Refusal { message: "You have exceeded a secondary rate limit", ..PLAIN }),
            limited(60)
        );
        assert_eq!(wait(Refusal { remaining: Some("55"), ..PLAIN }), Trouble::Permission(String::new()));
    }

    #[test]
    fn one_refusal_is_told_from_another() {
        let said = |status, message| trouble(&Refusal { status, message, ..PLAIN });
        let integration = "Resource not accessible by integration";
        assert_eq!(said(403, integration), Trouble::Permission(integration.to_owned()));
        assert_eq!(said(404, integration), Trouble::Permission(integration.to_owned()));
        assert_eq!(
            trouble(&Refusal { message: integration, only_reads: true, ..PLAIN }),
            Trouble::ReadOnlyToken
        );
        assert_eq!(
            said(403, "GitHub Actions is not permitted to create or approve pull requests."),
            Trouble::MayNotPropose
        );
        assert_eq!(said(401, "Bad credentials"), Trouble::BadToken);
        assert_eq!(said(404, "Not Found"), Trouble::NotFound);
        assert!(matches!(said(422, "Validation Failed; body is too long"), Trouble::TooLong(_)));
        assert!(matches!(said(422, "Update is not a fast forward"), Trouble::Conflict(_)));
        assert!(matches!(said(422, "Validation Failed"), Trouble::Declined { status: 422, .. }));
        assert!(matches!(said(301, "Moved Permanently"), Trouble::Declined { status: 301, .. }));
        assert!(matches!(said(502, ""), Trouble::Server { status: 502, .. }));
    }

    #[test]
    fn the_message_is_one_line_with_what_is_wrong_with_each_field() {
        let body = r#"{"message": "Validation\nFailed", "errors": ["a", {"field": "body", "code": "custom", "message": "is too long"}, 5]}"#;
        assert_eq!(message(body), "Validation Failed; a; body custom is too long");
        assert_eq!(message("<html>"), "");
    }
}
