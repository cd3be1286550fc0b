//! Evidence and policy to one verdict.

use std::collections::BTreeSet;

use super::cell::{Cell, Standing, objective, report, tolerance};
use super::compare::ENOUGH_SESSIONS;
use super::explain::{Outcome, Story, explain, place};
use super::rules::{broken, tokens_apart};
use super::{Basis, Decision, Evidence, EvidenceKind, Judgement, LevelEvidence, Rule, Status, Verdict};
use crate::config::GatePolicy;
use crate::record::{Metric, MetricKey};
use crate::stats::{Series, benjamini_hochberg, holm};
use crate::validity::{Finding, Severity};

/// False discovery rate of the cells marked as worth a look.
const LOOK_RATE: f64 = 0.10;
/// Probability with which a detectable change would have been found.
const POWER: f64 = 0.8;

/// Judges the candidate. FAIL by Holm over all gating cells (Holm 1979); PASS when every gating cell is shown to lie within its
/// limit, which needs no correction because all must (intersection–union; Berger 1982); else inconclusive.
/// Invalid findings come first, then hard rules, then the comparison.
pub fn decide(evidence: &Evidence, policy: &GatePolicy, findings: &[Finding]) -> Verdict {
    let basis = basis(evidence, policy);
    let (mut gating, mut reported) = cells(evidence, policy, &basis);
    let family = settle(&mut gating, policy.alpha);
    let worth_a_look = settle_reported(&mut reported, policy.alpha);
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
        coverage: 1.0 - 2.0 * policy.alpha,
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
        rounds: evidence.levels.iter().map(|level| level.candidate.len()).max().unwrap_or(0),
        cells: gating.into_iter().chain(reported).map(|cell| cell.judgement).collect(),
        broken_rules,
        common_shift,
        worth_a_look,
    }
}

/// What the evidence allows; of levels with different numbers of sessions, the smallest number names the basis.
fn basis(evidence: &Evidence, policy: &GatePolicy) -> Basis {
    let counts = evidence.levels.iter().map(|level| level.sessions.len());
    let assumed_noise = policy.assumed_noise;
    match (evidence.kind, counts.filter(|&count| count > 0).min()) {
        (_, None) => Basis::None,
        (EvidenceKind::TwoResults, Some(_)) => Basis::TwoResults { assumed_noise },
        (EvidenceKind::StoredBaseline, Some(sessions)) if sessions < ENOUGH_SESSIONS => {
            Basis::FewSessions { sessions, assumed_noise }
        }
        (EvidenceKind::StoredBaseline, Some(sessions)) => Basis::Sessions { sessions },
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

/// Gives every gating cell its status, and returns the size of the family.
fn settle(cells: &mut [Cell], alpha: f64) -> usize {
    let p_fail: Vec<f64> = cells
        .iter()
        .filter_map(|cell| match cell.standing {
            Standing::Tested { contrast, allowance } => Some(contrast.p_above(allowance)),
            _ => None,
        })
        .collect();
    let family = p_fail.len();
    let mut rejected = holm(&p_fail, alpha).into_iter();
    for Cell { judgement, scale, standing } in cells {
        judgement.status = match standing {
            Standing::Tested { contrast, allowance } => {
                let (p_fail, p_pass) = (contrast.p_above(*allowance), contrast.p_below(*allowance));
                judgement.p_fail = Some(p_fail);
                judgement.p_pass = Some(p_pass);
                judgement.effect = Some(scale.effect(contrast, alpha));
                let reach = contrast.reach(alpha / family as f64, POWER);
                judgement.detectable = Some(scale.change(*allowance + reach));
                let slower = matches!(judgement.rule, Rule::Tolerance(_)) && contrast.interval(alpha).0 > 0.0;
                match (rejected.next().unwrap_or(false), p_pass <= alpha) {
                    (true, _) => Status::Fail,
                    (false, true) if slower => Status::PassSlower,
                    (false, true) => Status::Pass,
                    (false, false) => Status::Undecided { above: contrast.difference > *allowance },
                }
            }
            Standing::Plain { met: true } => Status::Pass,
            Standing::Plain { met: false } => Status::Fail,
            Standing::Open { gap, .. } => Status::NotJudged(gap.reason(judgement.key)),
            Standing::Reported { .. } => Status::Reported,
        };
    }
    family
}

/// Gives every reported cell its effect, and returns those that Benjamini and Hochberg's procedure marks.
fn settle_reported(cells: &mut [Cell], alpha: f64) -> Vec<(String, MetricKey)> {
    let mut names = Vec::new();
    let mut p = Vec::new();
    for cell in cells {
        if let Standing::Reported { contrast: Some(contrast) } = cell.standing {
            cell.judgement.effect = Some(cell.scale.effect(&contrast, alpha));
            names.push((cell.judgement.level.clone(), cell.judgement.key));
            p.push(contrast.p_nonzero());
        }
    }
    let marks = benjamini_hochberg(&p, LOOK_RATE);
    names.into_iter().zip(marks).filter_map(|(name, marked)| marked.then_some(name)).collect()
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
        (Rule::Tolerance(_), Standing::Tested { contrast, .. }) => Some(contrast.standardised()),
        _ => None,
    });
    let shifts = Series::new(shifts)?;
    let same_way =
        shifts.sorted().iter().all(|&shift| shift > 1.0) || shifts.sorted().iter().all(|&shift| shift < -1.0);
    (same_way && shifts.count() >= 3).then(|| shifts.median())
}
