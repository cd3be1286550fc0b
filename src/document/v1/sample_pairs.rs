//! Made-up documents of a measurement in pairs.

use super::{
    BlockDocument, BlockLevel, DEFINITIONS, Format, Kind, LedgerDocument, PairsParts, RoundParts,
    RunDocument, RunParts, SessionDocument, sample,
};
use crate::base::Seed;
use crate::config::{BaselineServer, GatePolicy, RunPlan};
use crate::gate::{Basis, Decision, Effect, Judgement, Method, Rule, Status, Test, Verdict};
use crate::record::{Arm, Metric, MetricKey};
use crate::stats::Looks;

/// A gate of five pairs, two of them from an earlier gate, that could have gone on to twelve.
pub(crate) fn pairs() -> RunDocument {
    let plan = sample::plan();
    let plan = RunPlan {
        gate: GatePolicy { looks: Looks::new([5, 8, 12]).unwrap(), ..plan.gate },
        baseline: Some(BaselineServer {
            base_urls: vec!["sim:h100-8b".to_owned()],
            model: None,
            launch: None,
            in_turn: false,
        }),
        ..plan
    };
    let summaries = [sample::summary(0.0), sample::summary(30.0), sample::summary(10.0)];
    let rounds = |shift: usize| -> Vec<RoundParts<'_>> {
        (3..6)
            .map(|round| RoundParts {
                round,
                seed: Seed(u64::from(round)),
                levels: vec![("c=32".to_owned(), &summaries[(round as usize + shift) % 3])],
            })
            .collect()
    };
    let test = Test { method: Method::Student, difference: 0.2, se: 0.01, freedom: 4.0, allowance: 0.14 };
    let failed = Judgement {
        effect: Some(Effect { change: 0.221, low: 0.19, high: 0.252, absolute: false }),
        p_fail: Some(0.0021),
        p_pass: Some(0.9979),
        rounds: vec![500.0, 506.0, 498.0, 511.0, 503.0],
        baseline_rounds: vec![410.0, 413.0, 409.0, 416.0, 412.0],
        test: Some(test),
        ..latency(Status::Fail, 0.221)
    };
    let verdict = Verdict {
        basis: Basis::Pairs { pairs: 5 },
        level: 0.0227,
        rounds: 5,
        looks: vec![5, 8, 12],
        family: 1,
        cells: vec![failed],
        ..sample::verdict(Decision::Fail)
    };
    RunDocument::new(RunParts {
        tool: "0.1.0",
        created: "2026-01-02T03:04:05Z",
        clock_origin: "2026-01-02T03:04:04.123456789Z",
        partial: false,
        plan: &plan,
        workload_hash: "abc123",
        environment: &sample::environment(),
        rounds: &rounds(0),
        pairs: Some(PairsParts {
            environment: &sample::environment(),
            first: &[Arm::Baseline, Arm::Candidate, Arm::Baseline],
            rounds: &rounds(1),
        }),
        carried: 2,
        findings: &[],
        verdict: Some(&verdict),
        search: None,
    })
}

/// A ledger of two blocks.
pub(crate) fn ledger() -> LedgerDocument {
    let run = sample::gate(Decision::Inconclusive);
    let session = SessionDocument::from_run(&run, "a", None);
    let block = |at: usize| BlockDocument {
        created: run.created.clone(),
        seed: at as u64,
        levels: vec![BlockLevel {
            label: "c=32".to_owned(),
            candidate: session.levels[0].rounds[at].clone(),
            baseline: Some(session.levels[0].rounds[1 - at].clone()),
        }],
    };
    LedgerDocument {
        format: Format::current(Kind::Ledger),
        tool: "0.1.0".to_owned(),
        definitions: DEFINITIONS.to_owned(),
        key: run.fingerprint.clone(),
        head: "a91b07d".to_owned(),
        base: "4f1c2e9".to_owned(),
        environment: run.environment.clone(),
        blocks: vec![block(0), block(1)],
    }
}

pub(crate) fn latency(status: Status, change: f64) -> Judgement {
    Judgement {
        level: "c=32".to_owned(),
        key: MetricKey::quantile(Metric::Ttft, 950),
        rule: Rule::Tolerance(0.15),
        status,
        baseline: Some(412.0),
        now: Some(412.0 * (1.0 + change)),
        effect: Some(Effect { change, low: change - 0.02, high: change + 0.02, absolute: false }),
        detectable: Some(0.19),
        p_fail: Some(0.5),
        p_pass: Some(0.02),
        rounds: vec![500.0, 506.0],
        baseline_rounds: Vec::new(),
        samples: 1_000,
        test: None,
    }
}
