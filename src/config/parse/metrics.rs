//! Where the server's own metrics are, and what they are held against.

use super::words;
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::config::plan::{MetricsSource, ServerMetrics, Validate};

/// More pages than a deployment behind one address has.
const PAGES_MAX: usize = 100;

/// A page that is named is read whatever its switch says by default; both said is a contradiction.
pub(super) fn server_metrics(chosen: &Chosen) -> Result<ServerMetrics, ConfigError> {
    let cut = |text: &str| text.split(',').map(|url| url.trim().to_owned()).collect();
    let pages = chosen.each("metrics-url", cut, page)?;
    let dcgm = chosen.each("dcgm-url", cut, page)?;
    let on = chosen.parse("server-metrics", words::switch)?.unwrap_or(true);
    let source = match (on, pages.is_empty()) {
        (true, true) => MetricsSource::Auto,
        (true, false) => MetricsSource::Pages(pages),
        (false, true) => MetricsSource::Off,
        (false, false) => {
            return Err(ConfigError::new(
                "--metrics-url names a page that --no-server-metrics does not let be read",
                "leave out one of them",
            ));
        }
    };
    if let MetricsSource::Pages(pages) = &source
        && pages.len() > PAGES_MAX
    {
        return Err(ConfigError::new(
            format!("--metrics-url names {} pages", pages.len()),
            format!("name at most {PAGES_MAX}"),
        ));
    }
    if dcgm.len() > PAGES_MAX {
        return Err(ConfigError::new(
            format!("--dcgm-url names {} pages", dcgm.len()),
            format!("name at most {PAGES_MAX}"),
        ));
    }
    Ok(ServerMetrics { source, dcgm, validate: chosen.parse("validate", validate)?.unwrap_or_default() })
}

/// An http(s) URL without a password.
pub(in crate::config) fn page(text: &str) -> Result<String, Wrong> {
    const HINT: &str = "write for example http://localhost:8002/metrics";
    let url = text.trim();
    let rest = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong("not the URL of a page", HINT));
    }
    if authority.contains('@') {
        return Err(wrong("a URL must not hold a password", HINT));
    }
    Ok(url.to_owned())
}

fn validate(text: &str) -> Result<Validate, Wrong> {
    match text.trim() {
        "off" => Ok(Validate::Off),
        "warn" => Ok(Validate::Warn),
        "strict" => Ok(Validate::Strict),
        _ => Err(wrong("no such choice", "write one of off, warn, strict")),
    }
}
