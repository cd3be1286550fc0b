//! AIPerf: the aggregate `profile_export_aiperf.json` and the records of `profile_export.jsonl`.

use serde_json::Value;

use super::entry::{Entry, Request, Statistics, closed, is_time, open, to_ms, unknown};
use super::error::Problem;
use super::json::{Fields, clipped};
use crate::document::v1::number::six;
use crate::record::Metric;

/// Their distributions and ours.
const SAME: [(&str, Metric); 7] = [
    ("time_to_first_token", Metric::Ttft),
    ("time_to_first_output_token", Metric::Ttfo),
    ("time_to_second_token", Metric::Ttst),
    ("inter_token_latency", Metric::Tpot),
    ("inter_chunk_latency", Metric::Icl),
    ("request_latency", Metric::E2e),
    ("output_token_throughput_per_user", Metric::TokensPerUser),
];

/// Numbers that are none of ours, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    (
        "goodput",
        "goodput",
        "a request without the value that a limit names misses it there, and is not evaluated here",
    ),
    ("good_request_count", "good_request_count", "as goodput"),
    ("prefill_throughput_per_user", "prefill_throughput_per_user", "METRICS has no such number"),
    ("prefill_throughput", "prefill_throughput", "METRICS has no such number"),
    (
        "effective_concurrency",
        "effective_concurrency",
        "the file has its mean without the window that it stands for",
    ),
];

const ITL: &str = "its inter_token_latency is one mean per request, our tpot, and is found there";
const COUNTS: &str = "output tokens are counted by the client's tokenizer unless --use-server-token-count was given, and tpot divides by them";

pub(super) fn is_record(value: &Value) -> bool {
    value.pointer("/metadata/request_start_ns").is_some()
}

pub(super) fn read_summary(fields: &Fields<'_>) -> Result<Entry, Problem> {
    let mut entry = load(fields)?;
    about(&mut entry, fields)?;
    let average = |key: &str| fields.object(key)?.map_or(Ok(None), |metric| metric.number("avg"));
    let count = |key: &str| Ok::<_, Problem>(average(key)?.map(|count| count.round() as u64));
    let succeeded =
        count("request_count")?.ok_or_else(|| Problem::Missing { key: "request_count".to_owned() })?;
    if succeeded == 0 {
        return Err(Problem::NoSuccess);
    }
    // The counter of errors is there only when one occurred.
    entry.count(succeeded, Some(count("error_request_count")?.unwrap_or(0)));
    entry.duration_s = average("benchmark_duration")?;
    entry.tokens.prompt = count("total_isl")?;
    entry.tokens.output = count("total_osl")?;
    for (key, metric) in [
        ("request_throughput", Metric::RequestThroughput),
        ("output_token_throughput", Metric::OutputThroughput),
        ("total_token_throughput", Metric::TotalThroughput),
    ] {
        entry.value(metric, average(key)?.map(six));
    }
    for (key, metric) in SAME {
        if let Some(found) = fields.object(key)? {
            let n = matches!(metric, Metric::Ttft | Metric::E2e).then_some(succeeded);
            tell(&mut entry, key, metric, &found, n)?;
        }
    }
    if fields.has("inter_token_latency") {
        entry.taken(ITL);
    }
    entry.leave_out_present(fields, LEFT_OUT);
    entry.taken(COUNTS);
    Ok(entry)
}

fn tell(
    entry: &mut Entry,
    key: &str,
    metric: Metric,
    found: &Fields<'_>,
    n: Option<u64>,
) -> Result<(), Problem> {
    let unit = found.text("unit")?.unwrap_or("ms");
    let factor = if is_time(metric) { to_ms(1.0, unit) } else { Some(1.0) };
    let Some(factor) = factor else {
        return Err(Problem::Field {
            key: format!("{key}.unit"),
            wanted: "a unit of time",
            found: clipped(unit),
        });
    };
    let number = |key: &str| Ok::<_, Problem>(found.number(key)?.map(|value| value * factor));
    let quantiles = found.percentiles("")?.into_iter().map(|(q, value)| (q, value * factor)).collect();
    let told = Statistics {
        n,
        mean: number("avg")?,
        spread: number("std")?,
        min: number("min")?,
        max: number("max")?,
        quantiles,
    };
    entry.told.insert(metric, told.document(metric));
    Ok(())
}

fn load(fields: &Fields<'_>) -> Result<Entry, Problem> {
    let Some(plan) = fields.deep(&["input_config", "loadgen"])? else {
        return Ok(Entry::new(unknown("aiperf")));
    };
    let (rate, limit) = (plan.number("request_rate")?, plan.count("concurrency")?);
    let mut entry = Entry::new(match (rate, limit) {
        (Some(rate), limit) => {
            open(rate, plan.text("request_rate_mode")?.or(plan.text("arrival_pattern")?), limit)
        }
        (None, Some(limit)) => closed(limit),
        (None, None) => unknown("aiperf"),
    });
    entry.load.requests = plan.count("request_count")?;
    if rate.is_some() {
        entry.warn("latencies start when a request was sent, not when it was due: waiting in the client is missing (coordinated omission)");
    }
    Ok(entry)
}

fn about(entry: &mut Entry, fields: &Fields<'_>) -> Result<(), Problem> {
    entry.about.version = fields.word("aiperf_version");
    entry.about.measured = fields.word("start_time");
    if let Some(endpoint) = fields.deep(&["input_config", "endpoint"])? {
        entry.about.api = match endpoint.word("type").as_deref() {
            Some("chat") => Some("chat"),
            Some("completions") => Some("completions"),
            _ => None,
        };
        entry.about.stream = endpoint.truth("streaming")?;
        entry.about.url = endpoint.word("url");
        let models = endpoint.list("model_names")?.unwrap_or_default();
        entry.about.model = models.iter().find_map(Value::as_str).map(str::to_owned);
        entry.facts.extend(endpoint.word("type").map(|kind| ("endpoint type", kind)));
    }
    entry.facts.extend(entry.about.model.clone().map(|model| ("model", model)));
    for (name, path, key) in [
        ("input tokens", &["input_config", "input", "prompt", "input_tokens"], "mean"),
        ("output tokens", &["input_config", "input", "prompt", "output_tokens"], "mean"),
    ] {
        let Some(mean) = fields.deep(path)?.and_then(|lengths| lengths.word(key)) else { continue };
        entry.facts.insert(name, mean.clone());
        match name {
            "input tokens" => entry.about.input_tokens = Some(mean),
            _ => entry.about.output_tokens = Some(mean),
        }
    }
    Ok(())
}

/// One benchmark from its records, a line each.
pub(super) fn read_records(records: &[Value]) -> Result<Entry, Problem> {
    let mut entry = Entry::new(unknown("aiperf"));
    let mut all = Records::default();
    for (at, record) in records.iter().enumerate() {
        all.add(record).map_err(|problem| match problem {
            Problem::Field { key, wanted, found } => {
                Problem::Field { key: format!("line {}: {key}", at + 1), wanted, found }
            }
            other => other,
        })?;
    }
    let Records { requests, spans, failed, cancelled, prompt, streamed } = all;
    if requests.is_empty() {
        return Err(Problem::NoSuccess);
    }
    let succeeded = requests.len() as u64;
    entry.count(succeeded, Some(failed));
    if cancelled > 0 {
        entry.failures.insert("cancelled", cancelled);
    }
    entry.about.stream = Some(streamed);
    entry.recompute(&requests);
    let (start, end) =
        spans.iter().fold((f64::MAX, 0.0_f64), |(start, end), span| (start.min(span.0), end.max(span.1)));
    let duration = end - start;
    entry.in_flight(&spans, duration);
    entry.tokens.prompt = prompt;
    entry.tokens.output = Some(requests.iter().map(|request| request.output).sum());
    entry.duration_s = Some(six(duration)).filter(|seconds| *seconds > 0.0);
    if let Some(seconds) = entry.duration_s {
        let output = entry.tokens.output.unwrap_or_default() as f64;
        entry.value(Metric::RequestThroughput, Some(six(succeeded as f64 / seconds)));
        entry.value(Metric::OutputThroughput, Some(six(output / seconds)));
        entry.value(Metric::TotalThroughput, prompt.map(|prompt| six((prompt as f64 + output) / seconds)));
    }
    entry.taken(
        "latencies are made anew from single records; inter_token_latency is one mean per request, our tpot",
    );
    entry.taken(COUNTS);
    Ok(entry)
}

#[derive(Default)]
struct Records {
    requests: Vec<Request>,
    /// In seconds since the epoch.
    spans: Vec<(f64, f64)>,
    failed: u64,
    cancelled: u64,
    prompt: Option<u64>,
    streamed: bool,
}

impl Records {
    fn add(&mut self, record: &Value) -> Result<(), Problem> {
        let fields = Fields::of(record)?;
        let missing = |key: &str| Problem::Missing { key: key.to_owned() };
        let about = fields.object("metadata")?.ok_or_else(|| missing("metadata"))?;
        if about.text("benchmark_phase")? == Some("warmup") {
            return Ok(());
        }
        let instant = |key: &str| about.nanos(key);
        let (start, end) = (instant("request_start_ns")?, instant("request_end_ns")?);
        self.spans.push((
            start.ok_or_else(|| missing("metadata.request_start_ns"))?,
            end.or(start).unwrap_or_default(),
        ));
        if about.truth("was_cancelled")?.unwrap_or(false) {
            self.cancelled += 1;
        } else if fields.has("error") {
            self.failed += 1;
        } else if let Some(metrics) = fields.object("metrics")? {
            self.success(&metrics)?;
        }
        Ok(())
    }

    fn success(&mut self, metrics: &Fields<'_>) -> Result<(), Problem> {
        let count = |key: &str| metrics.object(key)?.map_or(Ok(None), |metric| metric.count("value"));
        let ttft = time(metrics, "time_to_first_token")?;
        let gaps = match metrics.object("inter_chunk_latency")? {
            Some(metric) => {
                let unit = metric.text("unit")?.unwrap_or("ms").to_owned();
                let values = metric.numbers("value")?.unwrap_or_default();
                values.into_iter().map(|value| to_ms(value, &unit)).collect::<Option<Vec<f64>>>()
            }
            None => None,
        };
        self.streamed |= ttft.is_some();
        if let Some(tokens) = count("input_sequence_length")? {
            self.prompt = Some(self.prompt.unwrap_or(0) + tokens);
        }
        self.requests.push(Request {
            ttft,
            ttfo: time(metrics, "time_to_first_output_token")?,
            e2e: time(metrics, "request_latency")?,
            gaps,
            output: count("output_sequence_length")?.unwrap_or(0),
            ..Request::default()
        });
        Ok(())
    }
}

fn time(metrics: &Fields<'_>, key: &str) -> Result<Option<f64>, Problem> {
    let Some(metric) = metrics.object(key)? else { return Ok(None) };
    let unit = metric.text("unit")?.unwrap_or("ms");
    let Some(value) = metric.number("value")? else { return Ok(None) };
    to_ms(value, unit).map(Some).ok_or_else(|| Problem::Field {
        key: format!("{key}.unit"),
        wanted: "a unit of time",
        found: clipped(unit),
    })
}
