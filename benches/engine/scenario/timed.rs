//! Tokens at scheduled instants, all streams starting at once: how wrong is what the client reports, and who was late?

use serde_json::Value;

use crate::rows::{Pair, join, ms, offset, quantile};
use crate::stage::{Awake, Load, Subject, play};
use crate::table::{Figures, cell, head, line, medians};

const METRICS: [&str; 3] = ["ttft", "itl", "e2e"];

/// When the server is to write, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Pace {
    ttft: f64,
    itl: f64,
    tokens: u32,
    /// Requests of each stream.
    waves: u32,
}

/// Slower tokens where one core could not write them on time otherwise: about 100,000 writes a second are its end.
fn pace(streams: u32) -> Pace {
    match streams {
        0..=1 => Pace { ttft: 50.0, itl: 10.0, tokens: 32, waves: 20 },
        2..=1_024 => Pace { ttft: 50.0, itl: 10.0, tokens: 32, waves: 4 },
        1_025..=4_096 => Pace { ttft: 200.0, itl: 60.0, tokens: 16, waves: 3 },
        _ => Pace { ttft: 500.0, itl: 150.0, tokens: 16, waves: 3 },
    }
}

/// Prints the errors at each number of streams.
pub(crate) fn table(levels: &[u32], runs: usize) {
    let _awake = Awake::start();
    let all: Vec<(u32, Subject, Figures)> = levels.iter().flat_map(|streams| level(*streams, runs)).collect();
    head(
        "Error of the reported value, ms (p50 / p99): quantile of the report less quantile of the truth",
        &["streams", "client", "TTFT", "ITL", "E2E"],
    );
    for (streams, subject, figures) in &all {
        line(&[
            streams.to_string(),
            subject.name().to_owned(),
            cell(figures, &["ttft p50", "ttft p99"]),
            cell(figures, &["itl p50", "itl p99"]),
            cell(figures, &["e2e p50", "e2e p99"]),
        ]);
    }
    head(
        "The same request by request and gap by gap, ms (p50 / p99 of the error's size)",
        &["streams", "client", "TTFT", "gap", "E2E", "requests whose token counts differ"],
    );
    for (streams, subject, figures) in &all {
        line(&[
            streams.to_string(),
            subject.name().to_owned(),
            cell(figures, &["each ttft p50", "each ttft p99"]),
            cell(figures, &["each gap p50", "each gap p99"]),
            cell(figures, &["each e2e p50", "each e2e p99"]),
            format!("{:.0}", figures["uneven"]),
        ]);
    }
    head(
        "Who was late, ms (p50 / p99 / worst)",
        &[
            "streams",
            "client",
            "server writes after due",
            "server reads after sent",
            "client reads after written",
        ],
    );
    for (streams, subject, figures) in &all {
        line(&[
            streams.to_string(),
            subject.name().to_owned(),
            cell(figures, &["write p50", "write p99", "write max"]),
            cell(figures, &["request p50", "request p99", "request max"]),
            cell(figures, &["read p50", "read p99", "read max"]),
        ]);
    }
}

/// The clients in turn, the medians of each.
fn level(streams: u32, runs: usize) -> Vec<(u32, Subject, Figures)> {
    let Pace { ttft, itl, tokens, waves } = pace(streams);
    let server = format!("--ttft {ttft} --itl {itl}");
    let load = Load { streams, requests: streams * waves, tokens, rows: true, open: None };
    let subjects = Subject::all();
    let mut found = vec![Vec::new(); subjects.len()];
    for _ in 0..runs {
        for (subject, found) in subjects.iter().zip(&mut found) {
            let (ran, truth) = play(*subject, &server, &load);
            assert_eq!(ran.failed, 0, "a request failed");
            assert_eq!(ran.rows.len(), load.requests as usize, "a request is missing");
            found.push(figures(&join(ran.rows, truth), pace(streams), &ran.result));
        }
    }
    subjects.into_iter().zip(found).map(|(subject, runs)| (streams, subject, medians(&runs))).collect()
}

/// The figures of one run.
fn figures(pairs: &[Pair], pace: Pace, result: &Value) -> Figures {
    let mut figures = Figures::new();
    let (truths, reports) = (samples(pairs, true), samples(pairs, false));
    for ((metric, truth), report) in METRICS.iter().zip(&truths).zip(&reports) {
        for (name, q) in [("p50", 0.5), ("p99", 0.99)] {
            // What a user is told, where the client tells it; the raw client's comes from its rows.
            let told = result["levels"][0]["metrics"][*metric][name].as_f64();
            let error = told.unwrap_or_else(|| quantile(report, q)) - quantile(truth, q);
            figures.insert(key(metric, name), error.abs());
        }
    }
    let each = |one: &[f64], other: &[f64]| -> Vec<f64> {
        one.iter().zip(other).map(|(one, other)| (one - other).abs()).collect()
    };
    for (place, names) in [
        ["each ttft p50", "each ttft p99"],
        ["each gap p50", "each gap p99"],
        ["each e2e p50", "each e2e p99"],
    ]
    .into_iter()
    .enumerate()
    {
        let errors = each(&truths[place], &reports[place]);
        figures.insert(names[0], quantile(&errors, 0.5));
        figures.insert(names[1], quantile(&errors, 0.99));
    }
    let uneven = pairs.iter().filter(|pair| pair.row.chunks.len() != pair.truth.writes.len()).count();
    figures.insert("uneven", uneven as f64);
    lateness(pairs, pace, &mut figures);
    figures
}

fn key(metric: &str, quantile: &str) -> &'static str {
    match (metric, quantile) {
        ("ttft", "p50") => "ttft p50",
        ("ttft", _) => "ttft p99",
        ("itl", "p50") => "itl p50",
        ("itl", _) => "itl p99",
        (_, "p50") => "e2e p50",
        _ => "e2e p99",
    }
}

/// TTFT, gaps between tokens and E2E, by the server's log or by the client's rows, in the same order.
fn samples(pairs: &[Pair], truth: bool) -> [Vec<f64>; 3] {
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for pair in pairs {
        let since: Vec<f64> = if truth {
            pair.truth.writes.iter().map(|(before, _)| ms(before - pair.truth.read)).collect()
        } else {
            pair.row.chunks.clone()
        };
        found[0].extend(since.first());
        found[1].extend(since.windows(2).map(|pair| pair[1] - pair[0]));
        found[2].extend(since.last());
    }
    found
}

/// Splits what is late between the server's writes, its reads of requests, and the client's reads of tokens.
fn lateness(pairs: &[Pair], pace: Pace, figures: &mut Figures) {
    let offset = offset(pairs);
    let (mut write, mut request, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for Pair { row, truth } in pairs {
        request.push(ms(truth.read) - row.sent - offset);
        for (place, (before, _)) in truth.writes.iter().enumerate() {
            write.push(ms(before - truth.read) - pace.ttft - place as f64 * pace.itl);
            if let Some(chunk) = row.chunks.get(place) {
                read.push(row.sent + chunk + offset - ms(*before));
            }
        }
    }
    for (sample, names) in [
        (write, ["write p50", "write p99", "write max"]),
        (request, ["request p50", "request p99", "request max"]),
        (read, ["read p50", "read p99", "read max"]),
    ] {
        for (name, q) in names.into_iter().zip([0.5, 0.99, 1.0]) {
            figures.insert(name, quantile(&sample, q));
        }
    }
}
