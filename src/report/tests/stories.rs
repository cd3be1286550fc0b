//! Gates as they happen: made-up rounds, judged by the gate itself, so that every word is one that readers see.

use std::collections::BTreeMap;

use crate::base::Hint;
use crate::config::{BaselineServer, Bound, GatePolicy, Objective, RunPlan};
use crate::document::v1::{PairsDocument, RunDocument, StoredDocument, sample};
use crate::gate::{Against, Evidence, LevelEvidence, RoundValues, SessionRounds, decide};
use crate::record::{Metric, MetricKey};
use crate::stats::Looks;
use crate::validity::{Finding, Severity};

const BASE: [(&str, f64); 7] = [
    ("ttft_p50", 236.0),
    ("ttft_p95", 412.0),
    ("tpot_p95", 24.6),
    ("itl_p50", 22.1),
    ("e2e_p95", 3_180.0),
    ("output_throughput", 3_912.0),
    ("goodput", 0.991),
];

/// A round of 1,000 requests; `jitter` moves all latencies alike, `ttft` those to the first token once more.
fn round(jitter: f64, ttft: f64) -> RoundValues {
    let values: BTreeMap<MetricKey, f64> = BASE
        .into_iter()
        .map(|(name, value)| {
            let factor = match name {
                "output_throughput" => 1.0 / jitter,
                "goodput" => 1.0 - (jitter - 1.0).abs() * 0.1,
                name if name.starts_with("ttft") => jitter * ttft,
                _ => jitter,
            };
            (name.parse().unwrap(), value * factor)
        })
        .collect();
    let distributions = values.keys().filter(|key| key.metric.is_distribution());
    RoundValues {
        samples: distributions.map(|key| (key.metric, 1_000)).collect(),
        values,
        offered: 1_000,
        succeeded: 1_000,
        output_tokens: 96_000,
        ..RoundValues::default()
    }
}

const JITTER: [f64; 5] = [1.004, 0.997, 1.002, 0.995, 1.006];

fn rounds(day: f64, ttft: f64) -> Vec<RoundValues> {
    JITTER.iter().map(|jitter| round(jitter * day, ttft)).collect()
}

fn sessions() -> Against {
    let days = [1.004, 0.989, 1.011, 0.996, 1.006, 0.993];
    Against::Sessions(days.iter().map(|day| SessionRounds { rounds: rounds(*day, 1.0) }).collect())
}

fn plan() -> RunPlan {
    let key = |name: &str| name.parse::<MetricKey>().unwrap();
    let limits = [("ttft_p95", 0.15), ("tpot_p95", 0.07), ("e2e_p95", 0.10), ("output_throughput", 0.07)];
    let objective = Objective { key: MetricKey::value(Metric::Goodput), bound: Bound::AtLeast, limit: 0.95 };
    let plan = sample::plan();
    RunPlan {
        gate: GatePolicy {
            looks: Looks::new([5]).unwrap(),
            tolerances: limits.into_iter().map(|(name, limit)| (key(name), limit)).collect(),
            objectives: vec![objective],
            ..plan.gate
        },
        ..plan
    }
}

fn judged(
    plan: &RunPlan,
    candidate: Vec<RoundValues>,
    against: Against,
    findings: &[Finding],
) -> RunDocument {
    let stored = matches!(&against, Against::Sessions(sessions) if !sessions.is_empty());
    let level = LevelEvidence { label: "c=32".to_owned(), candidate, against };
    let verdict = decide(&Evidence { levels: vec![level] }, &plan.gate, findings);
    let mut run = sample::build(plan, &[sample::summary(0.0), sample::summary(30.0)], Some(&verdict));
    run.findings = findings.iter().map(Into::into).collect();
    if let (Some(verdict), true) = (&mut run.verdict, stored) {
        let old = findings.iter().any(|finding| finding.code == "baseline_age");
        let age_days = if old { Some(21.5) } else { Some(2.4) };
        verdict.baseline = Some(StoredDocument { age_days, ..StoredDocument::sample() });
    }
    run
}

fn finding(severity: Severity, code: &str, message: &str, hint: &str) -> Finding {
    Finding {
        severity,
        code: code.to_owned(),
        message: message.to_owned(),
        hint: Some(Hint::new(hint)),
        level: None,
        round: None,
    }
}

/// Every kind of result by its name.
pub(super) fn all() -> Vec<(&'static str, RunDocument)> {
    let plan = plan();
    let lengths = finding(
        Severity::Warning,
        "output_length",
        "2% of answers were shorter than asked",
        "set ignore_eos: true, or ask for shorter answers",
    );
    let saturated = finding(
        Severity::Invalid,
        "client_saturated",
        "the client sent 4% of requests more than 10 ms late",
        "use a machine with more cores, or split the load with --shard",
    );
    let old = finding(
        Severity::Warning,
        "baseline_age",
        "the newest stored session is 21 days old, and the machine may have changed since",
        "measure the main branch every night, and store the result: llm-loadtest baseline save",
    );
    let cut = finding(
        Severity::Invalid,
        "interrupted",
        "the gate was interrupted in round 3 of 5",
        "run it again to its end",
    );
    let mut interrupted = judged(&plan, rounds(1.0, 1.0)[..2].to_vec(), sessions(), &[cut]);
    interrupted.partial = true;
    let mut errors = rounds(1.0, 1.0);
    for round in &mut errors {
        round.succeeded = 910;
        round.failures = BTreeMap::from([(crate::record::FailureClass::Http5xx, 90)]);
    }
    vec![
        ("pass", judged(&plan, rounds(1.004, 1.01), sessions(), &[old])),
        ("fail", judged(&plan, rounds(1.002, 1.22), sessions(), &[lengths])),
        ("errors", judged(&plan, errors, sessions(), &[])),
        ("inconclusive", judged(&plan, rounds(1.0, 1.15), sessions(), &[])),
        ("invalid", judged(&plan, rounds(1.0, 1.4), sessions(), &[saturated])),
        ("no-baseline", judged(&plan, rounds(1.0, 1.0), Against::Sessions(Vec::new()), &[])),
        ("pairs", pairs(&plan)),
        ("interrupted", interrupted),
        ("run", sample::run()),
    ]
}

fn pairs(plan: &RunPlan) -> RunDocument {
    let plan = RunPlan {
        gate: GatePolicy { looks: Looks::new([5, 8, 12]).unwrap(), ..plan.gate.clone() },
        baseline: Some(BaselineServer {
            base_urls: vec!["http://localhost:8001".to_owned()],
            model: None,
            launch: None,
            in_turn: false,
        }),
        ..plan.clone()
    };
    let mood = [1.0, 1.02, 0.98, 1.01, 0.99];
    let beside = mood.iter().map(|mood| round(*mood, 1.0)).collect();
    let now = mood.iter().zip(JITTER).map(|(mood, jitter)| round(mood * jitter, 1.22)).collect();
    let mut run = judged(&plan, now, Against::Pairs(beside), &[]);
    run.pairs = Some(PairsDocument {
        environment: run.environment.clone(),
        first: ["baseline", "candidate", "candidate", "baseline", "baseline"].map(str::to_owned).to_vec(),
        rounds: run.rounds.clone(),
        levels: run.levels.clone(),
    });
    run
}
