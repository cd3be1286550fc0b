//! The fold against the definitions: exact while little is kept, within a bin when much came, and bounded.

use std::sync::Arc;

use proptest::prelude::*;

use super::definition;
use super::properties::rows;
use super::rows::{ms, row, slo, window, with_usage};
use crate::base::Nanos;
use crate::metrics::{Fold, Frame, Summary, Window};
use crate::record::{Chunk, Metric, Row};

fn folded(rows: &[Row], end: Option<Nanos>, window: Window, keep: usize) -> (Summary, usize) {
    let slos = vec![slo(Metric::MaxStall, 30), slo(Metric::Tpot, 20)];
    let frame = Frame { start: window.start, end, open_loop: false, slos };
    let mut fold = Fold::keeping(frame, keep);
    for row in rows {
        fold.add(row);
    }
    let kept = fold.kept();
    (fold.finish(window), kept)
}

fn close(got: f64, wanted: f64, share: f64) -> bool {
    (got - wanted).abs() <= share * wanted.abs().max(1e-6)
}

fn throughput(summary: &Summary) -> [f64; 3] {
    [Metric::RequestThroughput, Metric::OutputThroughput, Metric::TotalThroughput]
        .map(|metric| summary.values[&metric])
}

/// As a level with a duration ends: nothing is sent after its end, and what arrives later does not count.
const WINDOW: (u64, u64) = (0, 950);

proptest! {
    #[test]
    fn few_rows_give_the_definitions(mut rows in rows(), own in any::<bool>()) {
        if let Some(first) = rows.first_mut().filter(|_| own) {
            first.slos = Some(Arc::new([slo(Metric::Ttft, 20)]));
        }
        let span = window(WINDOW.0, WINDOW.1);
        let (summary, _) = folded(&rows, Some(span.end), span, 10_000);
        let wanted = definition::distributions(&rows, false);
        prop_assert_eq!(summary.distributions.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
        for (metric, samples) in &summary.distributions {
            let wanted = &wanted[metric];
            prop_assert_eq!((samples.len(), samples.min(), samples.max()), (wanted.len(), wanted.min(), wanted.max()));
            for q in [0.1, 0.5, 0.9, 0.95, 0.99] {
                prop_assert!(close(samples.quantile(q), wanted.quantile(q), 1e-12), "{}", metric);
            }
            prop_assert!(close(samples.mean(), wanted.mean(), 1e-12), "{}", metric);
        }
        for (got, wanted) in throughput(&summary).into_iter().zip(definition::throughput(&rows, span)) {
            prop_assert!(close(got, wanted, 1e-9), "{} {}", got, wanted);
        }
        let (mean, peak) = definition::concurrency(&rows, span);
        prop_assert!(close(summary.concurrency.mean, mean, 1e-9));
        prop_assert_eq!(summary.concurrency.peak, peak);
        if let Some(steady) = summary.steady {
            let wanted = definition::throughput(&rows, steady.window);
            prop_assert!(close(steady.request_throughput, wanted[0], 1e-9));
            prop_assert!(close(steady.output_throughput, wanted[1], 1e-9));
        }
        if let Some(goodput) = summary.goodput {
            let slos = [slo(Metric::MaxStall, 30), slo(Metric::Tpot, 20)];
            let (good, rate) = definition::good(&rows, &slos, span);
            prop_assert_eq!(goodput.good, good);
            prop_assert!(close(goodput.token_rate, rate, 1e-9));
        }
    }

    #[test]
    fn many_rows_give_them_within_a_bin(rows in rows(), known in any::<bool>()) {
        let end = if known { ms(WINDOW.1) } else { rows.iter().map(|row| row.done).max().unwrap_or(ms(1)) };
        let span = Window { start: ms(0), end };
        let (summary, kept) = folded(&rows, known.then_some(end), span, 0);
        prop_assert_eq!(kept, 0);
        for (metric, wanted) in definition::distributions(&rows, false) {
            let samples = &summary.distributions[&metric];
            prop_assert_eq!((samples.len(), samples.min(), samples.max()), (wanted.len(), wanted.min(), wanted.max()));
            prop_assert!(close(samples.mean(), wanted.mean(), 1e-9), "{}", metric);
            for q in [0.1, 0.5, 0.9, 0.95, 0.99, 1.0] {
                prop_assert!(close(samples.quantile(q), wanted.quantile(q), 1e-3), "{} {}", metric, q);
            }
        }
        for (got, wanted) in throughput(&summary).into_iter().zip(definition::throughput(&rows, span)) {
            prop_assert!(close(got, wanted, 1e-9), "{} {}", got, wanted);
        }
        let (mean, peak) = definition::concurrency(&rows, span);
        prop_assert!(close(summary.concurrency.mean, mean, 1e-9));
        prop_assert!(summary.concurrency.peak <= peak);
    }
}

/// 40 clients, each answered at once when the last answer ended: 60 tokens in 600 ms.
fn busy(requests: u64) -> impl Iterator<Item = Row> {
    (0..requests).map(|index| {
        let sent = ms(index / 40 * 601 + index % 40);
        let chunks = (1..=60).map(|at| Chunk { at: sent + ms(10 * at), tokens: None });
        Row {
            index,
            sent: Some(sent),
            chunks: chunks.collect(),
            done: sent + ms(600),
            ..with_usage(row(0, &[]), 60)
        }
    })
}

#[test]
fn a_long_level_is_told_in_bounded_memory() {
    let frame = Frame { start: ms(0), end: None, open_loop: false, slos: Vec::new() };
    let mut fold = Fold::keeping(frame, 1_000);
    let mut end = ms(0);
    for row in busy(5_000) {
        fold.add(&row);
        end = row.done;
    }
    assert!(fold.kept() <= 15 * 1_000, "{} samples and events are held", fold.kept());
    let summary = fold.finish(Window { start: ms(0), end });
    assert_eq!((summary.succeeded, summary.concurrency.peak), (5_000, 40));
    assert!(close(summary.values[&Metric::OutputThroughput], 3e5 / end.secs(), 1e-9));
    assert!(close(summary.concurrency.mean, 5_000.0 * 0.6 / end.secs(), 1e-9));
    let steady = summary.steady.unwrap();
    // Half a cell's width at each end, and the millisecond between two requests does not end it.
    assert!(steady.window.secs() > 0.995 * end.secs(), "{steady:?} of {end}");
    assert!(close(steady.output_throughput, 3e5 / end.secs(), 0.005), "{steady:?}");
    assert_eq!(summary.distributions[&Metric::Icl].len(), 5_000 * 59);
    assert!(close(summary.distributions[&Metric::Itl].quantile(0.5), 10.0, 1e-3));
    let series = summary.series.unwrap();
    assert!((300..=600).contains(&series.slices.len()), "{}", series.slices.len());
    assert_eq!(series.slices.iter().map(|slice| slice.sent).sum::<u64>(), 5_000);
    assert_eq!(summary.points.len(), 800);
}

#[test]
fn whoever_looks_on_sees_percentiles_and_failures_so_far() {
    let frame = Frame { start: ms(0), end: None, open_loop: false, slos: Vec::new() };
    let mut fold = Fold::new(frame);
    assert_eq!(fold.so_far().ttft, None);
    for row in busy(100) {
        fold.add(&row);
    }
    let so_far = fold.so_far();
    assert_eq!(so_far.ttft.map(|ttft| (ttft.p50, ttft.p99)), Some((10.0, 10.0)));
    assert_eq!(so_far.itl.map(|itl| itl.p95), Some(10.0));
    assert!(so_far.failures.is_empty());
}
