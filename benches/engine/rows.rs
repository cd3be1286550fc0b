//! What a client says it saw, and the same requests in the server's log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde_json::Value;

use crate::truth::TruthRow;

/// One measured request; milliseconds of the client's own clock, `chunks` since `sent`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) due: Option<f64>,
    pub(crate) sent: f64,
    pub(crate) chunks: Vec<f64>,
    pub(crate) done: f64,
}

/// The measured successes of a `requests.jsonl`, or of the raw client's file, and how many requests did not succeed.
pub(crate) fn read(path: &Path) -> (Vec<Row>, usize) {
    let file = std::fs::File::open(path).unwrap();
    let (mut rows, mut failed) = (Vec::new(), 0);
    for line in BufReader::new(file).lines() {
        let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if value["phase"] != "measure" {
            continue;
        }
        if value["outcome"] != "success" {
            failed += 1;
            if failed == 1 {
                eprintln!("a request failed: {} {}", value["outcome"], value["detail"]);
            }
            continue;
        }
        rows.push(Row {
            index: value["index"].as_u64().unwrap(),
            due: value["due_ms"].as_f64(),
            sent: value["sent_ms"].as_f64().unwrap(),
            chunks: value["chunk_ms"].as_array().unwrap().iter().filter_map(Value::as_f64).collect(),
            done: value["done_ms"].as_f64().unwrap(),
        });
    }
    (rows, failed)
}

/// One request from both sides.
pub(crate) struct Pair {
    pub(crate) row: Row,
    pub(crate) truth: TruthRow,
}

/// Joins by the request's number. Ids are TAG-ROUND-INDEX; round 0 is the preflight, and a warm-up's index begins with `w`.
pub(crate) fn join(rows: Vec<Row>, truth: Vec<TruthRow>) -> Vec<Pair> {
    let mut known: BTreeMap<u64, TruthRow> = truth
        .into_iter()
        .filter_map(|row| {
            let mut parts = row.id.rsplit('-');
            let index = parts.next()?.parse().ok()?;
            (parts.next()? != "0").then_some((index, row))
        })
        .collect();
    let pairs: Vec<Pair> =
        rows.into_iter().filter_map(|row| Some(Pair { truth: known.remove(&row.index)?, row })).collect();
    assert!(!pairs.is_empty(), "no request is in both the client's rows and the server's log");
    pairs
}

/// How far the server's clock is ahead of the client's, in milliseconds.
///
/// As NTP does it: the fastest request and the fastest token were equally long on their way. A client that shares the
/// server's clock comes out within some microseconds of 0.
pub(crate) fn offset(pairs: &[Pair]) -> f64 {
    let there = pairs.iter().map(|pair| ms(pair.truth.read) - pair.row.sent).fold(f64::INFINITY, f64::min);
    let back = pairs
        .iter()
        .flat_map(|pair| {
            let writes = pair.truth.writes.iter().map(|(before, _)| ms(*before));
            pair.row.chunks.iter().zip(writes).map(|(chunk, write)| pair.row.sent + chunk - write)
        })
        .fold(f64::INFINITY, f64::min);
    if back.is_finite() { f64::midpoint(there, -back) } else { there }
}

/// Nanoseconds as milliseconds.
pub(crate) fn ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// Type 7 (Hyndman and Fan 1996), written apart from the library's; NaN of nothing.
pub(crate) fn quantile(sample: &[f64], q: f64) -> f64 {
    if sample.is_empty() {
        return f64::NAN;
    }
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() - 1) as f64 * q;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

pub(crate) fn median(sample: &[f64]) -> f64 {
    quantile(sample, 0.5)
}
