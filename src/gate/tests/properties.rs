//! What must hold for any rounds.

use proptest::prelude::*;

use super::*;
use crate::config::Bound;

const NAME: &str = "ttft_p95";

/// Rounds of a few per cent around 400 ms.
fn noisy(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(360.0..440.0_f64, count)
}

fn baseline(most: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(noisy(2..5), 1..most)
}

fn evidence(candidate: &[f64], sessions: &[Vec<f64>], scale: f64) -> Evidence {
    let side = |values: &[f64]| rounds(NAME, &values.iter().map(|value| value * scale).collect::<Vec<_>>());
    stored(side(candidate), sessions.iter().map(|session| side(session)).collect())
}

fn limits() -> GatePolicy {
    policy(&[(NAME, 0.10)], &[])
}

/// How bad a decision is, from pass over inconclusive to fail.
fn badness(verdict: &Verdict) -> u8 {
    match verdict.decision {
        Decision::Pass => 0,
        Decision::Inconclusive => 1,
        Decision::Fail => 2,
        Decision::Invalid => panic!("made-up rounds are valid"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn slower_is_never_judged_better(candidate in noisy(2..6), sessions in baseline(9), step in 1.0..1.5_f64) {
        let slower: Vec<f64> = candidate.iter().map(|value| value * step).collect();
        let with_objective = policy(&[(NAME, 0.10)], &[Objective { key: key(NAME), bound: Bound::AtMost, limit: 450.0 }]);
        for policy in [limits(), with_objective] {
            let before = decide(&evidence(&candidate, &sessions, 1.0), &policy, &[]);
            let after = decide(&evidence(&slower, &sessions, 1.0), &policy, &[]);
            prop_assert!(badness(&before) <= badness(&after), "{} then {}", before.headline, after.headline);
        }
    }

    #[test]
    fn order_of_rounds_and_sessions_is_nothing(mut candidate in noisy(2..6), mut sessions in baseline(9)) {
        let forward = decide(&evidence(&candidate, &sessions, 1.0), &limits(), &[]);
        candidate.reverse();
        sessions.reverse();
        for session in &mut sessions {
            session.reverse();
        }
        let mut backward = decide(&evidence(&candidate, &sessions, 1.0), &limits(), &[]);
        for cell in &mut backward.cells {
            cell.rounds.reverse();
        }
        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn units_are_nothing(candidate in noisy(2..6), sessions in baseline(9), scale in 0.001..1_000.0_f64) {
        let plain = decide(&evidence(&candidate, &sessions, 1.0), &limits(), &[]);
        let scaled = decide(&evidence(&candidate, &sessions, scale), &limits(), &[]);
        prop_assert_eq!(plain.decision, scaled.decision);
        let change = |verdict: &Verdict| verdict.cells[0].effect.map(|effect| [effect.change, effect.low, effect.high]);
        for (one, other) in change(&plain).unwrap().into_iter().zip(change(&scaled).unwrap()) {
            prop_assert!((one - other).abs() < 1e-6);
        }
    }

    #[test]
    fn swapped_results_mirror_the_change(one in noisy(2..6), other in noisy(2..6)) {
        let change = |candidate: &[f64], base: &[f64]| {
            let verdict = decide(&evidence(candidate, &[base.to_vec()], 1.0), &limits(), &[]);
            verdict.cells[0].effect.map(|effect| [effect.change, effect.low, effect.high].map(f64::ln_1p)).unwrap()
        };
        let ([middle, low, high], [back, back_low, back_high]) = (change(&one, &other), change(&other, &one));
        prop_assert!((middle + back).abs() < 1e-9 && (low + back_high).abs() < 1e-9 && (high + back_low).abs() < 1e-9);
    }

    #[test]
    fn the_interval_and_the_status_agree(candidate in noisy(2..6), sessions in baseline(9), scale in 0.8..1.4_f64) {
        let candidate: Vec<f64> = candidate.iter().map(|value| value * scale).collect();
        let verdict = decide(&evidence(&candidate, &sessions, 1.0), &limits(), &[]);
        let (cell, effect) = (&verdict.cells[0], verdict.cells[0].effect.unwrap());
        match cell.status {
            Status::Pass => prop_assert!(effect.high <= 0.10 + 1e-9 && effect.low <= 1e-9),
            Status::PassSlower => prop_assert!(effect.high <= 0.10 + 1e-9 && effect.low > 0.0),
            Status::Fail => prop_assert!(effect.low >= 0.10 - 1e-9),
            Status::Undecided { above } => prop_assert!(effect.low < 0.10 && effect.high > 0.10 && above == (effect.change > 0.10)),
            Status::NotJudged(_) | Status::Reported => prop_assert!(false, "it has a baseline"),
        }
    }

    #[test]
    fn identical_rounds_pass_with_an_interval_of_some_width(value in 0.1..10_000.0_f64, count in 2..6_usize, stored_sessions in 1..9_usize) {
        let same = vec![value; count];
        let verdict = decide(&evidence(&same, &vec![same.clone(); stored_sessions], 1.0), &limits(), &[]);
        let effect = verdict.cells[0].effect.unwrap();
        prop_assert!(effect.low < -1e-4 && effect.high > 1e-4);
        // Two rounds a side leave one or two degrees of freedom: too few for the declared noise to be shown within 10 %.
        prop_assert!(badness(&verdict) == 0, "{}", verdict.headline);
    }
}
