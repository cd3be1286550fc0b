//! What this server counts about itself, and its page in Prometheus' format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::house::House;
use super::problem::Problem;
use crate::document::v1::service::{PercentilesDocument, StateDocument, TickEvent};
use crate::store::Wanted;

/// Counters since the start.
#[derive(Default)]
pub(super) struct Meters(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    sent: u64,
    failed: BTreeMap<String, u64>,
    /// By method, route and status.
    http: BTreeMap<(&'static str, &'static str, u16), u64>,
}

impl Meters {
    /// Books a level that ended.
    pub(super) fn count_level(&self, last: &TickEvent) {
        let mut counts = self.counts();
        counts.sent += last.sent;
        for (class, count) in &last.failures {
            *counts.failed.entry(class.clone()).or_default() += count;
        }
    }

    /// Books an answer of ours.
    pub(super) fn count_answer(&self, method: &'static str, route: &'static str, status: u16) {
        *self.counts().http.entry((method, route, status)).or_default() += 1;
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const VERDICTS: [&str; 4] = ["pass", "fail", "inconclusive", "invalid"];

/// The page of `/metrics`.
pub(super) async fn page(house: &House) -> Result<String, Problem> {
    let mut page = Page::default();
    page.head("llm_loadtest_build_info", "gauge", "1, with the version as a label.");
    page.line("llm_loadtest_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);

    page.head("llm_loadtest_benchmarks", "gauge", "Benchmarks in the store by state.");
    for state in StateDocument::ALL {
        let wanted = Wanted { states: vec![state], limit: 1, ..Wanted::default() };
        let total = house.database.list(&wanted).await?.total;
        page.line("llm_loadtest_benchmarks", &[("state", state.id())], total as f64);
    }
    page.head("llm_loadtest_verdicts", "gauge", "Benchmarks in the store by verdict.");
    for verdict in VERDICTS {
        let wanted = Wanted { verdict: Some(verdict.to_owned()), limit: 1, ..Wanted::default() };
        let total = house.database.list(&wanted).await?.total;
        page.line("llm_loadtest_verdicts", &[("verdict", verdict)], total as f64);
    }
    page.head("llm_loadtest_queue_length", "gauge", "Benchmarks that wait.");
    page.line("llm_loadtest_queue_length", &[], house.queue.waiting() as f64);

    let now: Vec<TickEvent> = house.queue.running_ticks();
    let counts = house.meters.counts();
    let sent: u64 = counts.sent + now.iter().map(|tick| tick.sent).sum::<u64>();
    page.head(
        "llm_loadtest_requests_sent_total",
        "counter",
        "Requests sent to servers under test, without warm-up.",
    );
    page.line("llm_loadtest_requests_sent_total", &[], sent as f64);
    let mut failed = counts.failed.clone();
    for (class, count) in now.iter().flat_map(|tick| &tick.failures) {
        *failed.entry(class.clone()).or_default() += count;
    }
    page.head("llm_loadtest_requests_failed_total", "counter", "Requests that failed, by class.");
    for (class, count) in &failed {
        page.line("llm_loadtest_requests_failed_total", &[("class", class)], *count as f64);
    }
    let latest = now.last();
    page.quantiles(
        "llm_loadtest_ttft_seconds",
        "Time to first token of the level under way.",
        latest.and_then(|tick| tick.ttft_ms),
    );
    page.quantiles(
        "llm_loadtest_itl_seconds",
        "Gap between tokens of the level under way.",
        latest.and_then(|tick| tick.itl_ms),
    );

    page.head(
        "llm_loadtest_http_requests_total",
        "counter",
        "Requests to this server by method, route and status.",
    );
    for ((method, route, status), count) in &counts.http {
        let status = status.to_string();
        let labels = [("method", *method), ("route", *route), ("status", status.as_str())];
        page.line("llm_loadtest_http_requests_total", &labels, *count as f64);
    }
    Ok(page.0)
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a text cannot fail.
        let _written = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}").ok();
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _written = writeln!(self.0, "{name}{labels} {value}").ok();
    }

    /// Gauges, not a summary: they are of one level, and start anew with the next.
    fn quantiles(&mut self, name: &str, help: &str, ms: Option<PercentilesDocument>) {
        let Some(PercentilesDocument { p50, p95, p99 }) = ms else { return };
        self.head(name, "gauge", help);
        for (quantile, value) in [("0.5", p50), ("0.95", p95), ("0.99", p99)] {
            self.line(name, &[("quantile", quantile)], value / 1e3);
        }
    }
}

/// A label's value as Prometheus reads it.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_break_out_of_their_quotes() {
        let mut page = Page::default();
        page.line("x", &[("a", "b\"} 1\nevil 2 \\")], 1.5);
        assert_eq!(page.0, "x{a=\"b\\\"} 1\\nevil 2 \\\\\"} 1.5\n");
    }
}
