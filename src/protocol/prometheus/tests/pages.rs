//! What every captured page of metrics says.

use std::fs;
use std::path::Path;

use super::super::{Count, Page, Reading, Span, reading};

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire").join(name);
    let whole = fs::read_to_string(path).unwrap();
    whole.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn read(name: &str, model: &str) -> Reading {
    reading(&Page::parse(&text(name)), Some(model)).unwrap()
}

fn counts(reading: &Reading) -> Vec<(Count, f64)> {
    reading.counts.iter().map(|(count, value)| (*count, *value)).collect()
}

/// Count and mean in milliseconds, to the microsecond.
fn mean(reading: &Reading, span: Span) -> (f64, f64) {
    let buckets = &reading.spans[&span];
    (buckets.count, (buckets.sum / buckets.count * 1e6).round() / 1e3)
}

#[test]
fn every_page_is_read_to_its_last_line() {
    let skipped = |name: &str| Page::parse(&text(name)).skipped;
    for name in ["idle", "under_load", "queue_waiting"] {
        assert_eq!(skipped(&format!("vllm/metrics_{name}.http")), 0);
    }
    for name in ["idle", "under_load", "after_load"] {
        assert_eq!(skipped(&format!("llama-server/metrics_{name}.http")), 0);
    }
    assert_eq!(skipped("triton/metrics.http"), 0);
    // The sizes of its chunks.
    assert_eq!(skipped("sglang/metrics_under_load.http"), 2);
}

#[test]
fn vllm() {
    let page = read("vllm/metrics_under_load.http", "tiny");
    assert_eq!((page.family, page.started), ("vllm", Some(1_795_306_327.13)));
    assert_eq!(
        counts(&page),
        [
            (Count::Requests, 46.0),
            (Count::Failed, 0.0),
            (Count::PromptTokens, 2820.0),
            (Count::OutputTokens, 8841.0),
            (Count::CachedTokens, 0.0),
            (Count::CacheQueries, 2820.0),
            (Count::Preemptions, 0.0),
        ]
    );
    assert_eq!((page.gauges.running, page.gauges.waiting), (Some(16.0), Some(0.0)));
    assert_eq!(page.gauges.kv_usage, Some(0.023_448_949_682_462_14));
    assert_eq!(mean(&page, Span::Ttft), (62.0, 271.28));
    assert_eq!(mean(&page, Span::E2e), (46.0, 986.416));
    let ttft = &page.spans[&Span::Ttft].cumulative;
    assert_eq!(ttft[..4], [(0.001, 0.0), (0.005, 0.0), (0.01, 17.0), (0.02, 29.0)]);
    assert_eq!(ttft.last(), Some(&(f64::INFINITY, 62.0)));
    assert_eq!(page.spans.len(), 7);
    let waiting = read("vllm/metrics_queue_waiting.http", "tiny").gauges.waiting;
    assert!(waiting.is_some_and(|waiting| waiting > 0.0));
}

#[test]
fn sglang_adds_up_streams_and_whole_answers() {
    let page = read("sglang/metrics_under_load.http", "tiny");
    assert_eq!(
        counts(&page),
        [
            (Count::Requests, 26.0),
            (Count::PromptTokens, 697.0),
            (Count::OutputTokens, 1250.0),
            (Count::CachedTokens, 243.0),
            (Count::CacheQueries, 697.0),
        ]
    );
    assert_eq!(mean(&page, Span::Ttft), (42.0, 310.739));
    assert_eq!(page.spans[&Span::Ttft].cumulative.last(), Some(&(f64::INFINITY, 42.0)));
    assert_eq!(page.gauges.kv_usage, Some(0.04));
}

#[test]
fn llama_server_counts_tokens_alone() {
    let page = read("llama-server/metrics_under_load.http", "tiny");
    assert_eq!(page.family, "llama.cpp");
    assert_eq!(
        counts(&page),
        [
            (Count::PromptTokens, 1408.0),
            (Count::OutputTokens, 1024.0),
            (Count::CachedTokens, 0.0),
            (Count::CacheQueries, 1408.0),
        ]
    );
    assert_eq!(mean(&page, Span::Itl), (1024.0, 12.239));
    assert_eq!((page.gauges.running, page.gauges.waiting), (Some(16.0), Some(0.0)));
}

#[test]
fn triton_counts_the_model_that_is_asked() {
    let page = read("triton/metrics.http", "tinylm");
    assert_eq!((page.family, counts(&page)), ("triton", vec![(Count::Requests, 9.0)]));
    assert_eq!(mean(&page, Span::Queue), (9.0, 0.183));
    // A name that the page does not have counts all.
    assert_eq!(read("triton/metrics.http", "ensemble").counts.get(&Count::Requests), Some(&10.0));
}

#[test]
fn litellm_names_models_as_they_were_asked_for() {
    let page = read("litellm/metrics.filtered.txt", "tiny");
    assert_eq!(page.family, "litellm");
    assert_eq!(page.counts.get(&Count::OutputTokens), Some(&40.0));
    assert_eq!(page.counts.get(&Count::PromptTokens), Some(&71.0));
    assert_eq!(page.spans.get(&Span::E2e).map(|e2e| e2e.count), Some(5.0));
    assert_eq!(read("litellm/metrics.filtered.txt", "limited").counts.get(&Count::OutputTokens), Some(&4.0));
}

#[test]
fn a_page_of_somebody_else_is_none_of_ours() {
    assert_eq!(reading(&Page::parse("node_load1 0.5\n"), None), None);
    let nim = Page::parse("num_requests_running{model_name=\"m\"} 3\nnum_requests_waiting 0\n");
    assert_eq!(reading(&nim, None).map(|page| (page.family, page.gauges.running)), Some(("nim", Some(3.0))));
}
