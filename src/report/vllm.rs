//! The keys of `vllm bench serve`, so that dashboards made for its files show ours.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::document::v1::{LevelDocument, LoadDocument, MetricDocument, RunDocument};
use crate::record::Metric;
use crate::report::number::tidy;

/// One object per level and line, as `--append-result` writes them. Where our definition is another one, METRICS says so;
/// a number that does not exist is left out, never 0.
pub fn render(run: &RunDocument) -> String {
    run.levels.iter().map(|level| object(&members(run, level))).collect()
}

/// In vLLM's own order, which `serde_json`'s map would not keep.
fn members(run: &RunDocument, level: &LevelDocument) -> Vec<(String, Value)> {
    let load = run.plan.workload.levels.iter().find(|load| load.label == level.label);
    let backend = if run.plan.workload.api == "chat" { "openai-chat" } else { "openai" };
    let mut members: Vec<(String, Value)> = [
        ("date", json!(date(&run.created))),
        ("endpoint_type", json!(backend)),
        ("backend", json!(backend)),
        ("label", json!("llm-loadtest")),
        ("model_id", json!(run.fingerprint.model)),
        ("tokenizer_id", json!(run.plan.workload.tokenizer)),
        ("num_prompts", json!(level.offered)),
        ("request_rate", load.and_then(|load| load.rate).map_or(json!("inf"), |rate| json!(rate))),
        ("burstiness", burstiness(load)),
        ("max_concurrency", json!(load.and_then(|load| load.concurrency.or(load.max_in_flight)))),
        ("duration", json!(level.window.measured_s)),
        ("completed", json!(level.succeeded)),
        ("failed", json!(level.failed())),
        ("total_input_tokens", json!(level.tokens.prompt)),
        ("total_output_tokens", json!(level.tokens.output)),
        ("request_throughput", value(level, Metric::RequestThroughput)),
        ("request_goodput", value(level, Metric::GoodputRate)),
        ("output_throughput", value(level, Metric::OutputThroughput)),
        ("total_token_throughput", value(level, Metric::TotalThroughput)),
        ("max_concurrent_requests", json!(level.concurrency.peak)),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    for (name, metric) in
        [("ttft", Metric::Ttft), ("tpot", Metric::Tpot), ("itl", Metric::Icl), ("e2el", Metric::E2e)]
    {
        if let Some(found) = level.metrics.get(metric.id()) {
            members.extend(statistics(name, found));
        }
    }
    members
}

fn value(level: &LevelDocument, metric: Metric) -> Value {
    json!(level.values.get(metric.id()))
}

/// 1 for a Poisson process; infinity, which is no JSON, for constant gaps; null without a rate that we know the law of.
fn burstiness(load: Option<&LoadDocument>) -> Value {
    match load.and_then(|load| load.arrivals.as_deref()) {
        None | Some("poisson") => json!(1.0),
        Some("constant") => json!("inf"),
        Some(_) => Value::Null,
    }
}

/// numpy's standard deviation divides by n, ours by n − 1.
fn statistics(name: &str, found: &MetricDocument) -> Vec<(String, Value)> {
    let MetricDocument { unit: _, n, mean, sd, min: _, max: _, p50, p90, p95, p99, more, thin: _ } = found;
    let spread = match n {
        Some(1) => Some(0.0),
        n => n.zip(*sd).map(|(n, sd)| tidy(sd * ((n - 1) as f64 / n as f64).sqrt())),
    };
    let known =
        [("mean", *mean), ("median", *p50), ("std", spread), ("p90", *p90), ("p95", *p95), ("p99", *p99)];
    let known = known.into_iter().filter_map(|(word, value)| Some((word.to_owned(), value?)));
    let more = more.iter().map(|(word, value)| (word.clone(), *value));
    known.chain(more).map(|(word, value)| (format!("{word}_{name}_ms"), json!(value))).collect()
}

/// `20260102-030405`, in UTC; a text that is no instant as it is.
fn date(created: &str) -> String {
    created
        .parse::<Timestamp>()
        .map_or_else(|_| created.to_owned(), |at| at.strftime("%Y%m%d-%H%M%S").to_string())
}

fn object(members: &[(String, Value)]) -> String {
    let pairs: Vec<String> =
        members.iter().map(|(key, value)| format!("{}: {value}", Value::from(key.as_str()))).collect();
    format!("{{{}}}\n", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::document::v1::import::{Given, ImportOptions, Reading, import};
    use crate::document::v1::sample;

    #[test]
    fn a_level_is_an_object_with_their_keys_in_their_order() {
        insta::assert_snapshot!(render(&sample::run()), @r#"{"date": "20260102-030405", "endpoint_type": "openai-chat", "backend": "openai-chat", "label": "llm-loadtest", "model_id": "org/model-8b", "tokenizer_id": null, "num_prompts": 100, "request_rate": "inf", "burstiness": 1.0, "max_concurrency": 32, "duration": 12.5, "completed": 97, "failed": 3, "total_input_tokens": 49700, "total_output_tokens": 9300, "request_throughput": 7.76, "request_goodput": null, "output_throughput": 745.0, "total_token_throughput": null, "max_concurrent_requests": 32, "mean_ttft_ms": 368.0, "median_ttft_ms": 368.0, "std_ttft_ms": 98.0, "p90_ttft_ms": 502.4, "p95_ttft_ms": 519.2, "p99_ttft_ms": 532.64, "mean_tpot_ms": 24.8, "median_tpot_ms": 24.8, "std_tpot_ms": 2.8, "p90_tpot_ms": 28.64, "p95_tpot_ms": 29.12, "p99_tpot_ms": 29.504, "mean_e2el_ms": 3076.0, "median_e2el_ms": 3076.0, "std_e2el_ms": 335.9995, "p90_e2el_ms": 3536.8, "p95_e2el_ms": 3594.4, "p99_e2el_ms": 3640.48, "p99.9_e2el_ms": 3650.85}"#);
    }

    /// Our numbers under their names are read back as our numbers.
    #[test]
    fn what_is_written_is_read_again() {
        let mut plan = sample::plan();
        plan.api = crate::protocol::Api::Completions;
        plan.levels.push(sample::open_level());
        let run = sample::build(&plan, &[sample::summary(0.0)], None);
        let text = render(&run);
        let reading = Reading { tool: "0.1.0", created: "2026-01-03T00:00:00Z" };
        let given = [Given { path: Path::new("theirs.json"), text: &text }];
        let again = import(&given, &ImportOptions::default(), reading).unwrap();
        assert_eq!(again.labels(), run.labels());
        for (before, after) in run.levels.iter().zip(&again.levels) {
            assert_eq!((after.offered, after.succeeded), (before.offered, before.succeeded));
            for (metric, exact) in [("ttft", true), ("e2e", true), ("tpot", false)] {
                let (before, after) = (&before.metrics[metric], &after.metrics[metric]);
                assert_eq!(
                    (before.mean, before.p50, before.p95, before.p99),
                    (after.mean, after.p50, after.p95, after.p99)
                );
                assert_eq!(after.n, before.n.filter(|_| exact));
            }
            let throughput = |level: &LevelDocument| level.values["output_throughput"].to_bits();
            assert_eq!(throughput(before), throughput(after));
            let sd = |level: &LevelDocument| level.metrics["ttft"].sd.unwrap();
            assert!((sd(before) - sd(after)).abs() < 1e-3 * sd(before));
        }
    }
}
