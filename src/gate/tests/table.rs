//! Each decision and each status once, with its words.

use super::*;
use crate::config::Bound;
use crate::record::FailureClass;
use crate::validity::{Finding, Severity};

/// Eight quiet sessions of three rounds around a value.
fn sessions(name: &str, value: f64) -> Vec<Vec<RoundValues>> {
    [0.98, 0.99, 1.0, 1.0, 1.01, 1.02, 0.995, 1.005]
        .map(|shift| rounds(name, &[value * shift, value * shift * 1.01, value * shift * 0.99]))
        .to_vec()
}

fn at_most(name: &str, limit: f64) -> Objective {
    Objective { key: key(name), bound: Bound::AtMost, limit }
}

fn at_least(name: &str, limit: f64) -> Objective {
    Objective { key: key(name), bound: Bound::AtLeast, limit }
}

fn say(verdict: &Verdict) -> String {
    format!("{}: {} | {}", verdict.decision.id(), verdict.headline, verdict.next)
}

fn judge(name: &str, tolerance: f64, now: &[f64], sessions: Vec<Vec<RoundValues>>) -> Verdict {
    decide(&stored(rounds(name, now), sessions), &policy(&[(name, tolerance)], &[]), &[])
}

#[test]
fn slower_than_allowed_fails() {
    let verdict = judge("ttft_p95", 0.15, &[490.0, 488.0, 493.0], sessions("ttft_p95", 400.0));
    insta::assert_snapshot!(say(&verdict), @"fail: TTFT p95 is 23 % slower than the baseline (limit 15 %) | Fix the regression, or accept it: llm-loadtest baseline save.");
    assert_eq!((verdict.basis, verdict.family, verdict.rounds), (Basis::Sessions { sessions: 8 }, 1, 3));
    let cell = &verdict.cells[0];
    assert_eq!(cell.status, Status::Fail);
    let effect = cell.effect.unwrap();
    // The change that is shown is exactly what the two typical values say.
    assert!((effect.change - (cell.now.unwrap() / cell.baseline.unwrap() - 1.0)).abs() < 1e-12);
    assert!(
        0.15 < effect.low && effect.low < effect.change && effect.change < effect.high && !effect.absolute
    );
}

#[test]
fn unchanged_passes_and_says_what_it_could_have_seen() {
    let verdict = judge("ttft_p95", 0.15, &[401.0, 399.0, 403.0], sessions("ttft_p95", 400.0));
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits (could have detected TTFT p95 ≥ +19 %) | Nothing to do.");
    let cell = &verdict.cells[0];
    assert_eq!(cell.status, Status::Pass);
    assert!(cell.detectable.unwrap() > 0.15 && cell.effect.unwrap().high < 0.15);
}

#[test]
fn slower_within_the_limit_passes_with_a_word() {
    let verdict = judge("ttft_p95", 0.15, &[430.0, 428.0, 431.0], sessions("ttft_p95", 400.0));
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits, though TTFT p95 is 7.5 % slower than the baseline (limit 15 %) | Nothing to do.");
    assert_eq!(verdict.cells[0].status, Status::PassSlower);
}

#[test]
fn near_the_limit_is_undecided_on_both_sides() {
    let verdict = judge("ttft_p95", 0.15, &[455.0, 457.0, 452.0], sessions("ttft_p95", 400.0));
    insta::assert_snapshot!(say(&verdict), @"inconclusive: Could not decide: TTFT p95 +14 % (90 % CI +11 … +17 %), limit +15 % | Raise --rounds, store more sessions (llm-loadtest baseline save), or allow a larger change.");
    assert_eq!(verdict.cells[0].status, Status::Undecided { above: false });
    let verdict = judge("ttft_p95", 0.15, &[463.0, 465.0, 462.0], sessions("ttft_p95", 400.0));
    assert_eq!(verdict.cells[0].status, Status::Undecided { above: true });
}

#[test]
fn less_throughput_is_negative_and_its_limit_too() {
    let verdict = judge(
        "output_throughput",
        0.07,
        &[3_300.0, 3_310.0, 3_290.0],
        sessions("output_throughput", 3_900.0),
    );
    insta::assert_snapshot!(say(&verdict), @"fail: Output throughput is 15 % lower than the baseline (limit 7 %) | Fix the regression, or accept it: llm-loadtest baseline save.");
    let cell = &verdict.cells[0];
    assert!(cell.effect.unwrap().high < -0.07 && cell.detectable.unwrap() < -0.07);
    let verdict = judge(
        "output_throughput",
        0.07,
        &[3_640.0, 3_660.0, 3_650.0],
        sessions("output_throughput", 3_900.0),
    );
    insta::assert_snapshot!(say(&verdict), @"inconclusive: Could not decide: Output throughput −6.4 % (90 % CI −8.7 … −4.1 %), limit −7 % | Raise --rounds, store more sessions (llm-loadtest baseline save), or allow a larger change.");
}

#[test]
fn shares_are_judged_in_points() {
    let base: Vec<_> =
        [0.989, 0.991, 0.99, 0.988, 0.992, 0.99].map(|share| rounds("goodput", &[share; 3])).to_vec();
    let verdict = judge("goodput", 0.02, &[0.95, 0.951, 0.949], base.clone());
    insta::assert_snapshot!(say(&verdict), @"fail: Goodput is 4 points lower than the baseline (limit 2 points) | Fix the regression, or accept it: llm-loadtest baseline save.");
    let effect = verdict.cells[0].effect.unwrap();
    assert!(effect.absolute && (effect.change + 0.04).abs() < 1e-9);
    let verdict = judge("goodput", 0.02, &[0.988, 0.989, 0.99], base);
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits (could have detected Goodput ≤ −2.4 points) | Nothing to do.");
}

#[test]
fn few_sessions_lean_on_the_declared_noise_and_say_so() {
    let base = sessions("ttft_p95", 400.0)[..2].to_vec();
    let verdict = judge("ttft_p95", 0.15, &[401.0, 399.0, 403.0], base.clone());
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits (could have detected TTFT p95 ≥ +26 %) | Store more sessions (llm-loadtest baseline save): from 5 on their own noise replaces the assumed 3 % from day to day.");
    assert_eq!(verdict.basis, Basis::FewSessions { sessions: 2, assumed_noise: 0.03 });
    insta::assert_snapshot!(say(&judge("ttft_p95", 0.15, &[450.0, 448.0, 452.0], base.clone())), @"inconclusive: Could not decide: TTFT p95 +14 % (90 % CI +7.4 … +21 %), limit +15 % | Raise --rounds, or store more sessions (llm-loadtest baseline save): from 5 on their own noise replaces the assumed 3 % from day to day.");
    insta::assert_snapshot!(say(&judge("ttft_p95", 0.15, &[450.0], base)), @"inconclusive: Could not decide: TTFT p95 was not judged: a single round says nothing about its own noise | Raise --rounds to 3 or more.");
    let single = vec![rounds("ttft_p95", &[400.0])];
    insta::assert_snapshot!(say(&judge("ttft_p95", 0.15, &[400.0, 401.0, 402.0], single)), @"inconclusive: Could not decide: TTFT p95 was not judged: the baseline has a single round a session, which says nothing about its own noise | Save a baseline of 3 or more rounds (--rounds 3, then llm-loadtest baseline save), or store 5 sessions.");
}

#[test]
fn two_results_compare_as_one_session_each() {
    let against = Against::Result(SessionRounds { rounds: rounds("e2e_p95", &[2_000.0, 2_030.0, 1_990.0]) });
    let candidate = rounds("e2e_p95", &[2_000.0, 2_020.0, 2_010.0]);
    let evidence = Evidence { levels: vec![LevelEvidence { label: "c=32".to_owned(), candidate, against }] };
    let verdict = decide(&evidence, &policy(&[("e2e_p95", 0.10)], &[]), &[]);
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits (could have detected E2E p95 ≥ +22 %) | Nothing to do.");
    assert_eq!(verdict.basis, Basis::TwoResults { assumed_noise: 0.03 });
}

#[test]
fn objectives_without_a_baseline() {
    let now = [612.0, 608.0, 615.0];
    let with = |objective, rounds| {
        decide(&stored(rounds, vec![]), &policy(&[("ttft_p95", 0.15)], &[objective]), &[])
    };
    let many: Vec<_> = now.map(|value| round(2_000, &[("ttft_p99", value), ("goodput", 0.952)])).to_vec();
    insta::assert_snapshot!(say(&with(at_most("ttft_p99", 500.0), many.clone())), @"fail: TTFT p99 is 612 ms, limit 500 ms | Fix the server, or change the limit.");
    insta::assert_snapshot!(say(&with(at_most("ttft_p99", 700.0), many.clone())), @"pass: Every objective is met (closest: TTFT p99 is 612 ms, limit 700 ms) | Store this result as the first baseline: llm-loadtest baseline save.");
    insta::assert_snapshot!(say(&with(at_most("ttft_p99", 613.0), many.clone())), @"inconclusive: Could not decide: TTFT p99 is 612 ms (90 % CI 605 ms … 619 ms), limit 613 ms | Raise --rounds: more rounds narrow the interval.");
    insta::assert_snapshot!(say(&with(at_least("goodput", 0.95), many.clone())), @"pass: Every objective is met (closest: Goodput is 95.2 %, limit 95 %) | Store this result as the first baseline: llm-loadtest baseline save.");
    insta::assert_snapshot!(say(&with(at_least("goodput", 0.97), many.clone())), @"fail: Goodput is 95.2 %, limit 97 % | Fix the server, or change the limit.");
    insta::assert_snapshot!(say(&with(at_most("ttft_p99", 700.0), rounds("ttft_p99", &now))), @"inconclusive: Could not decide: TTFT p99 was not judged: p99 needs 2,000 requests a round; this round has 1,000 | Raise --num-prompts to 2000 to judge TTFT p99.");
    insta::assert_snapshot!(say(&with(at_most("itl_p95", 40.0), many)), @"inconclusive: Could not decide: ITL p95 was not judged: this measurement has no ITL p95 | Measure ITL p95 (streaming for token times, --slo for goodput), or take it out of the gate.");
}

#[test]
fn a_limit_at_the_end_of_the_range_is_a_plain_rule() {
    let whole = |values: &[f64]| {
        let evidence = stored(rounds("success_rate", values), vec![]);
        decide(&evidence, &policy(&[], &[at_least("success_rate", 1.0)]), &[])
    };
    assert_eq!(whole(&[1.0, 1.0, 1.0]).decision, Decision::Pass);
    insta::assert_snapshot!(say(&whole(&[1.0, 0.999, 1.0])), @"fail: Success rate is 99.9 % in round 2, limit 100 % | Fix the server, or change the limit.");
}

#[test]
fn one_round_is_looked_at_plainly_only_when_one_was_asked_for() {
    let mut one = policy(&[], &[at_most("ttft_p95", 500.0)]);
    let evidence = |value| stored(rounds("ttft_p95", &[value]), vec![]);
    insta::assert_snapshot!(say(&decide(&evidence(450.0), &one, &[])), @"inconclusive: Could not decide: TTFT p95 was not judged: a single round says nothing about its own noise | Raise --rounds to 3 or more.");
    one.looks = Looks::new([1]).unwrap();
    let verdict = decide(&evidence(450.0), &one, &[]);
    insta::assert_snapshot!(say(&verdict), @"pass: Every objective is met (closest: TTFT p95 is 450 ms, limit 500 ms) | One round has no interval: raise --rounds to 3 or more to see how sure this is.");
    assert_eq!((verdict.family, verdict.cells[0].p_fail, verdict.cells[0].effect), (0, None, None));
    insta::assert_snapshot!(say(&decide(&evidence(500.4), &one, &[])), @"fail: TTFT p95 is 500.4 ms, limit 500 ms | Fix the server, or change the limit.");
}

#[test]
fn nothing_to_judge_becomes_the_first_baseline() {
    let mut policy = policy(&[("ttft_p95", 0.15)], &[]);
    let evidence = stored(rounds("ttft_p95", &[400.0, 401.0]), vec![]);
    let verdict = decide(&evidence, &policy, &[]);
    insta::assert_snapshot!(say(&verdict), @"pass: Nothing was judged: there is no baseline and no objective; this result becomes the first baseline | Store it with llm-loadtest baseline save, or set an objective such as ttft_p95 < 500ms.");
    assert_eq!((verdict.basis, &verdict.cells[0].status), (Basis::None, &Status::Reported));
    policy.require_baseline = true;
    insta::assert_snapshot!(say(&decide(&evidence, &policy, &[])), @"invalid: Not judged: there is no baseline to compare with, and one is required | Store one first: llm-loadtest baseline save.");
}

#[test]
fn thin_quantiles_and_missing_numbers_are_said_and_never_silent() {
    let thin = |offered| -> Vec<RoundValues> {
        [400.0, 402.0, 398.0]
            .map(|value| round(offered, &[("ttft_p99", value), ("ttft_p50", value / 2.0)]))
            .to_vec()
    };
    let both = policy(&[("ttft_p99", 0.15), ("ttft_p50", 0.10), ("goodput", 0.02)], &[]);
    let verdict = decide(&stored(thin(400), vec![thin(400); 6]), &both, &[]);
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits (could have detected TTFT p50 ≥ +11 %); not judged: TTFT p99 | Raise --num-prompts to 2000 to judge TTFT p99.");
    assert_eq!(verdict.family, 1);
    assert!(verdict.cells.iter().any(|cell| cell.status
        == Status::NotJudged("p99 needs 2,000 requests a round; this round has 400".to_owned())));
    let only = policy(&[("ttft_p99", 0.15)], &[]);
    insta::assert_snapshot!(say(&decide(&stored(thin(400), vec![thin(400); 6]), &only, &[])), @"inconclusive: Could not decide: no gated metric could be compared with the baseline | Raise --num-prompts to 2000 to judge TTFT p99.");
    // Too thin to gate, yet its change is shown where it is only reported.
    let median = policy(&[("ttft_p50", 0.10)], &[]);
    let verdict = decide(&stored(thin(400), vec![thin(400); 6]), &median, &[]);
    let shown = verdict.cells.iter().find(|cell| cell.key == key("ttft_p99")).unwrap();
    assert!(shown.status == Status::Reported && shown.effect.is_some() && shown.samples == 400);
    // Present on one side only: a comparison was meant and cannot be made.
    let verdict = judge("ttft_p95", 0.15, &[400.0, 401.0, 399.0], vec![rounds("e2e_p95", &[1.0, 2.0]); 6]);
    insta::assert_snapshot!(say(&verdict), @"inconclusive: Could not decide: TTFT p95 was not judged: the baseline has no such value | Save a baseline that holds TTFT p95: llm-loadtest baseline save.");
}

#[test]
fn hard_rules_and_invalid_measurements_come_first() {
    let calm = policy(&[("ttft_p95", 0.15)], &[]);
    let mut evidence = stored(rounds("ttft_p95", &[400.0, 401.0, 399.0]), sessions("ttft_p95", 400.0));
    evidence.levels.push(level(
        "c=64",
        rounds("ttft_p95", &[400.0, 401.0, 399.0]),
        sessions("ttft_p95", 400.0),
    ));
    let failing = &mut evidence.levels[1].candidate[1];
    failing.failures = [(FailureClass::Http5xx, 12), (FailureClass::Stalled, 20)].into();
    failing.succeeded -= 32;
    failing.output_tokens -= 3_200;
    let verdict = decide(&evidence, &calm, &[]);
    insta::assert_snapshot!(say(&verdict), @"fail: 3.2 % of the requests failed at c=64 in round 2 (limit 1 %): 20 × stalled, 12 × http_5xx | Read the server's log for the failed requests; latency is only judged when requests succeed.");
    assert_eq!(verdict.broken_rules, [verdict.headline]);
    let finding = Finding {
        severity: Severity::Invalid,
        code: "send_lag".to_owned(),
        message: "The client sent 12 % of the requests late".to_owned(),
        hint: None,
        level: None,
        round: None,
    };
    let verdict = decide(&evidence, &calm, std::slice::from_ref(&finding));
    insta::assert_snapshot!(say(&verdict), @"invalid: Not judged: The client sent 12 % of the requests late | Repair the measurement and run it again; nothing was decided about the server.");
    let judged = verdict.cells.iter().filter(|cell| cell.rule != Rule::Report);
    assert!(
        judged.clone().count() == 2 && judged.clone().all(|cell| matches!(cell.status, Status::NotJudged(_)))
    );
    for round in &mut evidence.levels[1].candidate {
        (round.succeeded, round.output_tokens) = (0, 0);
        round.failures = [(FailureClass::Http4xx, 1_000)].into();
    }
    insta::assert_snapshot!(say(&decide(&evidence, &calm, &[])), @"fail: No request succeeded at c=64: 3,000 × http_4xx | Read the server's log for the failed requests; latency is only judged when requests succeed.");
}

#[test]
fn other_output_lengths_are_invalid_not_a_regression() {
    let mut evidence = stored(rounds("ttft_p95", &[500.0, 501.0, 499.0]), sessions("ttft_p95", 400.0));
    for round in &mut evidence.levels[0].candidate {
        round.output_tokens = 107_000;
    }
    insta::assert_snapshot!(say(&decide(&evidence, &policy(&[("ttft_p95", 0.15)], &[]), &[])), @"invalid: Not judged: the sides did different work: 107 output tokens a request now, 100 in the baseline (more than 2 % apart) | Fix the output length on both sides, then compare again.");
    for round in &mut evidence.levels[0].candidate {
        round.output_tokens = 101_900;
    }
    assert_eq!(decide(&evidence, &policy(&[("ttft_p95", 0.15)], &[]), &[]).decision, Decision::Fail);
}

#[test]
fn everything_moving_together_points_at_the_machine() {
    let names = ["ttft_p95", "tpot_p95", "e2e_p95"];
    let at = |scale: f64| round(1_000, &names.map(|name| (name, 400.0 * scale)));
    let base: Vec<_> = [0.99, 1.0, 1.01, 1.0, 0.995].map(|scale| vec![at(scale); 2]).to_vec();
    let limits = names.map(|name| (name, 0.07));
    let evidence = stored(vec![at(1.3), at(1.31), at(1.29), at(1.3)], base);
    let verdict = decide(&evidence, &policy(&limits, &[]), &[]);
    insta::assert_snapshot!(say(&verdict), @"fail: TTFT p95 is 30 % slower than the baseline (limit 7 %); 2 more metrics are beyond their limits | All gated metrics moved the same way, so check the machine and the baseline first. Fix the regression, or accept it: llm-loadtest baseline save.");
    assert!(verdict.common_shift.is_some_and(|shift| shift > 10.0));
    // Not gated, yet worth a look.
    let verdict = decide(&evidence, &policy(&limits[..1], &[]), &[]);
    assert_eq!(
        verdict.worth_a_look,
        [("c=32".to_owned(), key("tpot_p95")), ("c=32".to_owned(), key("e2e_p95"))]
    );
    assert_eq!(verdict.common_shift, None);
}
