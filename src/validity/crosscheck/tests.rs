//! Planted differences are found, and two sides that tell the same story agree.

use std::collections::BTreeMap;

use super::super::tests::calm;
use super::*;
use crate::metrics::Distribution;
use crate::record::{Buckets, Course, Metric};

/// A hundred requests of 30 ms to the first token and 300 ms in all, 5 ms between tokens.
fn ours() -> Summary {
    let mut ours = calm();
    (ours.offered, ours.succeeded, ours.failures, ours.reconnects) = (100, 100, BTreeMap::new(), 0);
    let even = |ms: f64| Distribution::new((0..100).map(|n| ms + f64::from(n) / 100.0).collect()).unwrap();
    ours.distributions = [(Metric::Ttft, 30.0), (Metric::E2e, 300.0), (Metric::Itl, 5.0)]
        .map(|(metric, ms)| (metric, even(ms)))
        .into();
    (ours.tokens.output, ours.tokens.prompt, ours.tokens.prompt_asked, ours.tokens.cached) =
        (5_000, 10_000, 10_000, 0);
    ours.tokens.itl_is_icl = false;
    ours
}

/// So many values of so many seconds, in buckets that double from a millisecond on.
fn all_at(count: f64, seconds: f64) -> Buckets {
    let bounds = (0..14).map(|power| 0.001 * f64::from(1_u32 << power)).chain([f64::INFINITY]);
    let cumulative = bounds.map(|bound| (bound, if seconds <= bound { count } else { 0.0 })).collect();
    Buckets { cumulative, sum: count * seconds, count }
}

fn theirs() -> EngineWindow {
    EngineWindow {
        family: "vllm".to_owned(),
        requests: Some(100.0),
        failed: Some(0.0),
        prompt_tokens: Some(10_000.0),
        output_tokens: Some(5_000.0),
        cached_tokens: Some(0.0),
        cache_queries: Some(10_000.0),
        preemptions: Some(0.0),
        ttft: Some(all_at(100.0, 0.029)),
        e2e: Some(all_at(100.0, 0.298)),
        itl: Some(all_at(4_900.0, 0.005)),
        queue: Some(all_at(100.0, 0.000_1)),
        ..EngineWindow::default()
    }
}

fn words(ours: Summary, theirs: EngineWindow) -> String {
    words_under(Validate::Warn, ours, theirs)
}

fn words_under(policy: Validate, mut ours: Summary, theirs: EngineWindow) -> String {
    ours.observed.engine = Some(theirs);
    told(&ours, CrossCheck { policy, near: true, whole_load: true, one_to_one: true, cold: true })
}

fn told(ours: &Summary, check: CrossCheck) -> String {
    let findings = check_server(ours, check, &["http://x/metrics answered 404".to_owned()], ("c=1", 1));
    let line = |finding: &Finding| {
        let Finding { severity, code, message, .. } = finding;
        format!("{} {code}: {message}", severity.id())
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn with(change: impl FnOnce(&mut EngineWindow)) -> EngineWindow {
    let mut changed = theirs();
    change(&mut changed);
    changed
}

#[test]
fn two_sides_with_one_story_agree_in_numbers() {
    insta::assert_snapshot!(words(ours(), theirs()), @"info server_agrees: the vllm server's own numbers agree: requests 100 = 100, output tokens 5000 = 5000, prompt tokens 10000 = 10000 (10000 asked for), TTFT mean 30.5ms and 29.0ms, E2E mean 300.5ms and 298.0ms, ITL mean 5.5ms and 5.0ms");
}

#[test]
fn somebody_elses_requests_are_found_and_nothing_else_is_compared() {
    insta::assert_snapshot!(words(ours(), with(|theirs| theirs.requests = Some(103.0))), @"warning other_load: the server had 103 requests in the window and this client sent 100: 3 came from somebody else, whose load is in every number");
    assert!(
        words_under(Validate::Strict, ours(), with(|theirs| theirs.failed = Some(1.0)))
            .starts_with("invalid other_load")
    );
}

#[test]
fn answers_that_the_server_never_gave_are_found() {
    insta::assert_snapshot!(words(ours(), with(|theirs| theirs.requests = Some(98.0))), @"warning server_requests: the server ended 98 requests well and this client had 100 good answers: 2 came from elsewhere");
}

#[test]
fn tokens_that_differ_are_found_with_both_numbers() {
    let fewer = words(ours(), with(|theirs| theirs.output_tokens = Some(4_900.0)));
    insta::assert_snapshot!(fewer.lines().next().unwrap(), @"warning server_output_tokens: the server counted 4900 output tokens and the client, by its answers' usage, 5000 (-2.0 %; bound 1 %), so some tokens were made elsewhere, or are counted in another way");
    let more = words(ours(), with(|theirs| theirs.prompt_tokens = Some(12_000.0)));
    insta::assert_snapshot!(more.lines().next().unwrap(), @"warning server_prompt_tokens: the server counted 12000 prompt tokens and the client, by its answers' usage, 10000 (10000 asked for) (+20.0 %; bound 1 %), so the server did work that no answer shows: requests of others, or tokens that were generated and thrown away");
    let near = words(ours(), with(|theirs| theirs.output_tokens = Some(5_020.0)));
    assert!(near.contains("output tokens 5000 and (+0.40 %) 5020"), "{near}");
}

#[test]
fn failed_requests_leave_only_what_can_be_known() {
    let mut failing = ours();
    failing.offered = 103;
    failing.failures.insert(FailureClass::Stalled, 3);
    let more = with(|theirs| {
        theirs.requests = Some(102.0);
        theirs.output_tokens = Some(5_900.0);
        theirs.ttft = Some(all_at(102.0, 3.0));
    });
    insta::assert_snapshot!(words(failing, more), @"info server_agrees: the vllm server's own numbers agree: requests 100 good of 103 sent, 102 there, output tokens 5000 and (+18.00 %) 5900, prompt tokens 10000 = 10000 (10000 asked for); not compared, because one side has no such number: latencies of a window with failed, cut or foreign requests");
}

#[test]
fn a_latency_that_the_server_does_not_know_of_was_spent_on_the_way() {
    // 8 to 16 ms, a bucket of 8 more and 5 on the way reach to 29.
    let mut above = ours();
    above.distributions.insert(Metric::Ttft, Distribution::new(vec![28.9; 100]).unwrap());
    let agree = words(above, with(|theirs| theirs.ttft = Some(all_at(100.0, 0.015))));
    assert!(!agree.contains("server_ttft"), "{agree}");
    let far = words(ours(), with(|theirs| theirs.ttft = Some(all_at(100.0, 0.003))));
    insta::assert_snapshot!(far.lines().next().unwrap(), @"warning server_ttft: TTFT: the client's mean is 30.5ms and the server's lies in 2.0ms to 4.0ms, more than a bucket and 5.0ms above it: the rest was spent on the way, in a proxy, before the server's clock starts, or in the client");
    let mut remote = ours();
    remote.observed.engine = Some(with(|theirs| theirs.ttft = Some(all_at(100.0, 0.003))));
    let check =
        CrossCheck { policy: Validate::Warn, near: false, whole_load: true, one_to_one: true, cold: true };
    assert!(!told(&remote, check).contains("server_ttft"));
}

#[test]
fn a_server_that_is_later_than_its_answers_is_suspicious() {
    let late = words(ours(), with(|theirs| theirs.e2e = Some(all_at(100.0, 0.4))));
    insta::assert_snapshot!(late.lines().next().unwrap(), @"warning server_e2e: the server's mean E2E is 400.0ms and the client's only 300.5ms: a client cannot see an answer before it was made, so they are not of the same requests");
}

#[test]
fn a_tail_that_only_one_side_has_is_found() {
    let mut tailed = ours();
    let values = (0..100).map(|n| if n < 90 { 30.0 } else { 900.0 }).collect();
    tailed.distributions.insert(Metric::E2e, Distribution::new(values).unwrap());
    let found = words(tailed, with(|theirs| theirs.e2e = Some(all_at(100.0, 0.1))));
    insta::assert_snapshot!(found.lines().next().unwrap(), @"warning server_e2e: E2E: the client's p95 is 900.0ms and the server's lies in 64.0ms to 128.0ms, more than a bucket and 5.0ms above it: the rest was spent on the way, in a proxy, before the server's clock starts, or in the client");
}

#[test]
fn what_the_server_does_not_export_is_said() {
    let bare = EngineWindow { family: "triton".to_owned(), requests: Some(100.0), ..EngineWindow::default() };
    insta::assert_snapshot!(words(ours(), bare), @"info server_agrees: the triton server's own numbers agree: requests 100 = 100; not compared, because one side has no such number: output tokens, prompt tokens, TTFT, E2E, ITL");
}

#[test]
fn a_restart_ends_the_comparison() {
    let restarted = words_under(Validate::Strict, ours(), with(|theirs| theirs.restarted = true));
    insta::assert_snapshot!(restarted, @"invalid server_restarted: the server started anew during the window (its counters fell, or its process is a younger one), so a part of the load met a cold server and another none");
}

#[test]
fn the_inside_of_the_server_is_told() {
    let busy = with(|theirs| {
        theirs.queue = Some(all_at(100.0, 0.012));
        theirs.waiting = Some(Course { mean: 3.2, min: 0.0, max: 9.0 });
        theirs.preemptions = Some(4.0);
        theirs.cached_tokens = Some(2_000.0);
    });
    insta::assert_snapshot!(words(ours(), busy).lines().take(3).collect::<Vec<_>>().join("\n"), @"
    warning cache_hidden: prompt tokens came from the server's prefix cache although the workload is cold, and no answer says so: 20.0 % by the server's counters
    info server_queue: requests waited 12.0ms in the server's queue on average, 41 % of the time to the first token; 3.2 waited on average: this load is more than it takes at once
    info preemptions: the server preempted requests 4 times for want of KV cache and computed them again, which shows as stalls
    ");
    let mut said = ours();
    said.tokens.cached = 1_000;
    let found = words(said, with(|theirs| theirs.cached_tokens = Some(2_000.0)));
    insta::assert_snapshot!(found.lines().next().unwrap(), @"warning server_cache: the share of prompt tokens from the prefix cache is 20.0 % by the server's counters and 10.0 % by its answers (bound 5 points), so one of them counts other requests or other tokens");
}

#[test]
fn without_the_servers_numbers_one_line_says_so_and_off_is_silent() {
    let check = |policy| CrossCheck { policy, near: true, whole_load: true, one_to_one: true, cold: true };
    insta::assert_snapshot!(told(&ours(), check(Validate::Warn)), @"info server_metrics: the client's numbers were not held against the server's own, which could not be read: http://x/metrics answered 404");
    assert_eq!(told(&ours(), check(Validate::Off)), "");
}

#[test]
fn what_is_several_requests_to_the_server_is_not_counted_against_the_client() {
    let check =
        CrossCheck { policy: Validate::Warn, near: true, whole_load: true, one_to_one: false, cold: true };
    let mut both = ours();
    both.observed.engine =
        Some(EngineWindow { requests: Some(800.0), cached_tokens: Some(9_000.0), ..theirs() });
    let found = told(&both, check);
    assert!(!found.contains("other_load") && !found.contains("cache_hidden"), "{found}");
    assert!(found.contains("one side has no such number: requests"), "{found}");
}
