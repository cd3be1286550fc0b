//! `vllm bench serve`: `--save-result`, `--append-result` and `--save-detailed`.

use super::entry::{Entry, Request, closed, open, unknown};
use super::error::Problem;
use super::json::Fields;
use crate::document::v1::number::six;
use crate::record::Metric;

/// Numbers that are none of ours, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("request_goodput", "request_goodput", "the file does not say which limits it stands for"),
    ("max_output_tokens_per_s", "max_output_tokens_per_s", "counts chunks, not tokens, per whole second"),
    (
        "mean_client_queue_time_ms",
        "client_queue_time",
        "counts from when the client came to the request, our send_lag from when it was due",
    ),
    (
        "mean_e2el_including_client_queue_ms",
        "e2el_including_client_queue",
        "counts from when the client came to the request, our e2e_from_due from when it was due",
    ),
    ("spec_decode_acceptance_rate", "spec_decode_*", "the server's counters, of which METRICS has none"),
    ("diffusion_committed_throughput", "diffusion_*", "the server's counters, of which METRICS has none"),
    ("probe_median_e2el_ms", "probe_*", "requests beside the measured load"),
];

const CHAT: &str =
    "its chat client stops the clock at the first chunk with choices, which may be the role before any token";
const QUEUE: &str = "latencies start when the client's limit of concurrency lets a request go, not when it was due: waiting in front of a slow server is missing (coordinated omission)";
const PEAK: &str = "depending on its version it counts every request of a whole second, not those at once";
const BROKEN: &str = "a stream that broke off counts as a success there";

pub(super) fn read(fields: &Fields<'_>) -> Result<Entry, Problem> {
    if !fields.has("total_output_tokens") {
        return Err(Problem::Kind { what: "a benchmark of embeddings or pooling has no output tokens" });
    }
    let succeeded =
        fields.count("completed")?.ok_or_else(|| Problem::Missing { key: "completed".to_owned() })?;
    if succeeded == 0 {
        return Err(Problem::NoSuccess);
    }
    let mut entry = load(fields)?;
    about(&mut entry, fields)?;
    let prompts = fields.count("num_prompts")?;
    let failed = fields.count("failed")?.or_else(|| prompts.and_then(|all| all.checked_sub(succeeded)));
    entry.count(succeeded, failed);
    entry.load.requests = prompts;
    entry.duration_s = fields.number("duration")?;
    entry.tokens.prompt = fields.count("total_input_tokens")?;
    entry.tokens.output = fields.count("total_output_tokens")?;
    for (metric, key) in [
        (Metric::RequestThroughput, "request_throughput"),
        (Metric::OutputThroughput, "output_throughput"),
        (Metric::TotalThroughput, "total_token_throughput"),
    ] {
        entry.value(metric, fields.number(key)?.map(six));
    }
    latencies(&mut entry, fields, succeeded)?;
    entry.leave_out_present(fields, LEFT_OUT);
    entry.leave_out("success_rate, error_rate", BROKEN);
    Ok(entry)
}

fn load(fields: &Fields<'_>) -> Result<Entry, Problem> {
    let limit = fields.count("max_concurrency")?;
    // `inf` is a word in these files.
    let rate = match fields.word("request_rate").as_deref() {
        None | Some("inf") => None,
        Some(_) => fields.number("request_rate")?,
    };
    let mut entry = Entry::new(match (rate, limit) {
        (Some(rate), limit) => {
            let arrivals = match fields.word("burstiness").as_deref() {
                None | Some("1" | "1.0") => "poisson".to_owned(),
                Some("inf") => "constant".to_owned(),
                Some(burstiness) => format!("gamma, burstiness {burstiness}"),
            };
            open(rate, Some(&arrivals), limit)
        }
        (None, Some(limit)) => closed(limit),
        (None, None) => unknown("all at once"),
    });
    if fields.has("ramp_up_strategy") {
        let part = |key: &str| fields.word(key).unwrap_or_default();
        entry.load.label = format!("ramp {}-{}", part("ramp_up_start_rps"), part("ramp_up_end_rps"));
    }
    if rate.is_some() && limit.is_some() {
        entry.warn(QUEUE);
    }
    Ok(entry)
}

fn about(entry: &mut Entry, fields: &Fields<'_>) -> Result<(), Problem> {
    let backend = fields.word("backend").or_else(|| fields.word("endpoint_type"));
    entry.about.api = backend.as_deref().map(|name| if is_chat(name) { "chat" } else { "completions" });
    entry.about.stream = Some(true);
    entry.about.model = fields.text("model_id")?.map(str::to_owned);
    entry.about.tokenizer = fields.text("tokenizer_id")?.map(str::to_owned);
    entry.about.measured = fields.text("date")?.map(str::to_owned);
    for (name, value) in [
        ("backend", backend),
        ("model_id", entry.about.model.clone()),
        ("tokenizer_id", entry.about.tokenizer.clone()),
    ] {
        entry.facts.extend(value.map(|value| (name, value)));
    }
    Ok(())
}

fn is_chat(backend: &str) -> bool {
    backend.contains("chat") || backend.contains("audio")
}

fn latencies(entry: &mut Entry, fields: &Fields<'_>, succeeded: u64) -> Result<(), Problem> {
    let chat = entry.about.api == Some("chat");
    if let Some(requests) = requests(entry, fields, succeeded)? {
        entry.taken("latencies are made anew from the file's single requests");
        entry.recompute(&requests);
        if chat {
            for metric in [
                Metric::Ttft,
                Metric::Tpot,
                Metric::TokensPerUser,
                Metric::Ttst,
                Metric::Icl,
                Metric::Itl,
                Metric::MaxStall,
            ] {
                entry.samples.remove(&metric);
            }
        }
    } else {
        if !chat {
            entry.tell(fields, Metric::Ttft, "_ttft_ms", Some(succeeded))?;
            // Requests with one token have no TPOT, so its number of samples is not the number of requests.
            entry.tell(fields, Metric::Tpot, "_tpot_ms", None)?;
            entry.tell(fields, Metric::Icl, "_itl_ms", None)?;
        }
        match complete(fields, succeeded, entry.offered)? {
            Some(latencies) => entry.sample(Metric::E2e, latencies.iter().map(|s| s * 1e3).collect()),
            None => entry.tell(fields, Metric::E2e, "_e2el_ms", Some(succeeded))?,
        }
    }
    if chat {
        entry.leave_out("ttft, tpot, itl", CHAT);
    } else {
        entry.taken("its itl is the time between chunks, our icl, and is found there");
    }
    if entry.samples.contains_key(&Metric::E2e) || entry.told.contains_key(&Metric::E2e) {
        entry.taken(
            "its e2el ends at the last chunk with choices, which may follow the last token by a moment",
        );
    }
    if entry.concurrency.peak.is_none() {
        entry.leave_out_present(fields, &[("max_concurrent_requests", "max_concurrent_requests", PEAK)]);
    }
    Ok(())
}

/// The `latencies` that even a file without details has, where none of them is a failure's 0.
fn complete(fields: &Fields<'_>, succeeded: u64, offered: Option<u64>) -> Result<Option<Vec<f64>>, Problem> {
    let latencies = fields.numbers("latencies")?;
    Ok(latencies.filter(|all| all.len() as u64 == succeeded && offered == Some(succeeded)))
}

/// The successful requests of a detailed file; none without details, or where these contradict the summary.
fn requests(entry: &mut Entry, fields: &Fields<'_>, succeeded: u64) -> Result<Option<Vec<Request>>, Problem> {
    let (Some(ttfts), Some(itls), Some(outputs)) =
        (fields.numbers("ttfts")?, fields.lists("itls")?, fields.numbers("output_lens")?)
    else {
        return Ok(None);
    };
    let (latencies, starts) = (fields.numbers("latencies")?, fields.numbers("start_times")?);
    let errors = fields.list("errors")?.unwrap_or_default();
    let failed =
        |at: usize| errors.get(at).is_some_and(|error| error.as_str().is_some_and(|text| !text.is_empty()));
    let (mut found, mut spans) = (Vec::new(), Vec::new());
    for (at, ((ttft, gaps), output)) in ttfts.iter().zip(&itls).zip(&outputs).enumerate() {
        if *output == 0.0 || failed(at) {
            continue;
        }
        let seconds = latencies
            .as_ref()
            .and_then(|all| all.get(at))
            .copied()
            .unwrap_or(ttft + gaps.iter().sum::<f64>());
        spans.extend(starts.as_ref().and_then(|all| all.get(at)).map(|start| (*start, start + seconds)));
        found.push(Request {
            ttft: Some(ttft * 1e3),
            e2e: Some(seconds * 1e3),
            gaps: Some(gaps.iter().map(|gap| gap * 1e3).collect()),
            output: *output as u64,
            ..Request::default()
        });
    }
    if found.len() as u64 != succeeded || itls.len() != ttfts.len() || outputs.len() != ttfts.len() {
        entry.warn(format!(
            "its single requests were left out: {} of them ended well, and {succeeded} by the summary",
            found.len()
        ));
        return Ok(None);
    }
    // A failed request was in flight too, for a time that these files do not tell.
    if let Some(duration) =
        entry.duration_s.filter(|_| spans.len() == found.len() && entry.offered == Some(succeeded))
    {
        entry.in_flight(&spans, duration);
    }
    Ok(Some(found))
}
