//! Windows, failures, goodput and totals.

use super::rows::{check, check_value, ended, row, samples, slo, summary, whole, window, with_usage};
use crate::base::Nanos;
use crate::metrics::{Concurrency, TokenTotals, summarize};
use crate::record::{FailureClass, Metric, Phase, Row, TokenSource};

#[test]
fn failures_count_in_rates_and_stay_out_of_latencies() {
    let rows = [
        with_usage(row(0, &[(10, 0), (20, 0)]), 2),
        ended(row(0, &[(500, 0), (900, 0)]), FailureClass::Truncated),
        ended(row(0, &[]), FailureClass::Http429),
        ended(row(0, &[]), FailureClass::Http429),
    ];
    let summary = summary(&rows);
    assert_eq!((summary.offered, summary.succeeded), (4, 1));
    assert_eq!(
        summary.failures.into_iter().collect::<Vec<_>>(),
        [(FailureClass::Http429, 2), (FailureClass::Truncated, 1)]
    );
    assert_eq!(summary.values[&Metric::SuccessRate].to_string(), "0.25");
    assert_eq!(summary.values[&Metric::ErrorRate].to_string(), "0.75");
    assert_eq!(summary.values[&Metric::OutputThroughput].to_string(), "2");
    check(&rows, Metric::Ttft, &[10.0]);
}

#[test]
fn warm_up_rows_are_in_no_number() {
    let warm = Row { phase: Phase::Warmup, reconnects: 3, ..with_usage(row(0, &[(700, 0)]), 1) };
    let measured = with_usage(row(0, &[(10, 0)]), 1);
    assert_eq!(summary(&[warm, measured.clone()]), summary(&[measured]));
}

#[test]
fn requests_that_straddle_the_window_count_in_part() {
    // Two of four chunks (6 tokens, so 3) are inside; the end is not.
    let over = with_usage(row(900, &[(950, 0), (1_000, 0), (1_050, 0), (1_100, 0)]), 6);
    let inside = with_usage(row(100, &[(200, 0), (300, 0)]), 2);
    let after = whole(900, 1_200, 50);
    let summary = summary(&[over, inside, after]);
    check_value(&summary, Metric::RequestThroughput, 1.0);
    check_value(&summary, Metric::OutputThroughput, 5.0);
    check_value(&summary, Metric::TotalThroughput, 25.0);
    assert_eq!(summary.succeeded, 3);
    // In flight inside the window: 100 + 201 + 100 ms.
    assert!((summary.concurrency.mean - 0.401).abs() < 1e-9);
    assert_eq!(summary.concurrency.peak, 2);
}

#[test]
fn what_we_cut_ourselves_is_not_offered_and_its_tokens_arrived() {
    // The success shows two tokens per chunk, so the cut request's two chunks are four tokens.
    let success = with_usage(row(0, &[(100, 0), (200, 0)]), 4);
    let cut = ended(row(500, &[(600, 0), (700, 0)]), FailureClass::Cancelled);
    let queued = Row { sent: None, ..ended(row(900, &[]), FailureClass::Cancelled) };
    let summary = summary(&[success, cut, queued]);
    assert_eq!((summary.offered, summary.succeeded, summary.failures[&FailureClass::Cancelled]), (1, 1, 2));
    check_value(&summary, Metric::OutputThroughput, 8.0);
    check_value(&summary, Metric::TotalThroughput, 28.0);
    check_value(&summary, Metric::RequestThroughput, 1.0);
    assert_eq!(samples(&summary, Metric::Ttft), [100.0]);
}

#[test]
fn goodput_keeps_failures_in_its_denominator_and_skips_what_has_no_value() {
    let fast = with_usage(row(0, &[(50, 0), (60, 0)]), 2);
    let tardy = with_usage(row(0, &[(300, 0), (310, 0)]), 2);
    let single = with_usage(row(0, &[(40, 0)]), 1);
    let halting = with_usage(row(0, &[(50, 0), (250, 0)]), 2);
    let failed = ended(row(0, &[]), FailureClass::Stalled);
    let cut = ended(row(0, &[(10, 0)]), FailureClass::Cancelled);
    let rows = [fast, tardy, single, halting, failed, cut];
    let slos = [slo(Metric::Ttft, 100), slo(Metric::Tpot, 100)];
    let summary = summarize(&rows, window(0, 2_000), &slos, false);
    let goodput = summary.goodput.clone().unwrap();
    assert_eq!((goodput.good, goodput.offered), (2, 5));
    let counts: Vec<_> = goodput.objectives.iter().map(|slo| (slo.met, slo.not_evaluated)).collect();
    assert_eq!(counts, [(3, 0), (2, 1)]);
    check_value(&summary, Metric::Goodput, 0.4);
    check_value(&summary, Metric::GoodputRate, 1.0);
    assert_eq!(goodput.token_rate.to_string(), "1.5");
}

#[test]
fn a_steady_state_is_the_longest_time_near_the_peak() {
    // Two at a time from 100 to 700 ms; the half millisecond from 400 is a client between two requests.
    let rows = [
        with_usage(row(0, &[(699, 0)]), 1),
        with_usage(row(100, &[(399, 0)]), 1),
        Row { sent: Some(Nanos(400_500_000)), ..with_usage(row(400, &[(899, 0)]), 1) },
    ];
    let summary = summary(&rows);
    let steady = summary.steady.unwrap();
    assert_eq!(steady.window, window(100, 700));
    assert_eq!(summary.concurrency.peak, 2);
    // Two of three requests end in these 600 ms.
    assert!((steady.request_throughput - 2.0 / 0.6).abs() < 1e-9);
    assert!((steady.output_throughput - 2.0 / 0.6).abs() < 1e-9);
}

#[test]
fn a_request_that_ends_as_the_next_one_starts_is_not_beside_it() {
    let rows = [with_usage(row(0, &[(99, 0)]), 1), with_usage(row(100, &[(199, 0)]), 1)];
    let summary = summary(&rows);
    assert_eq!(summary.concurrency.peak, 1);
    assert_eq!(summary.steady.unwrap().window, window(0, 200));
}

#[test]
fn no_rows_and_no_time_give_no_numbers_rather_than_wrong_ones() {
    let nothing = summarize(&[], window(0, 0), &[slo(Metric::Ttft, 1)], true);
    assert!(nothing.distributions.is_empty() && nothing.values.is_empty());
    assert_eq!((nothing.steady, nothing.goodput), (None, None));
    assert_eq!(nothing.concurrency, Concurrency { mean: 0.0, peak: 0 });
}

#[test]
fn token_totals_compare_only_what_is_known_on_both_sides() {
    let mut asked = with_usage(row(0, &[(10, 0)]), 5);
    (asked.output_tokens_asked, asked.usage.prompt, asked.usage.cached) = (Some(6), Some(12), Some(4));
    let mut unasked = row(0, &[(10, 0), (20, 0)]);
    (unasked.prompt_tokens_asked, unasked.usage.prompt) = (None, Some(7));
    let totals = summary(&[asked, unasked]).tokens;
    let wanted = TokenTotals {
        prompt_asked: 17,
        prompt: 19,
        prompt_excess: Some((2, 2)),
        cached: 4,
        output_asked: 8,
        output: 7,
        chunks: 3,
        source: TokenSource::Chunks,
        itl_is_icl: true,
    };
    assert_eq!(totals, wanted);
}
