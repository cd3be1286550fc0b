//! What one successful request yields: its latencies, by METRICS' formulas.

use crate::base::Nanos;
use crate::record::{Chunk, Metric, Row, TokenSource};

/// Metrics of which each request has one value.
pub(super) const PER_REQUEST: [Metric; 10] = [
    Metric::Ttft,
    Metric::TtftFromDue,
    Metric::Ttfo,
    Metric::Ttst,
    Metric::Tpot,
    Metric::TpotExact,
    Metric::MaxStall,
    Metric::E2e,
    Metric::E2eFromDue,
    Metric::Ttlb,
];

/// The request's value in milliseconds (per token); none where it is undefined, never a stand-in.
pub(super) fn value(row: &Row, metric: Metric) -> Option<f64> {
    let sent = row.sent?;
    let since = |from: Nanos, to: Nanos| Some((to - from).ms());
    let tokens = || f64::from(row.output_tokens().0);
    match metric {
        Metric::SendLag => since(row.due?, sent),
        Metric::Ttft => since(sent, first_token(row)?),
        Metric::TtftFromDue => since(row.due?, first_token(row)?),
        Metric::Ttfo => since(sent, row.first_visible.filter(|_| row.streamed)?),
        Metric::Ttst => gaps(row).next().map(|(gap, _)| gap),
        Metric::Tpot => per_token(row, tokens() - 1.0),
        Metric::TpotExact => {
            let first = row.chunks.first().filter(|_| chunk_tokens_known(row))?;
            per_token(row, tokens() - f64::from(tokens_in(first)))
        }
        Metric::MaxStall => longest_gap(row).map(|(from, to)| (to - from).ms()),
        Metric::E2e => since(sent, last_token(row)),
        Metric::E2eFromDue => since(row.due?, last_token(row)),
        Metric::Ttlb => since(sent, row.done),
        Metric::TokensPerUser => value(row, Metric::Tpot).filter(|tpot| *tpot > 0.0).map(|tpot| 1e3 / tpot),
        Metric::Icl
        | Metric::Itl
        | Metric::RequestThroughput
        | Metric::OutputThroughput
        | Metric::TotalThroughput
        | Metric::Goodput
        | Metric::GoodputRate
        | Metric::SuccessRate
        | Metric::ErrorRate
        | Metric::GpuUtil
        | Metric::GpuMemory
        | Metric::GpuPower
        | Metric::EnergyPerToken
        | Metric::TokensPerJoule
        | Metric::TokensPerWatt => None,
    }
}

/// The gaps before the second and every later chunk, in milliseconds, each with that chunk's tokens.
pub(super) fn gaps(row: &Row) -> impl Iterator<Item = (f64, u32)> {
    let chunks = if row.streamed { row.chunks.as_slice() } else { &[] };
    chunks.windows(2).map(|pair| ((pair[1].at - pair[0].at).ms(), tokens_in(&pair[1])))
}

/// The first of the longest gaps between two chunks, from and to.
pub(super) fn longest_gap(row: &Row) -> Option<(Nanos, Nanos)> {
    let chunks = if row.streamed { row.chunks.as_slice() } else { &[] };
    let gaps = chunks.windows(2).map(|pair| (pair[0].at, pair[1].at));
    gaps.rev().max_by_key(|(from, to)| *to - *from)
}

/// Whether the tokens of each chunk are known: every chunk says so, or a count that does not come from the chunks shows
/// that there are as many tokens as chunks, so that each holds one.
pub(super) fn chunk_tokens_known(row: &Row) -> bool {
    let (tokens, source) = row.output_tokens();
    row.chunks.iter().all(|chunk| chunk.tokens.is_some_and(|count| count > 0))
        || (source != TokenSource::Chunks && tokens as usize == row.chunks.len())
}

/// Tokens in a chunk, one where nobody says.
pub(super) fn tokens_in(chunk: &Chunk) -> u32 {
    chunk.tokens.unwrap_or(1)
}

/// When the answer was complete for its reader: its last token; its end where no token came on its own (no streaming,
/// or an empty answer), so that every success has one.
pub(super) fn last_token(row: &Row) -> Nanos {
    row.chunks.last().filter(|_| row.streamed).map_or(row.done, |chunk| chunk.at)
}

pub(super) fn first_token(row: &Row) -> Option<Nanos> {
    row.chunks.first().filter(|_| row.streamed).map(|chunk| chunk.at)
}

/// Undefined without a token after the first ones, and where all tokens came in one chunk: that shows no time per token.
fn per_token(row: &Row, tokens: f64) -> Option<f64> {
    let (first, last) = (first_token(row)?, last_token(row));
    (tokens > 0.0 && row.chunks.len() > 1).then(|| (last - first).ms() / tokens)
}
