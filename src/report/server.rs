//! The server's own numbers in words.

use super::number::{count, percent, quantity, significant};
use super::text::plain;
use crate::document::v1::{BucketsDocument, CourseDocument, EngineDocument, LevelDocument};
use crate::record::Unit;

/// What a level's server said of itself.
pub(super) fn engine(level: &LevelDocument) -> Option<&EngineDocument> {
    level.observed.as_ref()?.engine.as_ref()
}

/// Name and value of each number that there is, the first one being whose metrics they are.
pub(super) fn facts(engine: &EngineDocument) -> Vec<(&'static str, String)> {
    let whole = |value: Option<f64>| value.map(|value| count(value.max(0.0).round() as u64));
    let failed = whole(engine.failed.filter(|failed| *failed > 0.0));
    let requests = whole(engine.requests).map(|requests| match failed {
        Some(failed) => format!("{requests}, {failed} failed"),
        None => requests,
    });
    let hits = engine.cached_tokens.zip(engine.cache_queries.filter(|queries| *queries > 0.0));
    let hits = hits.map(|(hits, queries)| percent(hits / queries));
    let restarted = engine.restarted.then(|| "restarted, so its counters say nothing".to_owned());
    let rows = [
        ("metrics of", Some(plain(&engine.family))),
        ("state", restarted),
        ("requests", requests),
        ("prompt tokens", whole(engine.prompt_tokens)),
        ("output tokens", whole(engine.output_tokens)),
        ("TTFT mean", time(engine.ttft.as_ref())),
        ("ITL mean", time(engine.itl.as_ref())),
        ("E2E mean", time(engine.e2e.as_ref())),
        ("queue mean", time(engine.queue.as_ref())),
        ("running", crowd(engine.running.as_ref())),
        ("waiting", crowd(engine.waiting.as_ref())),
        (
            "KV cache",
            engine.kv_usage.as_ref().map(|kv| format!("{}, {} at most", percent(kv.mean), percent(kv.max))),
        ),
        ("prefix cache hits", hits),
        ("preemptions", whole(engine.preemptions)),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// One line for a terminal.
pub(super) fn line(engine: &EngineDocument) -> String {
    let facts: Vec<String> =
        facts(engine).into_iter().skip(1).map(|(name, value)| format!("{name} {value}")).collect();
    format!("Server's own ({}): {}", plain(&engine.family), facts.join("; "))
}

fn time(buckets: Option<&BucketsDocument>) -> Option<String> {
    Some(quantity(buckets?.mean_s()? * 1e3, Unit::Milliseconds))
}

fn crowd(course: Option<&CourseDocument>) -> Option<String> {
    course.map(|course| format!("{} mean, {} at most", significant(course.mean), significant(course.max)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_exports_is_told_and_nothing_else() {
        let course = |mean, max| Some(CourseDocument { mean, min: 0.0, max });
        let timed = |sum_s| {
            Some(BucketsDocument { count: 400.0, sum_s, bounds_s: Vec::new(), cumulative: Vec::new() })
        };
        let told = EngineDocument {
            family: "vllm".to_owned(),
            requests: Some(400.0),
            failed: Some(2.0),
            output_tokens: Some(51_200.0),
            cached_tokens: Some(1_000.0),
            cache_queries: Some(8_000.0),
            preemptions: Some(0.0),
            waiting: course(1.5, 9.0),
            kv_usage: course(0.12, 0.305),
            ttft: timed(12.48),
            ..EngineDocument::default()
        };
        insta::assert_snapshot!(line(&told), @"Server's own (vllm): requests 400, 2 failed; output tokens 51,200; TTFT mean 31.2 ms; waiting 1.50 mean, 9.00 at most; KV cache 12.0%, 30.5% at most; prefix cache hits 12.5%; preemptions 0");
        let restarted =
            EngineDocument { family: "sglang".to_owned(), restarted: true, ..EngineDocument::default() };
        insta::assert_snapshot!(line(&restarted), @"Server's own (sglang): state restarted, so its counters say nothing");
    }
}
