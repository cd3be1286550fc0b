//! `/metrics` in vLLM's names.

use std::fmt::{Display, Write};

use super::driver::Snapshot;
use crate::simulator::model::Histogram;

/// Prometheus' text format of one snapshot.
pub(super) fn render(snapshot: &Snapshot, model: &str) -> String {
    let Snapshot { counters, gauges } = snapshot;
    let labels = format!("engine=\"0\",model_name=\"{}\"", escaped(model));
    let mut page = Page {
        text: String::new(),
        labels,
    };
    page.single(
        "num_requests_running",
        "gauge",
        "Number of requests in model execution batches.",
        gauges.running,
    );
    page.single(
        "num_requests_waiting",
        "gauge",
        "Number of requests waiting to be processed.",
        gauges.waiting,
    );
    page.single(
        "kv_cache_usage_perc",
        "gauge",
        "KV-cache usage. 1 means 100 percent usage.",
        gauges.kv_usage,
    );
    let queried = "Prefix cache queries, in terms of number of queried tokens.";
    page.single(
        "prefix_cache_queries_total",
        "counter",
        queried,
        counters.prefix_queries,
    );
    let hit = "Prefix cache hits, in terms of number of cached tokens.";
    page.single("prefix_cache_hits_total", "counter", hit, counters.prefix_hits);
    let preempted = "Cumulative number of preemption from the engine.";
    page.single(
        "num_preemptions_total",
        "counter",
        preempted,
        counters.preemptions,
    );
    page.single(
        "prompt_tokens_total",
        "counter",
        "Number of prefill tokens processed.",
        counters.prompt_tokens,
    );
    let generated = "Number of generation tokens processed.";
    page.single(
        "generation_tokens_total",
        "counter",
        generated,
        counters.generation_tokens,
    );
    page.head(
        "request_success_total",
        "counter",
        "Count of successfully processed requests.",
    );
    let reasons = [
        ("stop", 0),
        ("length", counters.finished),
        ("abort", counters.aborted),
        ("error", counters.failed),
    ];
    for (reason, count) in reasons {
        page.line(
            "request_success_total",
            &format!("finished_reason=\"{reason}\","),
            count,
        );
    }
    page.histogram(
        "time_to_first_token_seconds",
        "Histogram of time to first token in seconds.",
        &counters.ttft,
    );
    page.histogram(
        "inter_token_latency_seconds",
        "Histogram of inter-token latency in seconds.",
        &counters.itl,
    );
    page.histogram(
        "e2e_request_latency_seconds",
        "Histogram of e2e request latency in seconds.",
        &counters.e2e,
    );
    page.text
}

struct Page {
    text: String,
    labels: String,
}

impl Page {
    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            self.line(&bucket, &format!("le=\"{bound:?}\","), count);
        }
        self.line(&bucket, "le=\"+Inf\",", histogram.count());
        self.line(&format!("{name}_count"), "", histogram.count());
        self.line(&format!("{name}_sum"), "", histogram.sum());
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!(
            "# HELP vllm:{name} {help}\n# TYPE vllm:{name} {kind}\n"
        ));
    }

    fn line(&mut self, name: &str, extra: &str, value: impl Display) {
        let labels = self.labels.clone();
        self.write(format_args!("vllm:{name}{{{extra}{labels}}} {value}\n"));
    }

    #[expect(clippy::expect_used, reason = "writing into a String cannot fail")]
    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a String takes any text");
    }
}

/// A label's value may hold anything, once these three are escaped.
fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
