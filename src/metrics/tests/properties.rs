//! What holds for rows of any kind.

use proptest::prelude::*;

use super::rows::{ended, ms, row, slo, whole, with_usage};
use crate::base::Nanos;
use crate::metrics::{Distribution, Summary, Window, summarize};
use crate::record::{Chunk, FailureClass, Metric, Row};

/// Any mix of outcomes; instants in milliseconds within a second.
pub(super) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let chunks = proptest::collection::vec(1_u64..60, 0..8);
    let one = (0_u64..900, chunks, 0_u32..4, 0_u8..10).prop_map(|(sent, gaps, extra, kind)| {
        let instants = gaps.iter().scan(sent, |at, gap| {
            *at += gap;
            Some((*at, 0))
        });
        let row = row(sent, &instants.collect::<Vec<_>>());
        let tokens = row.chunks.len() as u32 + extra;
        match kind {
            0 => ended(row, FailureClass::Stalled),
            1 => ended(row, FailureClass::Cancelled),
            2 => whole(sent, sent + 77, tokens),
            3 => row,
            _ => with_usage(row, tokens),
        }
    });
    proptest::collection::vec(one, 0..20)
}

/// The same rows and window with every instant moved by `of`.
fn moved(rows: &[Row], of: impl Fn(Nanos) -> Nanos) -> Summary {
    let rows: Vec<Row> = rows
        .iter()
        .map(|row| Row {
            sent: row.sent.map(&of),
            chunks: row.chunks.iter().map(|chunk| Chunk { at: of(chunk.at), ..*chunk }).collect(),
            done: of(row.done),
            ..row.clone()
        })
        .collect();
    let bounds = Window { start: of(ms(0)), end: of(ms(1_000)) };
    summarize(&rows, bounds, &[slo(Metric::MaxStall, 1_000_000)], false)
}

proptest! {
    #[test]
    fn a_shift_of_time_changes_nothing(rows in rows(), by in 0_u64..1_000_000_000) {
        let (still, shifted) = (moved(&rows, |at| at), moved(&rows, |at| at + Nanos(by)));
        prop_assert_eq!(still.distributions, shifted.distributions);
        prop_assert_eq!(still.values, shifted.values);
        prop_assert_eq!(still.goodput, shifted.goodput);
        prop_assert_eq!(still.concurrency, shifted.concurrency);
        prop_assert_eq!(still.steady.map(|s| s.window.start + Nanos(by)), shifted.steady.map(|s| s.window.start));
    }

    #[test]
    fn twice_the_time_is_twice_the_latency_and_half_the_throughput(rows in rows()) {
        let (one, two) = (moved(&rows, |at| at), moved(&rows, |at| at + at));
        for (metric, samples) in &one.distributions {
            let factor = if *metric == Metric::TokensPerUser { 0.5 } else { 2.0 };
            let got = two.distributions[metric].quantile(0.9);
            prop_assert!((got - factor * samples.quantile(0.9)).abs() < 1e-6, "{}", metric);
        }
        for metric in [Metric::RequestThroughput, Metric::OutputThroughput, Metric::TotalThroughput] {
            prop_assert!((two.values[&metric] - one.values[&metric] / 2.0).abs() < 1e-6, "{}", metric);
        }
        prop_assert!((one.concurrency.mean - two.concurrency.mean).abs() < 1e-9);
        prop_assert_eq!(one.concurrency.peak, two.concurrency.peak);
    }

    #[test]
    fn counts_add_up(rows in rows()) {
        let summary = moved(&rows, |at| at);
        let counted = |class: &FailureClass| *class != FailureClass::Cancelled;
        let failed: u64 = summary.failures.iter().filter(|(class, _)| counted(class)).map(|(_, count)| count).sum();
        prop_assert_eq!(summary.offered, summary.succeeded + failed);
        let e2e = summary.distributions.get(&Metric::E2e).map_or(0, Distribution::len);
        prop_assert_eq!(e2e, summary.succeeded, "every success has an end");
        prop_assert!(summary.concurrency.mean <= summary.concurrency.peak as f64 + 1e-9);
    }
}
