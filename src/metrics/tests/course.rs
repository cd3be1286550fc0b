//! The window in slices, and single requests as examples.

use super::rows::{ended, ms, row, summary, window, with_usage};
use crate::base::Nanos;
use crate::metrics::{Point, Slice, summarize};
use crate::record::{FailureClass, Row};

#[test]
fn each_thing_is_counted_in_the_slice_in_which_it_happened() {
    // Ten slices of 100 ms.
    let rows = [
        with_usage(row(50, &[(150, 0), (180, 0), (420, 0)]), 6),
        ended(row(120, &[(130, 0)]), FailureClass::Stalled),
        ended(row(900, &[(950, 0)]), FailureClass::Cancelled),
    ];
    let series = summary(&rows).series.unwrap();
    assert_eq!((series.width, series.slices.len()), (Nanos::from_ms(100.0), 10));
    let column = |value: fn(&Slice) -> u64| series.slices.iter().map(value).collect::<Vec<_>>();
    assert_eq!(column(|slice| slice.sent), [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(column(|slice| slice.succeeded), [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(column(|slice| slice.failed), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    // Two tokens per chunk, as the success shows; nothing of the failure.
    assert_eq!(column(|slice| slice.output_tokens as u64), [0, 4, 0, 0, 2, 0, 0, 0, 0, 2]);
    let in_flight: Vec<String> =
        series.slices.iter().map(|slice| format!("{:.2}", slice.in_flight)).collect();
    // The failure lasts 11 ms, the success until 421 ms, the cut request 51 ms.
    assert_eq!(in_flight, ["0.50", "1.11", "1.00", "1.00", "0.21", "0.00", "0.00", "0.00", "0.00", "0.51"]);
    let ttft = series.slices[0].ttft_p95.unwrap();
    assert!((ttft / 100.0 - 1.0).abs() < 0.0051, "{ttft}");
    assert_eq!(series.slices.iter().filter(|slice| slice.ttft_p50.is_some()).count(), 1);
    let stalls: Vec<Option<f64>> = series.slices.iter().map(|slice| slice.max_stall).collect();
    assert_eq!((stalls[1], stalls[4]), (Some(30.0), Some(240.0)));
    assert_eq!(stalls.iter().flatten().count(), 2);
}

#[test]
fn the_end_of_the_window_is_in_its_last_slice_and_nothing_after_it_is() {
    let rows = [
        Row { done: ms(1_000), ..with_usage(row(0, &[(1_000, 0)]), 5) },
        with_usage(row(500, &[(999, 0), (1_001, 0)]), 2),
    ];
    let slices = summary(&rows).series.unwrap().slices;
    assert_eq!((slices.len(), slices[9].succeeded, slices[9].output_tokens as u64), (10, 1, 6));
    let in_flight: f64 = slices.iter().map(|slice| slice.in_flight).sum();
    assert!((in_flight - 15.0).abs() < 1e-9, "1 s and half a second in tenths: {in_flight}");
    assert_eq!(summarize(&rows, window(0, 0), &[], false).series, None);
}

#[test]
fn points_are_requests_as_they_were() {
    let stalled = with_usage(row(100, &[(150, 0), (160, 0), (260, 0), (360, 0)]), 4);
    let refused =
        Row { index: 1, sent: None, due: Some(ms(40)), ..ended(row(0, &[]), FailureClass::Connect) };
    let wanted = [
        Point {
            at: ms(40),
            ttft: None,
            e2e: None,
            max_stall: None,
            stall_at: None,
            output_tokens: 0,
            failure: Some(FailureClass::Connect),
        },
        Point {
            at: ms(100),
            ttft: Some(50.0),
            e2e: Some(260.0),
            max_stall: Some(100.0),
            stall_at: Some(ms(160)),
            output_tokens: 4,
            failure: None,
        },
    ];
    assert_eq!(summary(&[stalled, refused]).points, wanted);
}

#[test]
fn of_many_requests_the_same_uniform_sample_is_kept_whatever_their_order() {
    let request = |index: u64| {
        let row = Row { index, ..with_usage(row(index / 10, &[(index / 10 + 5, 0)]), 1) };
        if index.is_multiple_of(10) { ended(row, FailureClass::Http5xx) } else { row }
    };
    let mut rows: Vec<Row> = (0..8_000).map(request).collect();
    let points = summary(&rows).points;
    let failed = points.iter().filter(|point| point.failure.is_some()).count();
    assert_eq!((points.len(), failed), (1_000, 200));
    // 800 of 7,200 over eight tenths of a second: a hundred in each, within four standard deviations.
    for tenth in 0..8 {
        let inside =
            points.iter().filter(|point| point.failure.is_none() && point.at.0 / 100_000_000 == tenth);
        assert!((60..=140).contains(&inside.count()), "{tenth}");
    }
    rows.reverse();
    assert_eq!(summary(&rows).points, points);
}
