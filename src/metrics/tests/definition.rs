//! The definitions as METRICS words them, over all rows at once: slow, unbounded, and nothing shared with the fold but
//! the formulas of a single request.

use std::collections::BTreeMap;

use crate::base::Nanos;
use crate::metrics::flow::is_cut;
use crate::metrics::latency::{PER_REQUEST, chunk_tokens_known, gaps, last_token, tokens_in, value};
use crate::metrics::{Distribution, Window};
use crate::record::{Metric, Row, Slo, TokenSource};

/// Every sample of every metric.
pub(super) fn distributions(rows: &[Row], open_loop: bool) -> BTreeMap<Metric, Distribution> {
    let successes: Vec<&Row> = rows.iter().filter(|row| row.outcome.is_success()).collect();
    let each = |metric| successes.iter().filter_map(|row| value(row, metric)).collect::<Vec<f64>>();
    let mut all: Vec<(Metric, Option<Distribution>)> = PER_REQUEST
        .into_iter()
        .chain([Metric::TokensPerUser])
        .filter(|metric| open_loop || !matches!(metric, Metric::TtftFromDue | Metric::E2eFromDue))
        .map(|metric| (metric, Distribution::new(each(metric))))
        .collect();
    if open_loop {
        let lags = rows.iter().filter_map(|row| value(row, Metric::SendLag)).collect();
        all.push((Metric::SendLag, Distribution::new(lags)));
    }
    let pooled: Vec<(f64, u32)> = successes.iter().flat_map(|row| gaps(row)).collect();
    let known = successes.iter().filter(|row| gaps(row).next().is_some()).all(|row| chunk_tokens_known(row));
    let icl = Distribution::new(pooled.iter().map(|(gap, _)| *gap).collect());
    let per_token = pooled.iter().filter(|(_, k)| *k > 0).map(|(gap, k)| (gap / f64::from(*k), *k)).collect();
    let itl = if known { Distribution::weighted(per_token) } else { icl.clone() };
    all.extend([(Metric::Icl, icl), (Metric::Itl, itl)]);
    all.into_iter().filter_map(|(metric, samples)| Some((metric, samples?))).collect()
}

/// Requests, output tokens and all tokens per second of a window that is not empty.
pub(super) fn throughput(rows: &[Row], window: Window) -> [f64; 3] {
    let contains = |at: Nanos| window.start <= at && at <= window.end;
    let streams: Vec<&Row> =
        rows.iter().filter(|row| row.outcome.is_success() && !row.chunks.is_empty()).collect();
    let tokens: f64 = streams.iter().map(|row| f64::from(row.output_tokens().0)).sum();
    let chunks: f64 = streams.iter().map(|row| row.chunks.len() as f64).sum();
    let per_chunk = if chunks > 0.0 { tokens / chunks } else { 1.0 };
    let mut sums = [0.0; 3];
    for row in rows.iter().filter(|row| row.outcome.is_success() || is_cut(row)) {
        let success = row.outcome.is_success();
        let (count, source) = row.output_tokens();
        let guessed = is_cut(row) && source == TokenSource::Chunks;
        let count = f64::from(count) * if guessed { per_chunk } else { 1.0 };
        let all: f64 = row.chunks.iter().map(|chunk| f64::from(tokens_in(chunk))).sum();
        let inside: f64 = row
            .chunks
            .iter()
            .filter(|chunk| contains(chunk.at))
            .map(|chunk| f64::from(tokens_in(chunk)))
            .sum();
        let output = match row.chunks.is_empty() {
            true if success && contains(row.done) => count,
            false if all > 0.0 => count * inside / all,
            _ => 0.0,
        };
        let read = row.chunks.first().map(|chunk| chunk.at).or(success.then(|| last_token(row)));
        let prompt = row.usage.prompt.or(row.prompt_tokens_asked).unwrap_or(0);
        sums[0] += f64::from(u8::from(success && contains(row.done)));
        sums[1] += output;
        sums[2] += output + if read.is_some_and(contains) { f64::from(prompt) } else { 0.0 };
    }
    sums.map(|sum| sum / window.secs())
}

/// Mean in flight, and the most at once.
pub(super) fn concurrency(rows: &[Row], window: Window) -> (f64, u64) {
    let spans: Vec<(Nanos, Nanos)> = rows
        .iter()
        .filter_map(|row| Some((row.sent?.max(window.start), row.done.min(window.end))))
        .filter(|(start, end)| start < end)
        .collect();
    let busy: f64 = spans.iter().map(|(start, end)| (*end - *start).secs()).sum();
    let at = |instant: Nanos| spans.iter().filter(|(start, end)| *start <= instant && instant < *end).count();
    let peak = spans.iter().map(|(start, _)| at(*start)).max().unwrap_or(0);
    (busy / window.secs(), peak as u64)
}

/// Good requests, and their tokens per second in the window.
pub(super) fn good(rows: &[Row], slos: &[Slo], window: Window) -> (u64, f64) {
    let meets = |row: &Row| {
        let own = row.slos.as_deref().unwrap_or(slos);
        own.iter().all(|slo| value(row, slo.metric).is_none_or(|value| value <= slo.limit.ms()))
    };
    let good: Vec<Row> = rows.iter().filter(|row| row.outcome.is_success() && meets(row)).cloned().collect();
    (good.len() as u64, throughput(&good, window)[1])
}
