//! `/metrics` in vLLM's names.

use std::fmt::{Display, Write};

use super::driver::Snapshot;
use crate::simulator::model::{Counters, Gauges, Histogram};

/// Prometheus' text format of one snapshot.
pub(super) fn render(snapshot: &Snapshot, model: &str) -> String {
    let labels = format!("engine=\"0\",model_name=\"{}\"", escaped(model));
    let mut page = Page { text: String::new(), labels };
    page.gauges(&snapshot.gauges);
    page.totals(&snapshot.counters);
    page.text
}

struct Page {
    text: String,
    labels: String,
}

impl Page {
    fn gauges(&mut self, gauges: &Gauges) {
        let Gauges { running, waiting, kv_usage } = *gauges;
        self.single(
            "num_requests_running",
            "gauge",
            "Number of requests in model execution batches.",
            running,
        );
        self.single("num_requests_waiting", "gauge", "Number of requests waiting to be processed.", waiting);
        self.single("kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", kv_usage);
    }

    fn totals(&mut self, counters: &Counters) {
        let totals = [
            ("prefix_cache_queries", "Prefix cache queries, in tokens.", counters.prefix_queries),
            ("prefix_cache_hits", "Prefix cache hits, in tokens.", counters.prefix_hits),
            ("num_preemptions", "Cumulative number of preemptions.", counters.preemptions),
            ("prompt_tokens", "Number of prefill tokens processed.", counters.prompt_tokens),
            ("generation_tokens", "Number of generation tokens processed.", counters.generation_tokens),
        ];
        for (name, help, total) in totals {
            self.single(&format!("{name}_total"), "counter", help, total);
        }
        self.head("request_success_total", "counter", "Count of successfully processed requests.");
        for (reason, count) in
            [("length", counters.finished), ("abort", counters.aborted), ("error", counters.failed)]
        {
            self.line("request_success_total", &format!("finished_reason=\"{reason}\","), count);
        }
        self.histogram("time_to_first_token_seconds", "Time to first token in seconds.", &counters.ttft);
        self.histogram("inter_token_latency_seconds", "Inter-token latency in seconds.", &counters.itl);
        self.histogram("e2e_request_latency_seconds", "Request latency in seconds.", &counters.e2e);
    }

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
        self.write(format_args!("# HELP vllm:{name} {help}\n# TYPE vllm:{name} {kind}\n"));
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
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
