//! Blocks: a round of either server under the same prompts.

use proptest::prelude::*;

use super::*;
use crate::base::{Chance, Seed};
use crate::config::Bound;
use crate::stats::clopper_pearson;

const NAME: &str = "ttft_p95";

fn adaptive(tolerance: f64) -> GatePolicy {
    GatePolicy { looks: Looks::new([5, 8, 12]).unwrap(), ..policy(&[(NAME, tolerance)], &[]) }
}

fn say(verdict: &Verdict) -> String {
    format!("{}: {} | {}", verdict.decision.id(), verdict.headline, verdict.next)
}

/// A machine that drifts by a tenth over five blocks, and a candidate that is `change` times slower.
fn drifting(change: f64) -> Vec<(f64, f64)> {
    [(1.0, 1.01), (1.03, 0.99), (1.05, 1.005), (1.08, 0.995), (1.1, 1.0)]
        .map(|(machine, noise)| (400.0 * machine, 400.0 * machine * noise * change))
        .to_vec()
}

#[test]
fn what_both_sides_share_cancels() {
    let verdict = decide(&pairs(NAME, &drifting(1.0)), &adaptive(0.15), &[]);
    insta::assert_snapshot!(say(&verdict), @"pass: No serving regression beyond limits (could have detected TTFT p95 ≥ +17 %) | Nothing to do.");
    assert_eq!((verdict.basis.clone(), verdict.rounds, verdict.family), (Basis::Pairs { pairs: 5 }, 5, 1));
    assert_eq!(verdict.looks, [5, 8, 12]);
    let cell = &verdict.cells[0];
    // Shown is what the two typical values say.
    let shown = cell.effect.unwrap();
    assert!((shown.change - (cell.now.unwrap() / cell.baseline.unwrap() - 1.0)).abs() < 1e-12);
    assert!(shown.high < 0.03, "drift is no scatter: {shown:?}");
    assert_eq!(cell.baseline_rounds.len(), 5);
    // The same rounds as a stored session of one day would not do.
    let (candidate, session) = (
        rounds(NAME, &[404.0, 408.0, 422.0, 430.0, 440.0]),
        rounds(NAME, &[400.0, 412.0, 420.0, 432.0, 440.0]),
    );
    let stored = decide(&stored(candidate, vec![session]), &adaptive(0.07), &[]);
    assert_eq!(stored.decision, Decision::Inconclusive);
}

#[test]
fn the_numbers_are_those_of_a_paired_t_test() {
    // SciPy 1.17: d = np.log(now) - np.log(base); ttest_1samp(d, log(1.15), alternative=...).
    let blocks = [(402.0, 447.0), (398.0, 460.0), (411.0, 439.0), (405.0, 466.0), (396.0, 452.0)];
    let cell = &decide(&pairs(NAME, &blocks), &adaptive(0.15), &[]).cells[0];
    let close = |found: Option<f64>, expected: f64| {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-6 * expected.abs(), "{found} is not {expected}");
    };
    let test = cell.test.unwrap();
    close(Some(test.difference), 0.117_870_744_8);
    close(Some(test.se), 0.014_616_445_9);
    assert!((test.freedom - 4.0).abs() < f64::EPSILON && test.method == Method::Student);
    close(cell.p_pass, 0.104_281_779_9);
    close(cell.p_fail, 0.895_718_220_1);
}

#[test]
fn slower_than_allowed_fails_and_says_what_a_rerun_is() {
    let verdict = decide(&pairs(NAME, &drifting(1.25)), &adaptive(0.15), &[]);
    insta::assert_snapshot!(say(&verdict), @"fail: TTFT p95 is 25 % slower than the baseline (limit 15 %) | Fix the regression, or allow it (--tolerance); running it again adds to this evidence and does not replace it.");
}

#[test]
fn undecided_pairs_say_whether_more_would_come() {
    let noisy: Vec<(f64, f64)> = [0.8, 1.3, 0.9, 1.25, 1.1, 0.85, 1.2, 1.05, 1.3, 0.8, 1.0, 1.15]
        .map(|noise| (400.0, 440.0 * noise))
        .to_vec();
    insta::assert_snapshot!(say(&decide(&pairs(NAME, &noisy[..5]), &adaptive(0.15), &[])), @"inconclusive: Could not decide: TTFT p95 +16 % (95.45 % CI −12 … +51 %), limit +15 % | Run it again with a larger --budget: more pairs are added to these.");
    insta::assert_snapshot!(say(&decide(&pairs(NAME, &noisy), &adaptive(0.15), &[])), @"inconclusive: Could not decide: TTFT p95 +15 % (95.45 % CI +1.8 … +29 %), limit +15 % | All pairs are used: allow a larger change, send more requests a round (--num-prompts), or quieten the machine; llm-loadtest plan says which helps.");
}

#[test]
fn a_single_pair_is_not_judged() {
    let verdict = decide(&pairs(NAME, &[(400.0, 400.0)]), &adaptive(0.15), &[]);
    assert_eq!(verdict.decision, Decision::Inconclusive);
    assert!(matches!(&verdict.cells[0].status, Status::NotJudged(why) if why.contains("single round")));
}

#[test]
fn an_interrupted_first_pair_still_rests_on_pairs() {
    let verdict = decide(&pairs(NAME, &[]), &adaptive(0.15), &[]);
    assert_eq!((verdict.decision, verdict.basis), (Decision::Invalid, Basis::Pairs { pairs: 0 }));
}

#[test]
fn identical_pairs_pass_with_an_interval_of_some_width() {
    let verdict = decide(&pairs(NAME, &[(400.0, 400.0); 5]), &adaptive(0.15), &[]);
    let effect = verdict.cells[0].effect.unwrap();
    assert!(verdict.decision == Decision::Pass && effect.low < -1e-3 && effect.high > 1e-3);
}

#[test]
fn an_objective_shares_the_family() {
    let objective = Objective { key: key(NAME), bound: Bound::AtMost, limit: 500.0 };
    let policy = GatePolicy { objectives: vec![objective], ..adaptive(0.15) };
    let verdict = decide(&pairs(NAME, &drifting(1.0)), &policy, &[]);
    assert_eq!((verdict.decision, verdict.family), (Decision::Pass, 2));
    let slow: Vec<(f64, f64)> = drifting(1.0).iter().map(|(base, now)| (base * 1.6, now * 1.6)).collect();
    let verdict = decide(&pairs(NAME, &slow), &policy, &[]);
    assert_eq!(verdict.decision, Decision::Fail, "both sides are slow: {}", verdict.headline);
}

#[test]
fn more_work_on_one_side_is_no_comparison() {
    let mut evidence = pairs(NAME, &drifting(1.0));
    for round in &mut evidence.levels[0].candidate {
        round.output_tokens = round.output_tokens * 107 / 100;
    }
    let verdict = decide(&evidence, &adaptive(0.15), &[]);
    assert_eq!(verdict.decision, Decision::Invalid);
    assert!(verdict.headline.contains("different work"), "{}", verdict.headline);
}

/// Whole gates with looks: what a policy decides, and after how many pairs.
fn play(slower: f64, sd: f64, policy: &GatePolicy, chance: &mut Chance) -> (Decision, usize) {
    let mut blocks = Vec::new();
    let mut last = Decision::Inconclusive;
    for &look in policy.looks.counts() {
        while blocks.len() < look as usize {
            let machine = 400.0 * (chance.normal() * 0.05).exp();
            blocks.push((machine, machine * slower * (chance.normal() * sd).exp()));
        }
        last = decide(&pairs(NAME, &blocks), policy, &[]).decision;
        if last != Decision::Inconclusive {
            break;
        }
    }
    (last, blocks.len())
}

/// On the limit itself each error is as likely as it may be, over all looks together, by t and by signs.
#[test]
#[expect(clippy::print_stdout, reason = "the counts are the proof")]
fn looking_three_times_errs_no_more_often() {
    const GATES: u64 = 2_000;
    for robust in [false, true] {
        let policy = GatePolicy { robust, ..adaptive(0.10) };
        let gates = if robust { 400 } else { GATES };
        let (mut pass, mut fail) = (0, 0);
        for gate in 0..gates {
            let chance = &mut Seed(21).at(gate).chance();
            match play(1.10, 0.05, &policy, chance).0 {
                Decision::Pass => pass += 1,
                Decision::Fail => fail += 1,
                Decision::Inconclusive | Decision::Invalid => {}
            }
        }
        println!("robust {robust}: {fail} fail, {pass} pass of {gates}");
        for hits in [pass, fail] {
            assert!(clopper_pearson(hits, gates, 0.01).0 <= 0.05, "robust {robust}: {pass} {fail}");
        }
    }
}

/// One round that went astray widens the spread of the mean, and not that of the trimmed mean.
#[test]
fn a_robust_gate_of_one_number_fails_where_its_interval_lies_beyond_the_limit() {
    let mut blocks = vec![(420.0, 300.0), (426.0, 511.0), (360.0, 424.0)];
    blocks.extend([531.0, 498.0, 529.0, 478.0, 477.0, 522.0, 528.0].map(|now| (360.0, now)));
    let cell = &decide(&pairs(NAME, &blocks), &GatePolicy { robust: true, ..adaptive(0.10) }, &[]).cells[0];
    assert!(cell.effect.unwrap().low > 0.10, "{:?}", cell.effect);
    assert_eq!(cell.status, Status::Fail);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn swapped_servers_mirror_the_change(blocks in prop::collection::vec((360.0..440.0_f64, 360.0..440.0_f64), 5..12)) {
        let change = |blocks: &[(f64, f64)]| {
            let effect = decide(&pairs(NAME, blocks), &adaptive(0.15), &[]).cells[0].effect.unwrap();
            [effect.change, effect.low, effect.high].map(f64::ln_1p)
        };
        let swapped: Vec<(f64, f64)> = blocks.iter().map(|&(base, now)| (now, base)).collect();
        let ([middle, low, high], [back, back_low, back_high]) = (change(&blocks), change(&swapped));
        prop_assert!((middle + back).abs() < 1e-9 && (low + back_high).abs() < 1e-9 && (high + back_low).abs() < 1e-9);
    }

    #[test]
    fn order_of_blocks_and_units_are_nothing(
        mut blocks in prop::collection::vec((360.0..440.0_f64, 360.0..460.0_f64), 5..12),
        scale in 0.001..1_000.0_f64,
        robust in any::<bool>(),
    ) {
        let policy = GatePolicy { robust, ..adaptive(0.10) };
        let forward = decide(&pairs(NAME, &blocks), &policy, &[]);
        blocks.reverse();
        let scaled: Vec<(f64, f64)> = blocks.iter().map(|&(base, now)| (base * scale, now * scale)).collect();
        let backward = decide(&pairs(NAME, &scaled), &policy, &[]);
        prop_assert_eq!(forward.decision, backward.decision);
        let (one, other) = (forward.cells[0].effect.unwrap(), backward.cells[0].effect.unwrap());
        prop_assert!((one.low - other.low).abs() < 1e-6 && (one.high - other.high).abs() < 1e-6);
    }

    #[test]
    fn the_interval_and_the_status_agree(
        blocks in prop::collection::vec((360.0..440.0_f64, 300.0..560.0_f64), 8..12),
        robust in any::<bool>(),
    ) {
        let cell = &decide(&pairs(NAME, &blocks), &GatePolicy { robust, ..adaptive(0.10) }, &[]).cells[0];
        let effect = cell.effect.unwrap();
        prop_assert!(effect.low <= effect.change && effect.change <= effect.high, "{effect:?}");
        match cell.status {
            Status::Pass | Status::PassSlower => prop_assert!(effect.high <= 0.10 + 1e-6),
            Status::Fail => prop_assert!(effect.low >= 0.10 - 1e-6),
            Status::Undecided { .. } => prop_assert!(effect.low < 0.10 + 1e-6 && effect.high > 0.10 - 1e-6),
            Status::NotJudged(_) | Status::Reported => prop_assert!(false, "it has pairs"),
        }
    }
}
