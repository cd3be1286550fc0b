//! A small result with every kind of content, for the tests of this room and of the rooms above.

use std::collections::BTreeMap;

use super::sample_pairs::latency;
use super::{RoundParts, RunDocument, RunParts};
use crate::base::{Hint, Nanos, Rate, Seed};
use crate::config::{
    Bound, GatePolicy, GpuUse, Objective, RunPlan, Sampling, ServerMetrics, Target, Timeouts, Warmup,
};
use crate::gate::{Basis, Decision, Effect, Judgement, Rule, Status, Verdict};
use crate::metrics::{
    self, Concurrency, Distribution, Goodput, Point, Series, Slice, SloCount, Steady, Summary, TokenTotals,
};
use crate::protocol::Api;
use crate::record::{Environment, FailureClass, Gpu, Metric, MetricKey, Slo, TokenSource};
use crate::search::{Goal, Idle, Policy, Search, Stopped, Window};
use crate::stats::Looks;
use crate::validity::{Finding, Severity};
use crate::workload::{
    Arrivals, CacheLabel, Lengths, Level, Limit, Load, Part, Shard, UrlStrategy, Workload,
};

pub(crate) fn plan() -> RunPlan {
    RunPlan {
        target: Target {
            name: "staging".to_owned(),
            base_urls: vec!["http://me:secret@localhost:8000?key=secret".to_owned()],
            launch: None,
            url_strategy: UrlStrategy::RoundRobin,
            api_key_env: Some("LLM_KEY".to_owned()),
            headers: vec![("X-Team".to_owned(), "secret".to_owned())],
            insecure: false,
            cacert: None,
            hardware: None,
            gpu: GpuUse::Auto,
            nvml: None,
            log: None,
            metrics: ServerMetrics::default(),
        },
        model: None,
        name: "chat".to_owned(),
        api: Api::Chat,
        adapter: None,
        counts_chunks: None,
        stream: true,
        parts: vec![Part::only(
            "chat",
            Workload::synthetic(Lengths::Fixed(512), Some(Lengths::Uniform { low: 64, high: 128 })),
            vec![slo(500.0)],
        )],
        levels: vec![Level {
            load: Load::Closed { concurrency: 32, ramp_up: Nanos::ZERO },
            limit: Limit::Requests(100),
        }],
        shard: Shard::WHOLE,
        start_at: None,
        slos: vec![slo(500.0)],
        warmup: Warmup { requests: None },
        seed: Seed(u64::MAX),
        timeouts: Timeouts {
            connect: Nanos::from_secs(10.0),
            first_token: Nanos::from_secs(60.0),
            stall: Nanos::from_secs(60.0),
            total: Nanos::from_secs(600.0),
        },
        sampling: Sampling::default(),
        tokenizer: None,
        cache: CacheLabel::Cold,
        gate: GatePolicy {
            looks: Looks::new([2]).unwrap(),
            robust: false,
            budget: None,
            tolerances: BTreeMap::from([
                (MetricKey::quantile(Metric::Ttft, 950), 0.15),
                (MetricKey::quantile(Metric::E2e, 999), 0.10),
            ]),
            objectives: vec![objective()],
            alpha: 0.05,
            assumed_noise: 0.03,
            max_error_rate: Some(0.05),
            require_baseline: false,
            strict: false,
        },
        baseline: None,
        search: None,
    }
}

/// A second, open level.
pub(crate) fn open_level() -> Level {
    Level {
        load: Load::Open {
            rate: Rate::new(8.0).unwrap().into(),
            arrivals: Arrivals::Poisson,
            max_in_flight: None,
        },
        limit: Limit::Duration(Nanos::from_secs(30.0)),
    }
}

fn slo(ms: f64) -> Slo {
    Slo { metric: Metric::Ttft, limit: Nanos::from_ms(ms) }
}

fn objective() -> Objective {
    Objective { key: MetricKey::quantile(Metric::Ttft, 990), bound: Bound::AtMost, limit: 800.0 }
}

/// 100 requests, 3 failed, whose latencies lie `shift` ms above the usual ones.
pub(crate) fn summary(shift: f64) -> Summary {
    let spread = |from: f64, step: f64| {
        Distribution::new((0..97).map(|at| from + shift + step * f64::from(at)).collect()).unwrap()
    };
    Summary {
        observed: crate::record::Observed::default(),
        window: metrics::Window { start: Nanos::from_secs(1.0), end: Nanos::from_secs(13.5) },
        offered: 100,
        succeeded: 97,
        failures: BTreeMap::from([(FailureClass::Http429, 2), (FailureClass::Stalled, 1)]),
        distributions: BTreeMap::from([
            (Metric::Ttft, spread(200.0, 3.5)),
            (Metric::Tpot, spread(20.0, 0.1)),
            (Metric::Itl, spread(19.0, 0.15)),
            (Metric::E2e, spread(2_500.0, 12.0)),
        ]),
        values: BTreeMap::from([
            (Metric::RequestThroughput, 7.76),
            (Metric::OutputThroughput, 745.0),
            (Metric::Goodput, 0.87),
            (Metric::ErrorRate, 0.03),
        ]),
        steady: Some(Steady {
            window: metrics::Window { start: Nanos::from_secs(2.0), end: Nanos::from_secs(12.0) },
            request_throughput: 8.1,
            output_throughput: 790.123_456_789,
        }),
        concurrency: Concurrency { mean: 29.3, peak: 32 },
        goodput: Some(Goodput {
            good: 87,
            offered: 100,
            rate: 6.96,
            token_rate: 668.0,
            objectives: vec![SloCount { slo: slo(500.0), met: 92, not_evaluated: 1 }],
        }),
        tokens: TokenTotals {
            prompt_asked: 49_664,
            prompt: 49_700,
            prompt_excess: None,
            cached: 0,
            output_asked: 9_312,
            output: 9_300,
            chunks: 9_300,
            source: TokenSource::Usage,
            itl_is_icl: false,
        },
        reconnects: 0,
        series: Some(series()),
        points: points(),
        parts: Vec::new(),
    }
}

fn series() -> Series {
    let slice = |at: u32| Slice {
        sent: 8,
        succeeded: if at == 0 { 0 } else { 8 },
        failed: u64::from(at % 2),
        output_tokens: 745.4,
        in_flight: f64::from(32.min(8 * (at + 1))),
        ttft_p50: Some(200.0 + f64::from(at)),
        ttft_p95: Some(400.0 + f64::from(at)),
        max_stall: (at > 0).then_some(35.5),
    };
    Series { width: Nanos::from_secs(2.5), slices: (0..5).map(slice).collect() }
}

fn points() -> Vec<Point> {
    let success = Point {
        at: Nanos::from_ms(10.5),
        ttft: Some(211.25),
        e2e: Some(2_512.0),
        max_stall: Some(35.5),
        stall_at: Some(Nanos::from_ms(900.0)),
        output_tokens: 96,
        failure: None,
    };
    let refused = Point {
        at: Nanos::from_secs(3.0),
        ttft: None,
        e2e: Some(2.0),
        max_stall: None,
        stall_at: None,
        output_tokens: 0,
        failure: Some(FailureClass::Http429),
    };
    vec![success, refused]
}

pub(crate) fn environment() -> Environment {
    Environment {
        tool: "0.1.0".to_owned(),
        os: "Linux 6.1".to_owned(),
        cpu: "EPYC 9004".to_owned(),
        cpu_cores: 16,
        memory_bytes: 64 << 30,
        container: true,
        gpus: vec![Gpu { name: "NVIDIA H100".to_owned(), memory: 80 << 30 }],
        gpu_driver: Some("550.1".to_owned()),
        hardware: "h100".to_owned(),
        server: Some("vllm 0.9".to_owned()),
        image: None,
        network_path: "loopback".to_owned(),
        model: "org/model-8b".to_owned(),
    }
}

pub(crate) fn finding() -> Finding {
    Finding {
        severity: Severity::Warning,
        code: "output_length".to_owned(),
        message: "2% of answers were shorter than asked".to_owned(),
        hint: Some(Hint::new("set ignore_eos: true")),
        level: Some("c=32".to_owned()),
        round: Some(1),
    }
}

/// A plain run of one round.
pub(crate) fn run() -> RunDocument {
    build(&plan(), &[summary(0.0)], None)
}

/// A search over three rates, the highest of which does not hold.
pub(crate) fn search() -> RunDocument {
    let mut plan = plan();
    let rate = |rate: f64| Load::Open {
        rate: Rate::new(rate).unwrap().into(),
        arrivals: Arrivals::Poisson,
        max_in_flight: None,
    };
    plan.levels = [4.0, 8.0, 8.4].map(|at| Level { load: rate(at), limit: Limit::Requests(100) }).to_vec();
    plan.slos = vec![Slo { metric: Metric::TtftFromDue, limit: Nanos::from_ms(500.0) }];
    let window = |load: f64, good: u64| Window { load, good, offered: 100, trusted: true };
    let found = Search {
        policy: Policy {
            goal: Goal::Rate,
            attainment: 0.9,
            precision: 0.05,
            levels_max: 20,
            budget: Nanos::from_secs(1_800.0),
        },
        start: None,
        sized: false,
        idle: Some(Idle { good: 8, offered: 8, e2e_ms: Some(2_480.0) }),
        windows: vec![window(4.0, 100), window(8.0, 98), window(8.4, 70), window(8.4, 75), window(8.0, 97)],
        stopped: Stopped::Precise,
    };
    let summary = summary(0.0);
    let round = |round: u32, from: usize| RoundParts {
        round,
        seed: Seed(u64::from(round)),
        levels: plan.levels[from..].iter().map(|level| (level.label(), &summary)).collect(),
    };
    RunDocument::new(RunParts {
        tool: "0.1.0",
        created: "2026-01-02T03:04:05Z",
        clock_origin: "2026-01-02T03:04:04.123456789Z",
        partial: false,
        plan: &plan,
        workload_hash: "abc123",
        environment: &environment(),
        rounds: &[round(1, 0), round(2, 1)],
        pairs: None,
        carried: 0,
        findings: &[],
        verdict: None,
        search: Some(&found),
    })
}

/// A gate of two rounds with this answer.
pub(crate) fn gate(decision: Decision) -> RunDocument {
    build(&plan(), &[summary(0.0), summary(30.0)], Some(&verdict(decision)))
}

pub(crate) fn build(plan: &RunPlan, summaries: &[Summary], verdict: Option<&Verdict>) -> RunDocument {
    let rounds: Vec<RoundParts<'_>> = (1..)
        .zip(summaries)
        .map(|(round, summary)| RoundParts {
            round,
            seed: Seed(u64::from(round)),
            levels: plan.levels.iter().map(|level| (level.label(), summary)).collect(),
        })
        .collect();
    RunDocument::new(RunParts {
        tool: "0.1.0",
        created: "2026-01-02T03:04:05Z",
        clock_origin: "2026-01-02T03:04:04.123456789Z",
        partial: false,
        plan,
        workload_hash: "abc123",
        environment: &environment(),
        rounds: &rounds,
        pairs: None,
        carried: 0,
        findings: &[finding()],
        verdict,
        search: None,
    })
}

pub(crate) fn verdict(decision: Decision) -> Verdict {
    let (status, change, headline, next) = match decision {
        Decision::Pass => (Status::Pass, 0.012, "no regression beyond the limits", "nothing to do"),
        Decision::Fail => (
            Status::Fail,
            0.221,
            "TTFT p95 is 22.1% slower than the baseline (limit 15%)",
            "fix it, or accept the change by saving a new baseline",
        ),
        Decision::Inconclusive => (
            Status::Undecided { above: true },
            0.18,
            "could not decide: TTFT p95 is 18.0% slower, limit 15%, not confirmed",
            "run again for more rounds",
        ),
        Decision::Invalid => (
            Status::NotJudged("the client was too slow".to_owned()),
            0.4,
            "not judged: the client was saturated",
            "use a machine with more cores",
        ),
    };
    Verdict {
        decision,
        headline: headline.to_owned(),
        next: next.to_owned(),
        basis: Basis::FewSessions { sessions: 2, assumed_noise: 0.03 },
        alpha: 0.05,
        family: 3,
        level: 0.05,
        rounds: 2,
        looks: vec![2],
        cells: cells(status, change, decision == Decision::Invalid),
        broken_rules: Vec::new(),
        common_shift: None,
        worth_a_look: vec![("c=32".to_owned(), MetricKey::quantile(Metric::Itl, 500))],
    }
}

fn cells(status: Status, change: f64, invalid: bool) -> Vec<Judgement> {
    vec![
        latency(status, change),
        Judgement {
            key: MetricKey::value(Metric::Goodput),
            rule: Rule::Tolerance(0.02),
            status: if invalid {
                Status::NotJudged("the client was too slow".to_owned())
            } else {
                Status::PassSlower
            },
            baseline: Some(0.989),
            now: Some(0.976),
            effect: Some(Effect { change: -0.013, low: -0.019, high: -0.007, absolute: true }),
            rounds: vec![0.975, 0.977],
            ..latency(Status::Pass, 0.0)
        },
        Judgement {
            key: objective().key,
            rule: Rule::Objective(objective()),
            baseline: None,
            now: Some(551.0),
            effect: Some(Effect { change: -0.311, low: f64::NEG_INFINITY, high: -0.2, absolute: false }),
            ..latency(Status::Pass, 0.0)
        },
        Judgement {
            key: MetricKey::quantile(Metric::Itl, 500),
            rule: Rule::Report,
            baseline: Some(28.1),
            now: Some(28.3),
            ..latency(Status::Reported, 0.007)
        },
    ]
}
