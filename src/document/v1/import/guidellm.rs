//! GuideLLM: `benchmarks.json`, one benchmark per load, in the shapes of its report versions 1 and 2.

use super::entry::{Entry, Request, Statistics, closed, open, unknown};
use super::error::Problem;
use super::json::Fields;
use crate::document::v1::ConcurrencyDocument;
use crate::document::v1::number::six;
use crate::record::Metric;

const TPOT: &str = "counts the wait for the first token in";
const ITL: &str =
    "is one mean per request, weighted by tokens: neither our tpot (by request) nor our itl (single gaps)";
const SPREAD: &str =
    "spreads the tokens of a request evenly over its time, also over the edges of the window";
const CLOCK: &str =
    "GuideLLM reads the wall clock for every latency: a correction of the clock during the run is in them";
const ZERO: &str = "0 stands for no value there";

/// One benchmark of a report.
pub(super) fn read(report: &Fields<'_>, benchmark: &Fields<'_>) -> Result<Entry, Problem> {
    let metrics =
        benchmark.object("metrics")?.ok_or_else(|| Problem::Missing { key: "metrics".to_owned() })?;
    let mut entry = Entry::new(load(benchmark)?);
    about(&mut entry, report, benchmark)?;
    let totals = metrics.object("request_totals")?.or(benchmark.object("request_totals")?);
    let total = |key: &str| totals.as_ref().map_or(Ok(None), |totals| totals.count(key));
    let succeeded = total("successful")?
        .ok_or_else(|| Problem::Missing { key: "request_totals.successful".to_owned() })?;
    if succeeded == 0 {
        return Err(Problem::NoSuccess);
    }
    entry.count(succeeded, total("errored")?);
    // Cut at the end of the benchmark, by the client: ours are not offered either.
    entry.failures.extend(total("incomplete")?.filter(|n| *n > 0).map(|n| ("cancelled", n)));
    let (start, end) = (benchmark.number("start_time")?, benchmark.number("end_time")?);
    entry.duration_s = benchmark
        .number("duration")?
        .or(start.zip(end).map(|(start, end)| (end - start).max(0.0)))
        .filter(|seconds| *seconds > 0.0);
    if let Some(found) = metrics.deep(&["request_concurrency", "total"])? {
        let peak = found.number("max")?.map(|peak| peak.round() as u64);
        entry.concurrency = ConcurrencyDocument { mean: found.number("mean")?.map(six), peak };
    }
    tokens(&mut entry, &metrics)?;
    let rate = metrics.deep(&["requests_per_second", "successful"])?;
    entry.value(Metric::RequestThroughput, rate.map_or(Ok(None), |rate| rate.number("mean"))?.map(six));
    let window = start.zip(end);
    match requests(benchmark, window, succeeded)? {
        Some(rows) => from_requests(&mut entry, &rows, window),
        None => from_summary(&mut entry, &metrics)?,
    }
    entry.leave_out("time_per_output_token", TPOT);
    entry.warn(CLOCK);
    Ok(entry)
}

fn load(benchmark: &Fields<'_>) -> Result<crate::document::v1::LoadDocument, Problem> {
    let strategy = benchmark.deep(&["config", "strategy"])?.or(benchmark.deep(&["args", "strategy"])?);
    let Some(strategy) = strategy else { return Ok(unknown("guidellm")) };
    let kind = strategy.word("type_").unwrap_or_default();
    let limit = strategy.count("max_concurrency")?;
    let (streams, rate) = (strategy.count("streams")?, strategy.number("rate")?);
    Ok(match (kind.as_str(), streams, rate) {
        ("synchronous", ..) => closed(1),
        (_, Some(streams), _) => closed(streams),
        (kind, _, Some(rate)) => {
            open(rate, Some(kind).filter(|kind| ["constant", "poisson"].contains(kind)), limit)
        }
        ("", ..) => unknown("guidellm"),
        (kind, ..) => unknown(kind),
    })
}

fn about(entry: &mut Entry, report: &Fields<'_>, benchmark: &Fields<'_>) -> Result<(), Problem> {
    let version = report.object("metadata")?.and_then(|about| about.word("guidellm_version"));
    let about = &mut entry.about;
    about.version = version;
    for (path, model, url) in [
        (&["config", "backend"][..], "model", "target"),
        (&["worker"][..], "backend_model", "backend_target"),
        (&["benchmarker", "backend"][..], "model", "target"),
    ] {
        if let Some(found) = benchmark.deep(path)? {
            about.model = about.model.take().or(found.word(model));
            about.url = about.url.take().or(found.word(url));
        }
    }
    if let Some(requests) = benchmark.deep(&["config", "requests"])?.or(benchmark.object("request_loader")?) {
        about.dataset = requests.word("data");
    }
    let facts = [("model", about.model.clone()), ("data", about.dataset.clone())];
    entry.facts.extend(facts.into_iter().filter_map(|(name, value)| Some((name, value?))));
    Ok(())
}

fn tokens(entry: &mut Entry, metrics: &Fields<'_>) -> Result<(), Problem> {
    let sum = |key: &str| {
        let found = metrics.deep(&[key, "successful"])?;
        Ok::<_, Problem>(
            found.map_or(Ok(None), |found| found.number("total_sum"))?.map(|sum| sum.round() as u64),
        )
    };
    entry.tokens.prompt = sum("prompt_token_count")?;
    entry.tokens.output = sum("output_token_count")?;
    Ok(())
}

/// A request with its instants, in seconds since the epoch.
struct Row {
    start: f64,
    end: f64,
    prompt: u64,
    request: Request,
}

/// The successful requests; none where they are sampled, or where these contradict the totals.
fn requests(
    benchmark: &Fields<'_>,
    window: Option<(f64, f64)>,
    succeeded: u64,
) -> Result<Option<Vec<Row>>, Problem> {
    let Some(requests) = benchmark.object("requests")? else { return Ok(None) };
    let rows: Vec<Row> = requests
        .objects("successful")?
        .iter()
        .filter_map(|fields| row(fields).transpose())
        .collect::<Result<_, _>>()?;
    let within = |row: &Row| window.is_none_or(|(from, to)| row.end >= from && row.start <= to);
    let rows: Vec<Row> = rows.into_iter().filter(within).collect();
    Ok((rows.len() as u64 == succeeded).then_some(rows))
}

/// Both shapes: instants under `info.timings`, or beside the counts as version 1 has them.
fn row(fields: &Fields<'_>) -> Result<Option<Row>, Problem> {
    let timings = fields.deep(&["info", "timings"])?;
    let instant = |new: &str, old: &str| match &timings {
        Some(timings) => timings.number(new),
        None => fields.number(old),
    };
    let (Some(start), Some(end)) =
        (instant("request_start", "start_time")?, instant("request_end", "end_time")?)
    else {
        return Ok(None);
    };
    let first = instant("first_token_iteration", "first_token_time")?;
    let visible =
        timings.as_ref().map_or(Ok(None), |timings| timings.number("first_output_token_iteration"))?;
    let last = instant("last_token_iteration", "last_token_time")?;
    let since = |at: Option<f64>| at.map(|at| (at - start) * 1e3);
    // A clock that was set back shows as a token before its request.
    let request = Request {
        ttft: since(first).filter(|ms| *ms >= 0.0),
        ttfo: since(visible).filter(|ms| *ms >= 0.0),
        e2e: since(last).filter(|ms| *ms >= 0.0),
        ttlb: since(Some(end)).filter(|ms| *ms >= 0.0),
        gaps: None,
        output: fields.count("output_tokens")?.unwrap_or(0),
    };
    Ok(Some(Row { start, end, prompt: fields.count("prompt_tokens")?.unwrap_or(0), request }))
}

fn from_requests(entry: &mut Entry, rows: &[Row], window: Option<(f64, f64)>) {
    let requests: Vec<Request> = rows.iter().map(|row| row.request.clone()).collect();
    entry.recompute(&requests);
    entry.about.stream = Some(requests.iter().any(|request| request.ttft.is_some()));
    entry.taken("latencies are made anew from single requests; request_latency is our ttlb, inter_token_latency of one request its tpot");
    // When every request lies in the window, so does every token, and no assumption about their spread is needed.
    let whole = window.is_some_and(|(from, to)| rows.iter().all(|row| row.start >= from && row.end <= to));
    let Some(seconds) = entry.duration_s.filter(|_| whole) else {
        entry.leave_out("output_tokens_per_second, tokens_per_second", SPREAD);
        return;
    };
    let output: u64 = requests.iter().map(|request| request.output).sum();
    let prompt: u64 = rows.iter().map(|row| row.prompt).sum();
    entry.value(Metric::OutputThroughput, Some(six(output as f64 / seconds)));
    entry.value(Metric::TotalThroughput, Some(six((output + prompt) as f64 / seconds)));
}

fn from_summary(entry: &mut Entry, metrics: &Fields<'_>) -> Result<(), Problem> {
    for (key, metric, factor) in [
        ("time_to_first_token_ms", Metric::Ttft, 1.0),
        ("time_to_first_output_token_ms", Metric::Ttfo, 1.0),
        ("request_latency", Metric::Ttlb, 1e3),
    ] {
        let Some(found) = metrics.deep(&[key, "successful"])? else { continue };
        let told = statistics(&found, factor)?;
        // A request without a first token counts as 0 there, and pulls every statistic down.
        if told.min == Some(0.0) {
            entry.leave_out(key, ZERO);
        } else if told.n != Some(0) {
            entry.told.insert(metric, told.document(metric));
        }
    }
    entry.taken("request_latency ends with the answer, so it is our ttlb; e2e needs single requests");
    entry.taken("its percentiles are single samples, ours lie between two");
    entry.leave_out("inter_token_latency", ITL);
    entry.leave_out("output_tokens_per_second, tokens_per_second", SPREAD);
    Ok(())
}

fn statistics(found: &Fields<'_>, factor: f64) -> Result<Statistics, Problem> {
    let number = |key: &str| Ok::<_, Problem>(found.number(key)?.map(|value| value * factor));
    let mut told = Statistics {
        n: found.count("count")?,
        mean: number("mean")?,
        spread: number("std_dev")?,
        min: number("min")?,
        max: number("max")?,
        ..Statistics::default()
    };
    if let Some(percentiles) = found.object("percentiles")? {
        for (key, q) in [("p50", 500), ("p90", 900), ("p95", 950), ("p99", 990), ("p999", 999)] {
            told.quantiles.extend(percentiles.number(key)?.map(|value| (q, value * factor)));
        }
    }
    Ok(told)
}
