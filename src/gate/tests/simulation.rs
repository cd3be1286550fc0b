//! Error rates of whole gates, counted: "at most 5 %" is claimed only of what is counted here.

use super::*;
use crate::base::{Chance, Seed};
use crate::config::Bound;
use crate::stats::clopper_pearson;

const NAMES: [&str; 5] = ["ttft_p95", "tpot_p95", "e2e_p95", "itl_p95", "output_throughput"];
const TOLERANCE: f64 = 0.10;
const GATES: u64 = 2_000;

/// How a population of gates is made: log sds between sessions and between rounds, and how many there are of each.
#[derive(Clone, Copy)]
struct World {
    sessions: usize,
    rounds: usize,
    candidate_rounds: usize,
    between: f64,
    within: f64,
    metrics: usize,
    /// Factor by which the first metric, or all of them, got worse.
    change: f64,
    all: bool,
}

const CALM: World = World {
    sessions: 8,
    rounds: 3,
    candidate_rounds: 3,
    between: 0.02,
    within: 0.02,
    metrics: 5,
    change: 1.0,
    all: true,
};

#[derive(Debug, Default)]
struct Counts {
    pass: u64,
    fail: u64,
}

/// The rounds of one session, all metrics independent.
fn session(world: World, count: usize, changed: bool, chance: &mut Chance) -> Vec<RoundValues> {
    let shocks = NAMES.map(|_| chance.normal() * world.between);
    let values = |chance: &mut Chance| {
        let mut values = Vec::new();
        for (index, (&name, shock)) in NAMES.iter().zip(shocks).take(world.metrics).enumerate() {
            let worse = if changed && (world.all || index == 0) { world.change } else { 1.0 };
            let noise = (shock + chance.normal() * world.within).exp();
            // A rate that got worse by the tolerance has fallen by it.
            let factor = if name == "output_throughput" { 2.0 - worse } else { worse };
            values.push((name, 100.0 * noise * factor));
        }
        round(1_000, &values)
    };
    (0..count).map(|_| values(chance)).collect()
}

#[expect(clippy::print_stdout, reason = "the counts are the proof")]
fn count(world: World, name: &str, gates: u64) -> Counts {
    let names = NAMES.iter().take(world.metrics);
    let policy = policy(&names.map(|&name| (name, TOLERANCE)).collect::<Vec<_>>(), &[]);
    let policy = GatePolicy { assumed_noise: world.between, ..policy };
    let mut counts = Counts::default();
    for gate in 0..gates {
        let chance = &mut Seed(7).child(name).at(gate).chance();
        let candidate = session(world, world.candidate_rounds, true, chance);
        let sessions = (0..world.sessions).map(|_| session(world, world.rounds, false, chance)).collect();
        match decide(&stored(candidate, sessions), &policy, &[]).decision {
            Decision::Pass => counts.pass += 1,
            Decision::Fail => counts.fail += 1,
            Decision::Inconclusive | Decision::Invalid => {}
        }
    }
    println!("{name}: {} fail, {} pass of {gates}", counts.fail, counts.pass);
    counts
}

/// The count does not contradict a true rate of at most 5 %: the lower 99 % bound lies below it.
fn at_most_5_percent(hits: u64) -> bool {
    clopper_pearson(hits, GATES, 0.01).0 <= 0.05
}

/// The upper 95 % bound lies below 5 %: shown, not merely not contradicted.
fn shown_below_5_percent(hits: u64) -> bool {
    clopper_pearson(hits, GATES, 0.05).1 <= 0.05
}

/// Few sessions, with the declared noise true.
fn few(sessions: usize) -> World {
    World { sessions, ..CALM }
}

#[test]
fn no_change_hardly_ever_fails() {
    for (world, name) in
        [(CALM, "no change, 8 sessions"), (few(1), "no change, 1 session"), (few(3), "no change, 3 sessions")]
    {
        assert!(shown_below_5_percent(count(world, name, GATES).fail), "{name}");
    }
}

/// On the limit itself each error is as likely as it may be.
#[test]
fn a_change_of_the_tolerance_errs_in_neither_direction() {
    let change = 1.0 + TOLERANCE;
    let on = |world: World| World { change, ..world };
    let single = |world: World| World { metrics: 1, ..on(world) };
    for (world, name) in [
        (on(CALM), "all at the limit, 8 sessions"),
        (single(CALM), "one at the limit, 8 sessions"),
        (single(few(1)), "one at the limit, 1 session"),
        (single(few(4)), "one at the limit, 4 sessions"),
        (on(few(2)), "all at the limit, 2 sessions"),
        (
            single(World { rounds: 5, candidate_rounds: 1, between: 0.01, within: 0.04, ..CALM }),
            "one at the limit, 8 sessions of 5 rounds, 1 candidate round",
        ),
    ] {
        let counts = count(world, name, GATES);
        assert!(at_most_5_percent(counts.fail) && at_most_5_percent(counts.pass), "{name}: {counts:?}");
    }
}

#[test]
fn half_as_slow_again_fails() {
    for (sessions, name) in [(8, "+50 %, 8 sessions"), (1, "+50 %, 1 session"), (4, "+50 %, 4 sessions")] {
        let world = World { change: 1.5, all: false, ..few(sessions) };
        let counts = count(world, name, 500);
        assert!(counts.fail >= 450 && counts.pass == 0, "{name}: {counts:?}");
    }
}

/// Objectives on the limit, over three rounds.
#[test]
#[expect(clippy::print_stdout, reason = "the counts are the proof")]
fn an_objective_on_its_limit_errs_in_neither_direction() {
    let objective = Objective { key: key(NAMES[0]), bound: Bound::AtMost, limit: 100.0 };
    let policy = policy(&[], &[objective]);
    let world = World { between: 0.0, ..CALM };
    let (mut pass, mut fail) = (0, 0);
    for gate in 0..GATES {
        let chance = &mut Seed(11).at(gate).chance();
        let verdict = decide(&stored(session(world, 3, false, chance), vec![]), &policy, &[]);
        pass += u64::from(verdict.decision == Decision::Pass);
        fail += u64::from(verdict.decision == Decision::Fail);
    }
    println!("objective on its limit: {fail} fail, {pass} pass of {GATES}");
    assert!(at_most_5_percent(pass) && at_most_5_percent(fail), "{pass} {fail}");
}
