//! SGLang's `bench_serving`: JSON lines, with `--output-details` or without.

use super::entry::{Entry, Request, closed, open, unknown};
use super::error::Problem;
use super::json::Fields;
use crate::document::v1::ConcurrencyDocument;
use crate::document::v1::number::six;
use crate::record::Metric;

/// Numbers that are none of ours, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("input_throughput", "input_throughput", "METRICS counts prompt tokens in total_throughput only"),
    (
        "output_throughput_retokenized",
        "output_throughput_retokenized",
        "METRICS counts tokens by usage first",
    ),
    ("max_output_tokens_per_s", "max_output_tokens_per_s", "counts chunks, not tokens, per whole second"),
    (
        "max_concurrent_requests",
        "max_concurrent_requests",
        "counts every request of a whole second, not those at once",
    ),
    ("accept_length", "accept_length", "the server's counter, of which METRICS has none"),
];

const DONE: &str =
    "its end is the end of the stream, so it is our ttlb and is found there; e2e needs --output-details";
const TPOT: &str =
    "includes the wait from the last token to the end of the stream; --output-details lets it be made anew";
const WAIT: &str = "starts when the client's limit of concurrency lets a request go, not when it was due: waiting in front of a slow server is missing (coordinated omission)";

/// Share by which the client's own count of output tokens may differ from the one that the throughput stands on.
const COUNTS_DIFFER: f64 = 0.02;

pub(super) fn read(fields: &Fields<'_>) -> Result<Entry, Problem> {
    let backend = fields.word("backend").unwrap_or_default();
    if backend.contains("embedding") {
        return Err(Problem::Kind { what: "a benchmark of embeddings has no output tokens" });
    }
    let succeeded =
        fields.count("completed")?.ok_or_else(|| Problem::Missing { key: "completed".to_owned() })?;
    if succeeded == 0 {
        return Err(Problem::NoSuccess);
    }
    let mut entry = load(fields)?;
    about(&mut entry, fields, &backend)?;
    // Errors are listed with the details only, an empty one for each success.
    let failed = fields.list("errors")?.map(|all| (all.len() as u64).saturating_sub(succeeded));
    entry.count(succeeded, failed);
    if failed.is_none() {
        entry.warn("failed requests are not in the file: offered counts the successes alone");
    }
    entry.duration_s = fields.number("duration")?;
    entry.tokens.prompt = fields.count("total_input_tokens")?.or(fields.count("total_input")?);
    entry.tokens.output = fields.count("total_output_tokens")?.or(fields.count("total_output")?);
    if let Some(cache) = fields.object("cache_report")? {
        entry.tokens.cached = cache.count("total_cached_tokens")?;
    }
    entry.concurrency = ConcurrencyDocument { mean: fields.number("concurrency")?.map(six), peak: None };
    throughput(&mut entry, fields)?;
    latencies(&mut entry, fields, &backend, succeeded)?;
    entry.leave_out_present(fields, LEFT_OUT);
    entry.leave_out("success_rate, error_rate", "a stream that broke off counts as a success there");
    Ok(entry)
}

fn load(fields: &Fields<'_>) -> Result<Entry, Problem> {
    let limit = fields.count("max_concurrency")?;
    // Without a rate the file says Infinity.
    let rate = match fields.word("request_rate").as_deref() {
        None | Some("inf") => None,
        Some("trace") => return Ok(Entry::new(unknown("trace"))),
        Some(_) => fields.number("request_rate")?,
    };
    let mut entry = Entry::new(match (rate, limit) {
        (Some(rate), limit) => open(rate, Some("poisson"), limit),
        (None, Some(limit)) => closed(limit),
        (None, None) => unknown("all at once"),
    });
    if rate.is_some() && limit.is_some() {
        entry.warn(format!("every latency {WAIT}"));
    }
    Ok(entry)
}

fn about(entry: &mut Entry, fields: &Fields<'_>, backend: &str) -> Result<(), Problem> {
    let server = fields.object("server_info")?;
    let told = |key: &str| server.as_ref().and_then(|info| info.word(key));
    let about = &mut entry.about;
    about.api = Some(if is_chat(backend) { "chat" } else { "completions" });
    about.model = told("served_model_name").or_else(|| told("model_path"));
    about.version = told("version");
    about.dataset = fields.word("dataset_name");
    if about.dataset.as_deref().is_some_and(|name| name.starts_with("random")) {
        about.input_tokens = fields.word("random_input_len");
        about.output_tokens = fields.word("random_output_len");
    }
    let facts = [
        "dataset_name",
        "sharegpt_output_len",
        "random_input_len",
        "random_output_len",
        "random_range_ratio",
    ];
    for name in facts {
        entry.facts.extend(fields.word(name).map(|value| (name, value)));
    }
    entry.facts.insert("backend", backend.to_owned());
    entry.facts.extend(entry.about.model.clone().map(|model| ("model", model)));
    Ok(())
}

fn is_chat(backend: &str) -> bool {
    backend.ends_with("-chat")
}

fn throughput(entry: &mut Entry, fields: &Fields<'_>) -> Result<(), Problem> {
    entry.value(Metric::RequestThroughput, fields.number("request_throughput")?.map(six));
    let total = fields.number("total_throughput")?.or(fields.number("total_token_throughput")?);
    let again =
        fields.count("total_output_tokens_retokenized")?.or(fields.count("total_output_retokenized")?);
    let differ =
        entry.tokens.output.zip(again).filter(|(said, counted)| {
            (*said as f64 - *counted as f64).abs() > COUNTS_DIFFER * (*said as f64)
        });
    if let Some((said, counted)) = differ {
        let why = format!(
            "without usage from the server it counts the tokens that were asked for: {said}, and {counted} in the texts"
        );
        entry.leave_out("output_throughput, total_throughput", why);
        return Ok(());
    }
    entry.value(Metric::OutputThroughput, fields.number("output_throughput")?.map(six));
    entry.value(Metric::TotalThroughput, total.map(six));
    Ok(())
}

fn latencies(entry: &mut Entry, fields: &Fields<'_>, backend: &str, succeeded: u64) -> Result<(), Problem> {
    let native = matches!(backend, "sglang" | "sglang-native");
    if fields.number("mean_itl_ms")? == Some(0.0) {
        entry.about.stream = Some(false);
        entry.leave_out("ttft, tpot, itl", "without streaming there is no first token to time");
        return entry.tell(fields, Metric::E2e, "_e2e_latency_ms", Some(succeeded));
    }
    entry.about.stream = Some(true);
    if is_chat(backend) {
        entry.warn("depending on its version ttft starts at the first visible text: with a model that thinks it may be our ttfo");
    }
    entry.tell(fields, Metric::Ttlb, "_e2e_latency_ms", Some(succeeded))?;
    if let Some(requests) = requests(entry, fields, native, succeeded)? {
        entry.taken("latencies are made anew from the file's single requests; e2e_latency is our ttlb, which ends with the stream");
        entry.recompute(&requests);
        return Ok(());
    }
    entry.tell(fields, Metric::Ttft, "_ttft_ms", Some(succeeded))?;
    entry.taken(format!("e2e_latency: {DONE}"));
    entry.leave_out("tpot", TPOT);
    let adjusted = fields.number("accept_length")?.is_some_and(|length| length > 0.0)
        && backend.starts_with("sglang-oai");
    if native || adjusted {
        entry.tell(fields, Metric::Itl, "_itl_ms", None)
    } else {
        entry.taken("its itl is the time between chunks, our icl, and is found there");
        entry.tell(fields, Metric::Icl, "_itl_ms", None)
    }
}

/// The successful requests of a detailed line; none without details, or where these contradict the summary.
fn requests(
    entry: &mut Entry,
    fields: &Fields<'_>,
    native: bool,
    succeeded: u64,
) -> Result<Option<Vec<Request>>, Problem> {
    let (Some(ttfts), Some(itls), Some(outputs)) =
        (fields.numbers("ttfts")?, fields.lists("itls")?, fields.numbers("output_lens")?)
    else {
        return Ok(None);
    };
    let rows = ttfts.iter().zip(&itls).zip(&outputs).filter(|(_, output)| **output > 0.0);
    let found: Vec<Request> = rows
        .map(|((ttft, gaps), output)| {
            let gaps: Vec<f64> = gaps.iter().map(|gap| gap * 1e3).collect();
            Request {
                ttft: Some(ttft * 1e3),
                e2e: Some(ttft * 1e3 + gaps.iter().sum::<f64>()),
                // The native client divides each gap by its tokens: the chunks themselves are lost.
                gaps: (!native).then(|| gaps.clone()),
                output: *output as u64,
                ..Request::default()
            }
        })
        .collect();
    if found.len() as u64 != succeeded || itls.len() != ttfts.len() || outputs.len() != ttfts.len() {
        entry.warn(format!(
            "its single requests were left out: {} of them ended well, and {succeeded} by the summary",
            found.len()
        ));
        return Ok(None);
    }
    if native {
        let ended = itls.iter().zip(&outputs).filter(|(_, output)| **output > 0.0);
        entry.sample(Metric::Itl, ended.flat_map(|(gaps, _)| gaps.iter().map(|gap| gap * 1e3)).collect());
    }
    Ok(Some(found))
}
