//! Evidence and policy to one verdict.

use std::collections::BTreeSet;

use super::cell::{Cell, Standing, Tested, objective, report, tolerance};
use super::compare::ENOUGH_SESSIONS;
use super::explain::{Outcome, Story, explain, place};
use super::rules::{broken, tokens_apart};
use super::settle::{settle, settle_reported};
use super::{Against, Basis, Decision, Evidence, Judgement, LevelEvidence, Rule, Status, Verdict};
use crate::config::GatePolicy;
use crate::record::{Metric, MetricKey};
use crate::stats::Series;
use crate::validity::{Finding, Severity};

/// Judges the candidate. FAIL by Holm over all gating cells (Holm 1979); PASS when every gating cell is shown to lie within its
/// limit, which needs no correction because all must (intersection–union; Berger 1982); else inconclusive.
/// Invalid findings come first, then hard rules, then the comparison.
pub fn decide(evidence: &Evidence, policy: &GatePolicy, findings: &[Finding]) -> Verdict {
    let basis = basis(evidence, policy);
    let (mut gating, mut reported) = cells(evidence, policy, &basis);
    let level = policy.looks.level(policy.alpha);
    let family = settle(&mut gating, policy);
    let worth_a_look = settle_reported(&mut reported, level);
    let outcome = weigh(evidence, policy, findings, &basis, &gating);
    if matches!(outcome, Outcome::Invalid { .. }) {
        for cell in &mut gating {
            cell.judgement.status = Status::NotJudged("the measurement is invalid".to_owned());
        }
    }
    gating.sort_by(|left, right| {
        urgency(&left.judgement).cmp(&urgency(&right.judgement)).then_with(|| by_p(left, right))
    });
    let common_shift = common_shift(&gating);
    let story = Story {
        gating: &gating,
        basis: &basis,
        common_shift,
        several: evidence.levels.len() > 1,
        coverage: 1.0 - 2.0 * level,
        looks: &policy.looks,
    };
    let (headline, next) = explain(&outcome, &story);
    let (decision, broken_rules) = match outcome {
        Outcome::Invalid { .. } => (Decision::Invalid, Vec::new()),
        Outcome::Broken(rules) => (Decision::Fail, rules),
        Outcome::Fail => (Decision::Fail, Vec::new()),
        Outcome::Undecided | Outcome::NothingCompared => (Decision::Inconclusive, Vec::new()),
        Outcome::Pass | Outcome::NothingAsked => (Decision::Pass, Vec::new()),
    };
    Verdict {
        decision,
        headline,
        next,
        basis,
        alpha: policy.alpha,
        family,
        level,
        looks: policy.looks.counts().to_vec(),
        rounds: evidence.levels.iter().map(|level| level.candidate.len()).max().unwrap_or(0),
        cells: gating.into_iter().chain(reported).map(|cell| cell.judgement).collect(),
        broken_rules,
        common_shift,
        worth_a_look,
    }
}

/// What the evidence allows; of levels with different numbers of sessions, the smallest number names the basis.
fn basis(evidence: &Evidence, policy: &GatePolicy) -> Basis {
    let assumed_noise = policy.assumed_noise;
    let pairs = evidence.levels.iter().filter_map(|level| match &level.against {
        Against::Pairs(rounds) => Some(rounds.len()),
        Against::Sessions(_) | Against::Result(_) => None,
    });
    // An interrupted gate may have none: they are still what it rests on.
    if let Some(pairs) = pairs.min() {
        return Basis::Pairs { pairs };
    }
    let counts = evidence.levels.iter().map(|level| level.against.sessions().len());
    match counts.filter(|&count| count > 0).min() {
        None => Basis::None,
        Some(_) if evidence.levels.iter().any(|level| matches!(level.against, Against::Result(_))) => {
            Basis::TwoResults { assumed_noise }
        }
        Some(sessions) if sessions < ENOUGH_SESSIONS => Basis::FewSessions { sessions, assumed_noise },
        Some(sessions) => Basis::Sessions { sessions },
    }
}

/// The gating cells and the reported ones, level by level.
fn cells(evidence: &Evidence, policy: &GatePolicy, basis: &Basis) -> (Vec<Cell>, Vec<Cell>) {
    let compared = *basis != Basis::None;
    let mut gating = Vec::new();
    let mut reported = Vec::new();
    for level in &evidence.levels {
        if compared {
            let all = policy.tolerances.iter();
            gating.extend(all.map(|(&key, &limit)| tolerance(level, key, limit, policy)));
        }
        gating.extend(policy.objectives.iter().map(|&wanted| objective(level, wanted, policy)));
        let keys = shown(policy, compared);
        reported.extend(keys.into_iter().filter_map(|key| report(level, key, policy)));
    }
    (gating, reported)
}

/// Numbers that people look for beside the gate; a key that gates already is not repeated.
fn shown(policy: &GatePolicy, compared: bool) -> BTreeSet<MetricKey> {
    let latencies = [Metric::Ttft, Metric::Tpot, Metric::Itl, Metric::E2e];
    let quantiles =
        latencies.into_iter().flat_map(|metric| [500, 950, 990].map(|q| MetricKey::quantile(metric, q)));
    let singles = [Metric::RequestThroughput, Metric::OutputThroughput, Metric::Goodput, Metric::SuccessRate];
    let mut keys: BTreeSet<MetricKey> = quantiles.chain(singles.map(MetricKey::value)).collect();
    if compared {
        keys.retain(|key| !policy.tolerances.contains_key(key));
    } else {
        keys.extend(policy.tolerances.keys());
        keys.retain(|key| policy.objectives.iter().all(|objective| objective.key != *key));
    }
    keys
}

/// The order of the answers: invalid measurement, broken rule, incomparable work, failure, doubt, pass.
fn weigh(
    evidence: &Evidence,
    policy: &GatePolicy,
    findings: &[Finding],
    basis: &Basis,
    gating: &[Cell],
) -> Outcome {
    let several = evidence.levels.len() > 1;
    let place = |level: &LevelEvidence| place(&level.label, several);
    if let Some(finding) = findings.iter().find(|finding| finding.severity == Severity::Invalid) {
        let repair =
            "Repair the measurement and run it again; nothing was decided about the server.".to_owned();
        return Outcome::Invalid {
            reason: finding.message.clone(),
            next: finding.hint.as_ref().map_or(repair, ToString::to_string),
        };
    }
    let empty = |level: &&LevelEvidence| level.candidate.iter().all(|round| round.offered == 0);
    if evidence.levels.is_empty() {
        return invalid("no level was measured", "Give at least one level to measure.");
    }
    if let Some(level) = evidence.levels.iter().find(empty) {
        return invalid(
            &format!("no request was measured{}", place(level)),
            "Measure for longer, or with more requests.",
        );
    }
    let rules = evidence.levels.iter().flat_map(|level| broken(level, &place(level), policy.max_error_rate));
    let rules: Vec<String> = rules.collect();
    if !rules.is_empty() {
        return Outcome::Broken(rules);
    }
    if let Some(apart) = evidence.levels.iter().find_map(|level| tokens_apart(level, &place(level))) {
        return invalid(&apart, "Fix the output length on both sides, then compare again.");
    }
    if gating.iter().any(|cell| cell.judgement.status == Status::Fail) {
        return Outcome::Fail;
    }
    if *basis == Basis::None && policy.require_baseline {
        return invalid(
            "there is no baseline to compare with, and one is required",
            "Store one first: llm-loadtest baseline save.",
        );
    }
    let open = |cell: &Cell| {
        matches!(cell.judgement.status, Status::Undecided { .. })
            || matches!(cell.standing, Standing::Open { blocks: true, .. })
    };
    if gating.iter().any(open) {
        return Outcome::Undecided;
    }
    let mut compared =
        gating.iter().filter(|cell| matches!(cell.judgement.rule, Rule::Tolerance(_))).peekable();
    let any = compared.peek().is_some();
    if any && compared.all(|cell| matches!(cell.standing, Standing::Open { .. })) {
        return Outcome::NothingCompared;
    }
    if gating.is_empty() {
        return Outcome::NothingAsked;
    }
    Outcome::Pass
}

fn invalid(reason: &str, next: &str) -> Outcome {
    Outcome::Invalid { reason: reason.to_owned(), next: next.to_owned() }
}

/// Worst first.
fn urgency(judgement: &Judgement) -> u8 {
    match judgement.status {
        Status::Fail => 0,
        Status::Undecided { above: true } => 1,
        Status::Undecided { above: false } => 2,
        Status::NotJudged(_) => 3,
        Status::PassSlower => 4,
        Status::Pass => 5,
        Status::Reported => 6,
    }
}

/// Closest to failure first; one of the two p-values always has digits left to tell cells apart.
fn by_p(left: &Cell, right: &Cell) -> std::cmp::Ordering {
    let p = |cell: &Cell| (cell.judgement.p_fail.unwrap_or(0.0), cell.judgement.p_pass.unwrap_or(1.0));
    let ((left_fail, left_pass), (right_fail, right_pass)) = (p(left), p(right));
    left_fail.total_cmp(&right_fail).then(right_pass.total_cmp(&left_pass))
}

fn common_shift(gating: &[Cell]) -> Option<f64> {
    let shifts = gating.iter().filter_map(|cell| match (cell.judgement.rule, &cell.standing) {
        (Rule::Tolerance(_), Standing::Tested(Tested { contrast, .. })) => Some(contrast.standardised()),
        _ => None,
    });
    let shifts = Series::new(shifts)?;
    let same_way =
        shifts.sorted().iter().all(|&shift| shift > 1.0) || shifts.sorted().iter().all(|&shift| shift < -1.0);
    (same_way && shifts.count() >= 3).then(|| shifts.median())
}
