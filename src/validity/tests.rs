//! The words of every finding, and the silence below its bound.

use std::collections::BTreeMap;

use super::*;
use crate::base::{Nanos, Rate, Seed};
use crate::config::{GatePolicy, GpuUse, RunPlan, Sampling, ServerMetrics, Target, Timeouts, Warmup};
use crate::metrics::{Concurrency, Distribution, Goodput, SloCount, Summary, TokenTotals, Window};
use crate::protocol::Api;
use crate::record::{FailureClass, Metric, Slo, TokenSource};
use crate::stats::Looks;
use crate::workload::{
    self, Arrivals, CacheLabel, Lengths, Level, Limit, Load, Part, Shard, UrlStrategy, Workload,
};

fn open(rate: f64, max_in_flight: Option<u32>) -> Level {
    Level {
        load: Load::Open {
            rate: Rate::new(rate).unwrap().into(),
            arrivals: Arrivals::Constant,
            max_in_flight,
        },
        limit: Limit::Requests(1_000),
    }
}

fn plan(level: Level) -> RunPlan {
    RunPlan {
        target: Target {
            name: "t".to_owned(),
            base_urls: vec!["sim:".to_owned()],
            launch: None,
            url_strategy: UrlStrategy::RoundRobin,
            api_key_env: None,
            headers: Vec::new(),
            insecure: false,
            cacert: None,
            hardware: None,
            gpu: GpuUse::Auto,
            nvml: None,
            log: None,
            metrics: ServerMetrics::default(),
        },
        model: None,
        name: "default".to_owned(),
        api: Api::Chat,
        adapter: None,
        counts_chunks: None,
        stream: true,
        parts: vec![Part::only(
            "default",
            Workload::synthetic(Lengths::Fixed(100), Some(Lengths::Fixed(50))),
            Vec::new(),
        )],
        levels: vec![level],
        shard: Shard::WHOLE,
        start_at: None,
        slos: Vec::new(),
        warmup: Warmup { requests: None },
        seed: Seed(1),
        timeouts: Timeouts {
            connect: Nanos::ZERO,
            first_token: Nanos::ZERO,
            stall: Nanos::ZERO,
            total: Nanos::ZERO,
        },
        sampling: Sampling::default(),
        tokenizer: None,
        cache: CacheLabel::Cold,
        baseline: None,
        search: None,
        gate: GatePolicy {
            looks: Looks::new([1]).unwrap(),
            robust: false,
            budget: None,
            tolerances: BTreeMap::new(),
            objectives: Vec::new(),
            alpha: 0.05,
            assumed_noise: 0.03,
            max_error_rate: None,
            require_baseline: false,
            strict: false,
        },
    }
}

/// A level of 1,000 good requests in 100 s about which there is nothing to say.
pub(super) fn calm() -> Summary {
    let all = |value: f64| Distribution::new(vec![value; 1_000]).unwrap();
    Summary {
        observed: crate::record::Observed::default(),
        window: Window { start: Nanos::ZERO, end: Nanos::from_secs(100.0) },
        offered: 1_000,
        succeeded: 1_000,
        failures: BTreeMap::new(),
        distributions: BTreeMap::from([
            (Metric::SendLag, all(1.0)),
            (Metric::Tpot, all(10.0)),
            (Metric::TpotExact, all(10.1)),
            (Metric::Icl, all(10.0)),
            (Metric::E2e, all(1_000.0)),
        ]),
        values: BTreeMap::from([(Metric::RequestThroughput, 10.0), (Metric::ErrorRate, 0.0)]),
        steady: None,
        concurrency: Concurrency { mean: 10.0, peak: 12 },
        goodput: None,
        tokens: TokenTotals {
            prompt_asked: 100_000,
            prompt: 104_000,
            prompt_excess: Some((2, 6)),
            cached: 4_000,
            output_asked: 50_000,
            output: 49_500,
            chunks: 50_000,
            source: TokenSource::Usage,
            itl_is_icl: false,
        },
        reconnects: 0,
        series: None,
        points: Vec::new(),
        parts: Vec::new(),
    }
}

/// What is found when `change` happens to a calm level at 10 requests per second.
fn found(change: impl FnOnce(&mut Summary)) -> String {
    found_at(&open(10.0, None), change)
}

fn found_at(level: &Level, change: impl FnOnce(&mut Summary)) -> String {
    let mut summary = calm();
    change(&mut summary);
    let due = match &level.load {
        Load::Open { rate, arrivals, .. } => workload::due(rate, *arrivals, Seed(1), level.limit).unwrap(),
        load => panic!("{load:?}"),
    };
    let label = level.label();
    let findings = check_level(&summary, &plan(level.clone()), level, Some(&due), 3);
    assert!(findings.iter().all(|finding| finding.round == Some(3) && finding.level == Some(label.clone())));
    findings
        .iter()
        .map(|finding| format!("{} {}: {}", finding.severity.id(), finding.code, finding.message))
        .collect::<Vec<_>>()
        .join("\n")
}

fn put(summary: &mut Summary, metric: Metric, samples: Vec<f64>) {
    summary.distributions.insert(metric, Distribution::new(samples).unwrap());
}

#[test]
fn a_calm_level_is_silent() {
    assert_eq!(found(|_| ()), "");
}

#[test]
fn failures_beyond_a_twentieth_are_named() {
    insta::assert_snapshot!(found(|summary| {
        summary.values.insert(Metric::ErrorRate, 0.062);
        summary.failures = BTreeMap::from([
            (FailureClass::Http429, 60),
            (FailureClass::Stalled, 2),
            (FailureClass::Cancelled, 9),
        ]);
    }), @"warning errors: 6.2 % of 1000 requests failed: stalled 2, http_429 60");
}

#[test]
fn a_workload_without_a_success_is_named() {
    insta::assert_snapshot!(found(|summary| {
        let dead = Summary {
            offered: 3,
            succeeded: 0,
            failures: BTreeMap::from([(FailureClass::Http4xx, 3)]),
            ..calm()
        };
        summary.parts = vec![("chat".to_owned(), calm()), ("rag".to_owned(), dead)];
    }), @"warning workload_unanswered: none of the 3 requests of workload 'rag' succeeded: http_4xx 3");
}

#[test]
fn lengths_that_differ_from_the_ask_are_said() {
    insta::assert_snapshot!(found(|summary| summary.tokens.output = 48_000), @"warning output_length: the server generated 48000 output tokens where 50000 were asked for with ignore_eos (-4.0 %)");
    let prompts = |least, most, all: u64| {
        found(|summary| {
            summary.tokens.prompt_excess = Some((least, most));
            summary.tokens.prompt = all;
        })
    };
    insta::assert_snapshot!(prompts(4, 20, 112_000), @"warning prompt_length: the server counted 112000 prompt tokens where 100000 were asked for (+12.0 %): +12.0 per request, from +4 to +20");
    insta::assert_snapshot!(prompts(-9, -8, 91_500), @"warning prompt_length: the server counted 91500 prompt tokens where 100000 were asked for (-8.5 %): -8.5 per request, from -9 to -8");
    insta::assert_snapshot!(prompts(10, 13, 112_000), @"info prompt_overhead: the server counted 12.0 more tokens per prompt than were asked for (+12.0 %), about as many each time: those of its chat template");
    assert_eq!(prompts(2, 6, 104_000), "");
    let mut free = plan(open(10.0, None));
    free.parts[0].workload.ignore_eos = false;
    let mut short = calm();
    short.tokens.output = 9_000;
    assert_eq!(check_level(&short, &free, &open(10.0, None), None, 1), [], "nobody asked for exact lengths");
}

#[test]
fn a_cold_workload_that_hits_the_cache_is_said() {
    insta::assert_snapshot!(found(|summary| summary.tokens.cached = 60_000), @"warning cache: 57.7 % of the prompt tokens came from the server's prefix cache although the workload is cold");
    let mut mixed = plan(open(10.0, None));
    mixed.cache = CacheLabel::Mixed;
    let mut hits = calm();
    hits.tokens.cached = 60_000;
    assert_eq!(check_level(&hits, &mixed, &open(10.0, None), None, 1), []);
    let mut warm = plan(open(10.0, None));
    warm.cache = CacheLabel::Warm;
    assert_eq!(check_level(&hits, &warm, &open(10.0, None), None, 1), []);
    let told = |cached: u64| {
        let mut summary = calm();
        summary.tokens.cached = cached;
        let findings = check_level(&summary, &warm, &open(10.0, None), None, 1);
        findings
            .iter()
            .map(|finding| format!("{} {}: {}", finding.severity.id(), finding.code, finding.message))
            .collect::<Vec<_>>()
            .concat()
    };
    insta::assert_snapshot!(told(900), @"warning cache: only 0.9 % of the prompt tokens came from the server's prefix cache although the workload is warm");
    insta::assert_snapshot!(told(0), @"info cache_unknown: the server reported no cached prompt tokens, so nothing shows that its cache was warm");
}

#[test]
fn chunks_in_bursts_make_itl_untrustworthy() {
    insta::assert_snapshot!(found(|summary| {
        let gaps = (0..100).map(|at| if at % 4 == 0 { 40.0 } else { 0.02 }).collect();
        put(summary, Metric::Icl, gaps);
    }), @"warning bursts: 75.0 % of the chunks came within 0.1 ms of the one before: they arrive in bursts, so ICL and ITL are not trustworthy");
}

#[test]
fn a_client_behind_its_schedule_makes_the_round_invalid() {
    let late = |summary: &mut Summary| put(summary, Metric::SendLag, vec![12.0; 100]);
    insta::assert_snapshot!(found(late), @"invalid send_lag: the client could not keep its schedule: p99 of the send lag is 12.0 ms (bound 10.0 ms)");
    insta::assert_snapshot!(found_at(&open(10.0, Some(12)), late), @"warning send_lag: requests waited behind max_in_flight before they were sent: p99 of the send lag is 12.0 ms (bound 10.0 ms)");
    // A tenth of the mean gap of 2 s is 200 ms. The rate is too low for the summary's throughput to fall short.
    assert_eq!(found_at(&open(0.5, None), late), "");
}

#[test]
fn a_server_that_falls_behind_is_said() {
    let slow = |rate: f64| {
        move |summary: &mut Summary| {
            summary.values.insert(Metric::RequestThroughput, rate);
        }
    };
    insta::assert_snapshot!(found(slow(9.0)), @"warning achieved_rate: 9.00 requests per second were answered of the 10.00 asked for, so the server did not keep up and its queue grew");
    assert_eq!(found(slow(9.45)), "", "one answer's length and one request are the edge");
    let mut bursty = open(10.0, None);
    if let Load::Open { arrivals, .. } = &mut bursty.load {
        *arrivals = Arrivals::Gamma { shape: 0.25 };
    }
    assert_eq!(found_at(&bursty, slow(9.45)), "", "what was due is counted, not guessed");
    assert!(found_at(&bursty, slow(9.0)).starts_with("warning achieved_rate"));
}

#[test]
fn what_the_numbers_rest_on_is_told() {
    insta::assert_snapshot!(found(|summary| {
        summary.tokens.source = TokenSource::Chunks;
        summary.tokens.itl_is_icl = true;
        put(summary, Metric::TpotExact, vec![11.0; 1_000]);
        put(summary, Metric::E2e, vec![1_000.0; 100]);
    }), @r"
        info token_source: the server did not report usage for every request; output tokens are counted by chunks, as if each held one token
        info itl_is_icl: tokens per chunk are not known, so ITL is ICL: the time between chunks, whatever they hold
        info tpot_exact: first chunks hold several tokens: TPOT is 10.00 ms by all tokens after the first and 11.00 ms by those after the first chunk
        info thin_percentiles: 100 requests are few for p95 (needs 130), p99 (needs 662)
        ");
}

#[test]
fn an_objective_without_any_value_is_said() {
    insta::assert_snapshot!(found(|summary| {
        summary.goodput = Some(Goodput {
            good: 1_000,
            offered: 1_000,
            rate: 10.0,
            token_rate: 500.0,
            objectives: vec![SloCount {
                slo: Slo { metric: Metric::Tpot, limit: Nanos::from_ms(30.0) },
                met: 0,
                not_evaluated: 1_000,
            }],
        });
    }), @"warning slo_not_evaluated: no request has a value of tpot, so this objective was met by none and missed by none");
}

#[test]
fn a_level_without_a_success_is_no_cause_for_panic() {
    let text = found(|summary| {
        summary.distributions.clear();
        summary.values.clear();
        summary.succeeded = 0;
        summary.tokens = TokenTotals {
            prompt_asked: 0,
            prompt: 0,
            prompt_excess: None,
            cached: 0,
            output_asked: 0,
            output: 0,
            chunks: 0,
            source: TokenSource::Chunks,
            itl_is_icl: false,
        };
    });
    assert_eq!(text, "");
}
