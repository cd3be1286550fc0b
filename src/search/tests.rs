//! Searches on servers whose truth is known: a function from load to attainment, with the noise of counting.

use super::*;
use crate::base::{Nanos, Seed};

const ATTAINMENT: f64 = 0.95;

fn policy(goal: Goal) -> Policy {
    Policy { goal, attainment: ATTAINMENT, precision: 0.05, levels_max: 20, budget: Nanos::from_secs(1800.0) }
}

fn ground() -> Ground {
    Ground { start: 1.0, floor: 0.05, ceiling: 10_000.0, answer_s: 1.0 }
}

/// The share of good requests falls like a logistic curve in log-load; `knee` is where it crosses the attainment.
#[derive(Debug, Clone, Copy)]
struct Server {
    knee: f64,
    steepness: f64,
    /// Standard deviation, between windows, of the log-load at which the server behaves: its moods.
    mood: f64,
}

impl Server {
    fn truth(self, load: f64) -> f64 {
        let offset = (ATTAINMENT / (1.0 - ATTAINMENT)).ln();
        1.0 / (1.0 + (self.steepness * (load / self.knee).ln() - offset).exp())
    }

    fn window(self, load: f64, requests: u64, seed: Seed) -> Window {
        let mut chance = seed.chance();
        let share = self.truth(load * (self.mood * chance.normal()).exp());
        let good = (0..requests).filter(|_| chance.unit() < share).count() as u64;
        Window { load, good, offered: requests, trusted: true }
    }
}

struct Found {
    answer: Answer,
    stopped: Stopped,
    windows: Vec<Window>,
    levels: Vec<Level>,
}

fn search(policy: &Policy, mut measure: impl FnMut(f64, u32, u64) -> Window) -> Found {
    let mut windows = Vec::new();
    loop {
        match next(policy, &ground(), &windows) {
            Next::Measure { load, window, requests } => windows.push(measure(load, window, requests)),
            Next::Stop(stopped) => {
                let levels = levels(&windows, policy);
                return Found { answer: answer(&levels, None), stopped, windows, levels };
            }
        }
        assert!(windows.len() <= (policy.levels_max * WINDOWS_MAX) as usize, "a search without end");
    }
}

/// Shares of searches whose answer does not lie above the truth, and does not lie further below it than the precision allows.
fn shares(server: Server, goal: Goal) -> (f64, f64) {
    let (policy, runs) = (policy(goal), 200);
    let (mut sound, mut close) = (0, 0);
    for run in 0..runs {
        let seed = Seed(run);
        let found = search(&policy, |load, window, requests| {
            server.window(load, requests, seed.at(load.to_bits()).at(u64::from(window)))
        });
        let best = found.answer.best.unwrap();
        assert_eq!(
            (found.answer.outcome, found.stopped),
            (Outcome::Found, Stopped::Precise),
            "{server:?} {run}"
        );
        assert!(best.low >= ATTAINMENT && best.windows >= 2, "{best:?}");
        assert!(found.levels.len() <= 16, "{server:?}: {} levels", found.levels.len());
        sound += u32::from(best.load <= server.knee);
        // One step of the bracket, and one more for levels too near the knee to be decided.
        close += u32::from(best.load >= server.knee / 1.05 / 1.05);
    }
    (f64::from(sound) / runs as f64, f64::from(close) / runs as f64)
}

#[test]
fn the_knee_of_steep_servers_is_found_within_the_precision() {
    for (knee, steepness) in [(0.3, 20.0), (1.0, 40.0), (7.7, 20.0), (52.0, 30.0), (900.0, 200.0)] {
        let server = Server { knee, steepness, mood: 0.0 };
        let (sound, close) = shares(server, Goal::Rate);
        assert!(sound >= 0.95 && close >= 0.95, "{server:?}: {sound} sound, {close} close");
    }
    let clients = Server { knee: 37.4, steepness: 20.0, mood: 0.0 };
    let (sound, close) = shares(clients, Goal::Concurrency);
    assert!(sound >= 0.95 && close >= 0.95, "{sound} sound, {close} close");
}

#[test]
fn a_flat_server_or_one_with_moods_costs_nearness_before_soundness() {
    let flat = Server { knee: 7.7, steepness: 4.0, mood: 0.0 };
    let (sound, _) = shares(flat, Goal::Rate);
    assert!(sound >= 0.95, "{sound}");
    let moody = Server { knee: 7.7, steepness: 20.0, mood: 0.02 };
    let (sound, close) = shares(moody, Goal::Rate);
    assert!(sound >= 0.9 && close >= 0.9, "{sound} sound, {close} close");
}

#[test]
fn a_fluke_at_either_end_is_measured_again() {
    let perfect = |load: f64, requests: u64, good: bool| Window {
        load,
        good: if good { requests } else { 0 },
        offered: requests,
        trusted: true,
    };
    // A hiccup hides that 8 holds; the true knee is 20. The answer stays below, and the disagreement is known.
    let hiccup = search(&policy(Goal::Rate), |load, window, requests| {
        let fluke = load > 7.9 && load < 8.1 && window == 1;
        let mut measured = perfect(load, requests, load <= 20.0);
        measured.good -= if fluke { requests / 3 } else { 0 };
        measured
    });
    assert_eq!(hiccup.stopped, Stopped::Precise);
    assert!(hiccup.windows.iter().filter(|window| (window.load - 8.0).abs() < 0.1).count() >= 2);
    assert_eq!(
        hiccup.answer.above.map(|level| disagree(&hiccup.windows, level.load, &policy(Goal::Rate))),
        Some(true)
    );
    // A lucky first window at 16; the true knee is 10.
    let lucky = search(&policy(Goal::Rate), |load, window, requests| {
        perfect(load, requests, load <= 10.0 || (load > 15.9 && load < 16.1 && window == 1))
    });
    let best = lucky.answer.best.unwrap().load;
    assert!((9.5..=10.0).contains(&best), "{best}");
}

#[test]
fn servers_without_a_knee_have_their_own_answers() {
    let all = |good: bool, trusted: bool| {
        search(&policy(Goal::Rate), move |load, _, requests| Window {
            load,
            good: if good { requests } else { 0 },
            offered: requests,
            trusted,
        })
    };
    let told = |found: &Found| (found.answer.outcome, found.stopped);
    assert_eq!(told(&all(true, true)), (Outcome::AtLeast, Stopped::Ceiling));
    assert_eq!(told(&all(false, true)), (Outcome::NoneHolds, Stopped::Floor));
    assert_eq!(told(&all(true, false)), (Outcome::Open, Stopped::Floor));
    let few = Policy { levels_max: 3, ..policy(Goal::Rate) };
    let found =
        search(&few, |load, _, requests| Window { load, good: requests, offered: requests, trusted: true });
    assert_eq!(told(&found), (Outcome::AtLeast, Stopped::Levels));
    assert_eq!(found.answer.best.map(|best| (best.load, best.windows)), Some((4.0, 2)));
}

#[test]
fn the_steps_are_doubling_then_halving_then_doubt() {
    let found = search(&policy(Goal::Concurrency), |load, _, requests| Window {
        load,
        good: if load <= 11.0 { requests } else { 0 },
        offered: requests,
        trusted: true,
    });
    let steps: Vec<f64> = found.windows.iter().map(|window| window.load).collect();
    insta::assert_snapshot!(format!("{steps:?}"), @"[1.0, 2.0, 4.0, 8.0, 16.0, 11.0, 13.0, 12.0, 12.0, 11.0]");
    assert_eq!(found.answer.above.map(|level| level.load), Some(12.0));
}

#[test]
fn windows_are_as_long_as_their_evidence_needs() {
    let rate = policy(Goal::Rate);
    assert_eq!(rate.requests(&ground(), 1.0, 0), 80, "0.95^80 is below a third of 5 %");
    assert_eq!(rate.requests(&ground(), 40.0, 0), 600, "fifteen answers of a second");
    assert_eq!(rate.requests(&ground(), 40.0, 600), 1_200);
    let strict = Policy { attainment: 0.99, ..policy(Goal::Concurrency) };
    assert_eq!((strict.requests(&ground(), 1.0, 0), strict.requests(&ground(), 64.0, 0)), (408, 960));
}

#[test]
fn a_client_that_was_the_limit_is_no_verdict_on_the_server() {
    let window = |good, trusted| Window { load: 4.0, good, offered: 100, trusted };
    let standing = |windows: &[Window]| {
        let level = levels(windows, &policy(Goal::Rate))[0];
        (level.standing, level.offered, level.windows)
    };
    assert_eq!(standing(&[window(0, false)]), (Standing::Invalid, 0, 1));
    assert_eq!(standing(&[window(0, false), window(100, true)]), (Standing::Held, 100, 2));
    assert_eq!(standing(&[window(80, true)]), (Standing::Missed, 100, 1));
    assert_eq!(standing(&[window(96, true)]), (Standing::Undecided, 100, 1));
}
