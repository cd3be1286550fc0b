//! From contrasts to standings: which cells are shown to be beyond their limit, within it, or neither.

use super::cell::{Cell, Standing, Tested};
use super::{Method, Rule, Status, Test};
use crate::config::GatePolicy;
use crate::record::MetricKey;
use crate::stats::{benjamini_hochberg, flip_interval, max_t, sign_flip, step_down, trimmed_mean};

/// False discovery rate of the cells marked as worth a look.
const LOOK_RATE: f64 = 0.10;
/// Probability with which a detectable change would have been found.
const POWER: f64 = 0.8;
/// Blocks from which on sign-flip tests can reject at the level of a look.
const ROBUST_FROM: usize = 8;
/// Blocks up to which every combination of signs is tried.
const ROBUST_TO: usize = 20;

/// p-values and interval of one cell.
struct Answer {
    p_fail: f64,
    p_pass: f64,
    /// On the scale of scores.
    difference: f64,
    interval: (f64, f64),
    method: Method,
    rejected: bool,
}

/// Gives every gating cell its status, and returns the size of the family.
pub(super) fn settle(cells: &mut [Cell], policy: &GatePolicy) -> usize {
    let tested: Vec<Tested> = cells.iter().filter_map(|cell| tested(cell).cloned()).collect();
    let family = tested.len();
    let level = policy.looks.level(policy.alpha);
    let robust = policy.robust && tested.iter().all(flips);
    let by_signs = robust.then(|| by_signs(&tested, level)).flatten();
    let answers = by_signs.unwrap_or_else(|| by_student(&tested, level, policy));
    let mut answers = answers.into_iter();
    for Cell { judgement, scale, standing } in cells {
        judgement.status = match standing {
            Standing::Tested(Tested { contrast, allowance, .. }) => {
                let Some(answer) = answers.next() else { continue };
                let Answer { p_fail, p_pass, difference, interval, method, rejected } = answer;
                judgement.p_fail = Some(p_fail);
                judgement.p_pass = Some(p_pass);
                judgement.effect = Some(scale.effect(difference, interval));
                judgement.test = Some(Test {
                    method,
                    difference,
                    se: contrast.se,
                    freedom: contrast.freedom,
                    allowance: *allowance,
                });
                let reach = contrast.reach(policy.looks.level(policy.alpha / family as f64), POWER);
                judgement.detectable = Some(scale.change(*allowance + reach));
                let slower = matches!(judgement.rule, Rule::Tolerance(_)) && interval.0 > 0.0;
                match (rejected, p_pass <= level) {
                    (true, _) => Status::Fail,
                    (false, true) if slower => Status::PassSlower,
                    (false, true) => Status::Pass,
                    (false, false) => Status::Undecided { above: difference > *allowance },
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

/// Student's t, and Holm's procedure for failing: of m cells that are left, the smallest p-value is held against the level
/// at which any look errs with probability α/m.
fn by_student(tested: &[Tested], level: f64, policy: &GatePolicy) -> Vec<Answer> {
    let p_fail: Vec<f64> =
        tested.iter().map(|Tested { contrast, allowance, .. }| contrast.p_above(*allowance)).collect();
    let rejected = step_down(&p_fail, |left| policy.looks.level(policy.alpha / left as f64));
    let cells = tested.iter().zip(p_fail).zip(rejected);
    cells
        .map(|((Tested { contrast, allowance, .. }, p_fail), rejected)| Answer {
            p_fail,
            p_pass: contrast.p_below(*allowance),
            difference: contrast.difference,
            interval: contrast.interval(level),
            method: Method::Student,
            rejected,
        })
        .collect()
}

/// Exact sign flips: the 1-trimmed mean of the blocks for passing and for the interval; for failing, where there
/// are several numbers, the largest t of the whole family under the same flips, which keeps how the numbers move together
/// (Westfall and Young 1993).
fn by_signs(tested: &[Tested], level: f64) -> Option<Vec<Answer>> {
    let rows: Vec<Vec<f64>> = tested.iter().map(|cell| cell.differences.clone()).collect();
    let limits: Vec<f64> = tested.iter().map(|cell| cell.allowance).collect();
    let p_fail = match (rows.as_slice(), limits.as_slice()) {
        // With a single number nothing is shared, and its interval can say the same as its verdict.
        ([row], [limit]) => vec![sign_flip(row, *limit)?.0],
        _ => max_t(&rows, &limits)?,
    };
    tested
        .iter()
        .zip(p_fail)
        .map(|(Tested { allowance, differences, .. }, p_fail)| {
            let (above, p_pass) = sign_flip(differences, *allowance)?;
            Some(Answer {
                p_fail,
                p_pass,
                difference: trimmed_mean(differences)?,
                interval: flip_interval(differences, level)?,
                method: Method::SignFlip,
                // The shown interval is the trimmed mean's, and a failure lies above the limit.
                rejected: p_fail <= level && above <= level,
            })
        })
        .collect()
}

fn tested(cell: &Cell) -> Option<&Tested> {
    match &cell.standing {
        Standing::Tested(tested) => Some(tested),
        _ => None,
    }
}

fn flips(tested: &Tested) -> bool {
    (ROBUST_FROM..=ROBUST_TO).contains(&tested.differences.len())
}

/// Gives every reported cell its effect, and returns those that Benjamini and Hochberg's procedure marks.
pub(super) fn settle_reported(cells: &mut [Cell], level: f64) -> Vec<(String, MetricKey)> {
    let mut names = Vec::new();
    let mut p = Vec::new();
    for cell in cells {
        if let Standing::Reported { contrast: Some(contrast) } = cell.standing {
            cell.judgement.effect = Some(cell.scale.effect(contrast.difference, contrast.interval(level)));
            names.push((cell.judgement.level.clone(), cell.judgement.key));
            p.push(contrast.p_nonzero());
        }
    }
    let marks = benjamini_hochberg(&p, LOOK_RATE);
    names.into_iter().zip(marks).filter_map(|(name, marked)| marked.then_some(name)).collect()
}
