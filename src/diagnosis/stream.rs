//! One stream, chunk by chunk: what a TTFT and gaps between tokens are made of.

use super::check::{Check, diagnosis};
use super::facts::{Kind, Repeat, Streamed};
use super::service::refused;
use crate::base::Nanos;

/// Chunks this close came in one burst: no engine decodes a step in a tenth of a millisecond.
const BURST: Nanos = Nanos(100_000);
const BURST_SHARE: f64 = 0.25;
/// A second TTFT below this share of the first was saved by a cache.
const CACHED: f64 = 0.5;
/// Below this, TTFTs differ by chance.
const TTFT_TELLING: Nanos = Nanos(5_000_000);

pub(super) fn checks(url: &str, stream: &Streamed) -> Vec<Check> {
    if let Err(failure) = &stream.verdict {
        let words = refused(url, failure, "the load test fails, or TTFT is missing");
        return vec![Check::failed("stream", failure.to_string(), words)];
    }
    let mut checks =
        vec![Check::fine("stream", course(stream)), first_token(stream), chunks(stream), usage(stream)];
    checks.extend(lengths(stream));
    checks.push(ending(stream));
    checks
}

/// `headers after 2.1ms, first token after 24ms, 32 chunks in 210ms`
fn course(stream: &Streamed) -> String {
    let headers = stream.headers.map(|at| format!("headers after {at}, ")).unwrap_or_default();
    let first =
        stream.first_token().map_or_else(|| "no token".to_owned(), |at| format!("first token after {at}"));
    let (count, last) = stream.spoken().fold((0, Nanos::ZERO), |(count, _), (at, _)| (count + 1, at));
    format!("{headers}{first}, {count} chunks with tokens until {last}, {} reads", stream.pieces.len())
}

fn first_token(stream: &Streamed) -> Check {
    let first = stream.first_token().unwrap_or(Nanos::ZERO);
    let early = stream
        .pieces
        .iter()
        .find(|piece| !piece.told.is_empty())
        .map(|piece| piece.at)
        .filter(|at| *at < first);
    match early {
        Some(early) if first - early > Nanos(1_000_000) => Check::fine(
            "first_token",
            format!(
                "a chunk without tokens (role or comment) came {} before the first token; TTFT counts to the token, other tools may stop at that chunk",
                first - early
            ),
        ),
        _ => Check::fine("first_token", "the first event with data and the first token come together"),
    }
}

fn chunks(stream: &Streamed) -> Check {
    let at: Vec<Nanos> = stream.spoken().map(|(at, _)| at).collect();
    let gaps = at.len().saturating_sub(1);
    let close = at.windows(2).filter(|pair| pair[1] - pair[0] < BURST).count();
    let share = close as f64 / gaps.max(1) as f64;
    if at.len() == 1 && stream.usage.output.is_some_and(|tokens| tokens > 1) {
        let tokens = stream.usage.output.unwrap_or(0);
        return Check::warning(
            "chunks",
            format!("all {tokens} tokens came in one chunk"),
            diagnosis([
                "TTFT equals E2E, TPOT is missing".to_owned(),
                "the server, or a proxy between, does not stream: it sends the answer when it is whole".to_owned(),
                format!("one chunk for {tokens} tokens"),
                "switch the proxy's buffering off (nginx: proxy_buffering off), and the server's streaming on".to_owned(),
                "doctor's check 'chunks' counts about one token per chunk".to_owned(),
            ]),
        );
    }
    if gaps >= 4 && share > BURST_SHARE {
        return Check::warning(
            "chunks",
            format!("{:.0} % of the chunks came within 0.1 ms of the one before", share * 100.0),
            diagnosis([
                "ITL looks wrong: a median near zero and a long tail".to_owned(),
                "chunks arrive in bursts: a proxy re-chunks the stream, or the server sends several tokens at once".to_owned(),
                format!("{close} of {gaps} gaps below 0.1 ms"),
                "read TPOT instead of ITL; measure the server without the proxy".to_owned(),
                "doctor's check 'chunks' finds no bursts".to_owned(),
            ]),
        );
    }
    let per_chunk = stream.usage.output.map_or(String::new(), |tokens| {
        format!(", {:.2} tokens per chunk", f64::from(tokens) / at.len().max(1) as f64)
    });
    Check::fine(
        "chunks",
        format!("{} chunks with tokens{per_chunk}, {:.0} % in bursts", at.len(), share * 100.0),
    )
}

fn usage(stream: &Streamed) -> Check {
    let counted = stream.spoken().all(|(_, tokens)| tokens.is_some());
    match stream.usage.output {
        Some(tokens) if counted => Check::fine("usage", format!("{tokens} tokens, counted in every chunk")),
        Some(tokens) => Check::fine("usage", format!("{tokens} tokens, counted at the end")),
        None => Check::warning(
            "usage",
            "the stream carries no usage",
            diagnosis([
                "token counts and throughput are guesses".to_owned(),
                "the server does not report usage in streams, though it was asked to".to_owned(),
                "no chunk had usage".to_owned(),
                "give --tokenizer FILE, so that answers are counted here; or a server version that knows stream_options.include_usage".to_owned(),
                "doctor's check 'usage' shows a count".to_owned(),
            ]),
        ),
    }
}

fn lengths(stream: &Streamed) -> Option<Check> {
    let (got, asked) = (stream.usage.output?, stream.asked_tokens?);
    if got == asked {
        return Some(Check::fine("length", format!("{got} tokens, as asked for")));
    }
    Some(Check::warning(
        "length",
        format!("{got} tokens where {asked} were asked for"),
        diagnosis([
            "runs differ in length, so that throughput and E2E do not compare".to_owned(),
            "the model ended by itself, and the server does not know ignore_eos or was not sent it".to_owned(),
            format!("usage says {got}, asked were {asked}"),
            "name the engine with --adapter; where it has no ignore_eos, use prompts with long answers and read TPOT".to_owned(),
            "doctor's check 'length' agrees".to_owned(),
        ]),
    ))
}

fn ending(stream: &Streamed) -> Check {
    let finish = stream
        .finish
        .as_deref()
        .map_or_else(|| "no finish reason".to_owned(), |reason| format!("finish reason '{reason}'"));
    let end =
        if stream.told(Kind::End) { "its end mark" } else { "no end mark, which some servers never send" };
    Check::fine("ending", format!("{finish}, {end}"))
}

/// Whether the second of two equal prompts was answered from a cache.
pub(super) fn cache(first: &Streamed, again: &Repeat) -> Check {
    let cached = again.usage.cached.filter(|cached| *cached > 0);
    let faster = first.first_token().zip(again.ttft).filter(|(first, _)| *first > TTFT_TELLING);
    let saved = faster.filter(|(first, again)| again.0 as f64 <= first.0 as f64 * CACHED);
    match (cached, saved) {
        (Some(tokens), _) => Check::fine(
            "cache",
            format!(
                "the prefix cache is on: {tokens} tokens of a repeated prompt came from it; runs send prompts that never repeat unless told otherwise"
            ),
        ),
        (None, Some((first, again))) => Check::fine(
            "cache",
            format!(
                "a repeated prompt is answered after {again} instead of {first}: a prefix cache is on, though usage does not say so"
            ),
        ),
        (None, None) => Check::fine("cache", "a repeated prompt is no faster: no prefix cache shows"),
    }
}
