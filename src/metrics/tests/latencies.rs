//! What each request yields, at its edges.

use super::rows::{check, check_value, ended, ms, row, samples, slo, summary, whole, window, with_usage};
use crate::metrics::summarize;
use crate::record::{FailureClass, Metric, MetricKey, Stat, TokenSource};

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
    assert_eq!(summary.distributions[&Metric::Itl].kept().unwrap().1, [3, 1]);
    let mean = MetricKey { metric: Metric::Itl, stat: Stat::Mean };
    assert!((summary.value(mean).unwrap() - 20.0).abs() < 1e-9, "weighted by token");
    // No usage: the chunks' own counts are the server's word.
    assert_eq!((summary.tokens.output, summary.tokens.source), (9, TokenSource::Usage));
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
    for metric in [Metric::Tpot, Metric::TpotExact, Metric::TokensPerUser, Metric::Ttst, Metric::MaxStall] {
        check(&rows, metric, &[]);
    }
    check(&rows, Metric::Ttft, &[30.0, 50.0]);
    check(&rows, Metric::E2e, &[1.0, 30.0, 50.0]);
}

#[test]
fn without_streaming_there_is_no_first_token_to_time() {
    let rows = [whole(100, 400, 20)];
    for metric in
        [Metric::Ttft, Metric::Ttfo, Metric::Ttst, Metric::Tpot, Metric::Icl, Metric::Itl, Metric::MaxStall]
    {
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
    assert_eq!(samples(&open, Metric::SendLag), [30.0, 50.0], "failed requests were late too");
    let met: Vec<u64> = open.goodput.unwrap().objectives.iter().map(|slo| slo.met).collect();
    assert_eq!(met, [0, 1], "80 ms from due is over 60, 90 is at its limit");
    let closed = summarize(&rows, window(0, 1_000), &[], false);
    assert!(samples(&closed, Metric::SendLag).is_empty());
}
