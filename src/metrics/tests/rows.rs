//! Rows to reckon with, and checks that read well.

use crate::base::Nanos;
use crate::metrics::{Summary, Window, summarize};
use crate::record::{Chunk, Failure, FailureClass, Metric, Outcome, Phase, Row, Slo, Usage};

pub(super) fn ms(ms: u64) -> Nanos {
    Nanos(ms * 1_000_000)
}

pub(super) fn window(start: u64, end: u64) -> Window {
    Window { start: ms(start), end: ms(end) }
}

/// A streamed success: sent, then chunks at these instants, each with its tokens (0: not said), ended 1 ms after the last.
pub(super) fn row(sent: u64, chunks: &[(u64, u32)]) -> Row {
    Row {
        index: 0,
        part: 0,
        turn: 0,
        server: 0,
        slos: None,
        phase: Phase::Measure,
        due: None,
        sent: Some(ms(sent)),
        headers: None,
        chunks: chunks
            .iter()
            .map(|(at, tokens)| Chunk { at: ms(*at), tokens: Some(*tokens).filter(|tokens| *tokens > 0) })
            .collect(),
        first_visible: None,
        done: ms(chunks.last().map_or(sent, |(at, _)| *at) + 1),
        streamed: true,
        prompt_tokens_asked: Some(10),
        output_tokens_asked: None,
        usage: Usage::default(),
        server_times: None,
        tokenizer_count: None,
        text: String::new(),
        finish_reason: Some("stop".to_owned()),
        reconnects: 0,
        outcome: Outcome::Success,
    }
}

pub(super) fn with_usage(mut row: Row, output: u32) -> Row {
    row.usage.output = Some(output);
    row
}

pub(super) fn ended(mut row: Row, class: FailureClass) -> Row {
    row.outcome = Outcome::Failed(Failure::new(class, "x"));
    row
}

pub(super) fn whole(sent: u64, done: u64, output: u32) -> Row {
    let row = Row { streamed: false, done: ms(done), ..row(sent, &[]) };
    with_usage(row, output)
}

pub(super) fn summary(rows: &[Row]) -> Summary {
    summarize(rows, window(0, 1_000), &[], false)
}

/// The samples of a metric, sorted; empty where it is absent.
pub(super) fn samples(summary: &Summary, metric: Metric) -> Vec<f64> {
    summary.distributions.get(&metric).map_or_else(Vec::new, |samples| samples.kept().unwrap().0.to_vec())
}

pub(super) fn slo(metric: Metric, limit: u64) -> Slo {
    Slo { metric, limit: ms(limit) }
}

pub(super) fn check(rows: &[Row], metric: Metric, wanted: &[f64]) {
    assert_eq!(samples(&summary(rows), metric), wanted, "{metric}");
}

pub(super) fn check_value(summary: &Summary, metric: Metric, wanted: f64) {
    let got = summary.values[&metric];
    assert!((got - wanted).abs() < 1e-9, "{metric}: {got}, not {wanted}");
}
