//! Every metric against rows small enough to reckon by hand.

use proptest::prelude::*;

use super::*;
use crate::base::Nanos;
use crate::config::Slo;
use crate::record::{
    Chunk, Failure, FailureClass, Metric, MetricKey, Outcome, Phase, Row, Stat, TokenSource, Usage,
};

fn ms(ms: u64) -> Nanos {
    Nanos(ms * 1_000_000)
}

fn window(start: u64, end: u64) -> Window {
    Window {
        start: ms(start),
        end: ms(end),
    }
}

/// A streamed success: sent, then chunks at these instants, each with its tokens (0: not said), ended 1 ms after the last.
fn row(sent: u64, chunks: &[(u64, u32)]) -> Row {
    Row {
        index: 0,
        phase: Phase::Measure,
        due: None,
        sent: Some(ms(sent)),
        headers: None,
        chunks: chunks
            .iter()
            .map(|(at, tokens)| Chunk {
                at: ms(*at),
                tokens: Some(*tokens).filter(|tokens| *tokens > 0),
            })
            .collect(),
        first_visible: None,
        done: ms(chunks.last().map_or(sent, |(at, _)| *at) + 1),
        streamed: true,
        prompt_tokens_asked: Some(10),
        output_tokens_asked: None,
        usage: Usage::default(),
        tokenizer_count: None,
        text: String::new(),
        finish_reason: Some("stop".to_owned()),
        reconnects: 0,
        outcome: Outcome::Success,
    }
}

fn with_usage(mut row: Row, output: u32) -> Row {
    row.usage.output = Some(output);
    row
}

fn ended(mut row: Row, class: FailureClass) -> Row {
    row.outcome = Outcome::Failed(Failure::new(class, "x"));
    row
}

fn whole(sent: u64, done: u64, output: u32) -> Row {
    let row = Row {
        streamed: false,
        done: ms(done),
        ..row(sent, &[])
    };
    with_usage(row, output)
}

fn summary(rows: &[Row]) -> Summary {
    summarize(rows, window(0, 1_000), &[], false)
}

/// The samples of a metric, sorted; empty where it is absent.
fn samples(summary: &Summary, metric: Metric) -> Vec<f64> {
    summary
        .distributions
        .get(&metric)
        .map_or_else(Vec::new, |samples| samples.values().to_vec())
}

fn slo(metric: Metric, limit: u64) -> Slo {
    Slo {
        metric,
        limit: ms(limit),
    }
}

#[expect(clippy::float_cmp, reason = "reckoned by hand in numbers that are exact")]
fn check(rows: &[Row], metric: Metric, wanted: &[f64]) {
    assert_eq!(samples(&summary(rows), metric), wanted, "{metric}");
}

fn check_value(summary: &Summary, metric: Metric, wanted: f64) {
    let got = summary.values[&metric];
    assert!((got - wanted).abs() < 1e-9, "{metric}: {got}, not {wanted}");
}

#[test]
fn latencies_of_a_stream_with_one_token_per_chunk() {
    let mut one = with_usage(row(100, &[(150, 0), (170, 0), (200, 0), (210, 0)]), 4);
    one.first_visible = Some(ms(170));
    let rows = [one];
    check(&rows, Metric::Ttft, &[50.0]);
    check(&rows, Metric::Ttfo, &[70.0]);
    check(&rows, Metric::Ttst, &[20.0]);
    check(&rows, Metric::Tpot, &[20.0]);
    check(&rows, Metric::TpotExact, &[20.0]);
    check(&rows, Metric::Icl, &[10.0, 20.0, 30.0]);
    check(&rows, Metric::Itl, &[10.0, 20.0, 30.0]);
    check(&rows, Metric::MaxStall, &[30.0]);
    check(&rows, Metric::E2e, &[110.0]);
    check(&rows, Metric::Ttlb, &[111.0]);
    check(&rows, Metric::TokensPerUser, &[50.0]);
    check(&rows, Metric::SendLag, &[]);
    check(&rows, Metric::TtftFromDue, &[]);
    assert!(!summary(&rows).tokens.itl_is_icl);
}

#[test]
fn a_first_chunk_of_several_tokens_parts_tpot_from_its_exact_kin() {
    // N = 9, k1 = 5: 80 ms over 8, and over 4.
    let rows = [row(0, &[(40, 5), (80, 1), (120, 3)])];
    check(&rows, Metric::Tpot, &[10.0]);
    check(&rows, Metric::TpotExact, &[20.0]);
    check(&rows, Metric::Icl, &[40.0, 40.0]);
    // 40 ms for one token, and 40/3 ms for each of three.
    check(&rows, Metric::Itl, &[40.0 / 3.0, 40.0]);
    let summary = summary(&rows);
    assert_eq!(summary.distributions[&Metric::Itl].weights(), Some(&[3, 1][..]));
    let mean = MetricKey {
        metric: Metric::Itl,
        stat: Stat::Mean,
    };
    assert!(
        (summary.value(mean).unwrap() - 20.0).abs() < 1e-9,
        "weighted by token"
    );
    // No usage: the chunks' own counts are the server's word.
    assert_eq!(
        (summary.tokens.output, summary.tokens.source),
        (9, TokenSource::Usage)
    );
}

#[test]
fn itl_falls_back_when_one_request_hides_its_chunks_tokens() {
    let known = with_usage(row(0, &[(10, 0), (20, 0)]), 2);
    let hidden = with_usage(row(0, &[(10, 0), (40, 0)]), 8);
    let chunks_only = row(0, &[(10, 0), (40, 0)]);
    for unknown in [hidden, chunks_only] {
        let rows = [known.clone(), unknown];
        assert!(summary(&rows).tokens.itl_is_icl);
        check(&rows, Metric::Itl, &[10.0, 30.0]);
        check(&rows, Metric::TpotExact, &[10.0]);
    }
}

#[test]
fn answers_of_no_or_one_token_have_no_time_per_token() {
    let empty = with_usage(row(0, &[]), 0);
    let single = with_usage(row(0, &[(30, 0)]), 1);
    // Four tokens in one chunk: no instant between them is known.
    let lump = with_usage(row(0, &[(50, 0)]), 4);
    let rows = [empty, single, lump];
    for metric in [
        Metric::Tpot,
        Metric::TpotExact,
        Metric::TokensPerUser,
        Metric::Ttst,
        Metric::MaxStall,
    ] {
        check(&rows, metric, &[]);
    }
    check(&rows, Metric::Ttft, &[30.0, 50.0]);
    check(&rows, Metric::E2e, &[1.0, 30.0, 50.0]);
}

#[test]
fn without_streaming_there_is_no_first_token_to_time() {
    let rows = [whole(100, 400, 20)];
    for metric in [
        Metric::Ttft,
        Metric::Ttfo,
        Metric::Ttst,
        Metric::Tpot,
        Metric::Icl,
        Metric::Itl,
        Metric::MaxStall,
    ] {
        check(&rows, metric, &[]);
    }
    check(&rows, Metric::E2e, &[300.0]);
    check(&rows, Metric::Ttlb, &[300.0]);
    check_value(&summary(&rows), Metric::OutputThroughput, 20.0);
    check_value(&summary(&rows), Metric::TotalThroughput, 30.0);
}

#[test]
fn an_open_loop_counts_from_when_a_request_was_due() {
    let mut late = with_usage(row(130, &[(180, 0), (190, 0)]), 2);
    late.due = Some(ms(100));
    let mut failed = ended(row(250, &[]), FailureClass::Http5xx);
    failed.due = Some(ms(200));
    let mut never_sent = ended(row(0, &[]), FailureClass::Connect);
    (never_sent.due, never_sent.sent) = (Some(ms(300)), None);
    let rows = [late, failed, never_sent];
    let slos = [slo(Metric::Ttft, 60), slo(Metric::E2e, 90)];
    let open = summarize(&rows, window(0, 1_000), &slos, true);
    assert_eq!(samples(&open, Metric::TtftFromDue), [80.0]);
    assert_eq!(samples(&open, Metric::E2eFromDue), [90.0]);
    assert_eq!(samples(&open, Metric::Ttft), [50.0]);
    assert_eq!(
        samples(&open, Metric::SendLag),
        [30.0, 50.0],
        "failed requests were late too"
    );
    let met: Vec<u64> = open
        .goodput
        .unwrap()
        .objectives
        .iter()
        .map(|slo| slo.met)
        .collect();
    assert_eq!(met, [0, 1], "80 ms from due is over 60, 90 is at its limit");
    let closed = summarize(&rows, window(0, 1_000), &[], false);
    assert!(samples(&closed, Metric::SendLag).is_empty());
}

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
    let warm = Row {
        phase: Phase::Warmup,
        reconnects: 3,
        ..with_usage(row(0, &[(700, 0)]), 1)
    };
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
    let queued = Row {
        sent: None,
        ..ended(row(900, &[]), FailureClass::Cancelled)
    };
    let summary = summary(&[success, cut, queued]);
    assert_eq!(
        (
            summary.offered,
            summary.succeeded,
            summary.failures[&FailureClass::Cancelled]
        ),
        (1, 1, 2)
    );
    check_value(&summary, Metric::OutputThroughput, 8.0);
    check_value(&summary, Metric::TotalThroughput, 28.0);
    check_value(&summary, Metric::RequestThroughput, 1.0);
    assert_eq!(samples(&summary, Metric::Ttft), [100.0]);
}

#[test]
fn goodput_keeps_failures_in_its_denominator_and_skips_what_has_no_value() {
    let fast = with_usage(row(0, &[(50, 0), (60, 0)]), 2);
    let slow = with_usage(row(0, &[(300, 0), (310, 0)]), 2);
    let single = with_usage(row(0, &[(40, 0)]), 1);
    let halting = with_usage(row(0, &[(50, 0), (250, 0)]), 2);
    let failed = ended(row(0, &[]), FailureClass::Stalled);
    let cut = ended(row(0, &[(10, 0)]), FailureClass::Cancelled);
    let rows = [fast, slow, single, halting, failed, cut];
    let slos = [slo(Metric::Ttft, 100), slo(Metric::Tpot, 100)];
    let summary = summarize(&rows, window(0, 2_000), &slos, false);
    let goodput = summary.goodput.clone().unwrap();
    assert_eq!((goodput.good, goodput.offered), (2, 5));
    let counts: Vec<_> = goodput
        .objectives
        .iter()
        .map(|slo| (slo.met, slo.not_evaluated))
        .collect();
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
        Row {
            sent: Some(Nanos(400_500_000)),
            ..with_usage(row(400, &[(899, 0)]), 1)
        },
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
    let rows = [
        with_usage(row(0, &[(99, 0)]), 1),
        with_usage(row(100, &[(199, 0)]), 1),
    ];
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
        cached: 4,
        output_asked: 8,
        output: 7,
        chunks: 3,
        source: TokenSource::Chunks,
        itl_is_icl: true,
    };
    assert_eq!(totals, wanted);
}

/// Any mix of outcomes; instants in milliseconds within a second.
fn rows() -> impl Strategy<Value = Vec<Row>> {
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
            chunks: row
                .chunks
                .iter()
                .map(|chunk| Chunk {
                    at: of(chunk.at),
                    ..*chunk
                })
                .collect(),
            done: of(row.done),
            ..row.clone()
        })
        .collect();
    let bounds = Window {
        start: of(ms(0)),
        end: of(ms(1_000)),
    };
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
