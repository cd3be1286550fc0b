//! Half an hour of 2,000 streams in numbers: how long a chunk takes to count, and how much memory the numbers hold.
//!
//! `cargo bench --bench fold` folds 2.8 million synthetic requests of 128 chunks (360 million chunks; a number as argument
//! divides them) and prints nanoseconds per chunk and the process's peak resident memory after each tenth. Undivided,
//! it fails where the last tenth needed more than the first.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::time::Duration;

use llm_loadtest::base::{Chance, Nanos, Seed};
use llm_loadtest::host::RealClock;
use llm_loadtest::metrics::{Fold, Frame, Window};
use llm_loadtest::record::{Ask, Chunk, Metric, Outcome, Phase, Row, Slo};

const STREAMS: u64 = 2_000;
const TOKENS: u64 = 128;
const SECONDS: u64 = 1_800;
/// What a stream takes from token to token, on average.
const GAP: Nanos = Nanos(10_000_000);
/// Allocators keep what they once held; the numbers themselves do not grow.
const SLACK_KIB: u64 = 4 * 1024;

fn main() {
    let divisor = std::env::args().skip(1).find_map(|word| word.parse::<u64>().ok()).unwrap_or(1);
    let requests = STREAMS * SECONDS * 1_000_000_000 / (GAP.0 * TOKENS) / divisor;
    let slo = Slo { metric: Metric::Ttft, limit: Nanos::from_ms(40.0) };
    let end = Some(Nanos::from_secs(SECONDS as f64));
    let mut fold = Fold::new(Frame { start: Nanos::ZERO, end, open_loop: false, slos: vec![slo] });
    let mut chance = Seed(1).chance();
    let mut row = blank();
    let clock = RealClock::start();
    let mut counting = Duration::ZERO;
    let mut peaks = Vec::new();
    for index in 0..requests {
        shape(&mut row, index, &mut chance);
        let began = clock.now();
        fold.add(&row);
        counting += Duration::from(clock.now() - began);
        if (index + 1) % (requests / 10) == 0 {
            peaks.push(peak_kib());
        }
    }
    let window = Window { start: Nanos::ZERO, end: Nanos::from_secs(SECONDS as f64) };
    let summary = fold.finish(window);
    println!(
        "{} requests, {} chunks: {:.1} ns per chunk",
        summary.succeeded,
        summary.tokens.chunks,
        counting.as_secs_f64() * 1e9 / summary.tokens.chunks as f64
    );
    println!(
        "peak resident memory after each tenth, MiB: {:?}",
        peaks.iter().map(|kib| kib / 1024).collect::<Vec<_>>()
    );
    println!("with the summary made, MiB: {}", peak_kib() / 1024);
    let (first, last) = (peaks.first().copied().unwrap_or(0), peaks.last().copied().unwrap_or(0));
    assert!(divisor > 1 || last <= first + SLACK_KIB, "memory grew from {first} to {last} KiB");
}

fn blank() -> Row {
    let ask = Ask::plain(0, String::new());
    let mut row = Row::unsent(&ask, Phase::Measure, None, Nanos::ZERO, Outcome::Success);
    row.streamed = true;
    row.chunks = vec![Chunk { at: Nanos::ZERO, tokens: None }; TOKENS as usize];
    row.usage.output = Some(TOKENS as u32);
    row
}

/// Streams start one after the other and follow each other without a pause; gaps vary by half.
fn shape(row: &mut Row, index: u64, chance: &mut Chance) {
    let (turn, stream) = (index / STREAMS, index % STREAMS);
    let mut at = Nanos(turn * TOKENS * GAP.0 + stream * 1_000_000);
    row.index = index;
    row.sent = Some(at);
    for chunk in &mut row.chunks {
        at = at + Nanos(GAP.0 / 2 + chance.below(GAP.0));
        chunk.at = at;
    }
    row.done = at;
}

/// `VmHWM` of proc(5); 0 where there is none.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
