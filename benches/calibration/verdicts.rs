//! No change, a change of exactly the tolerance, and a real regression, on every path.

use llm_loadtest::config::GatePolicy;

use crate::count::{Promises, Tally};
use crate::gates::{Material, Order, Path, policy};
use crate::noise::{BY_10, BY_20, NOISES, NOISY, Noise};
use crate::options::{Options, each};
use crate::table::{head, line, thousands};
use crate::world::{Change, Gated};

/// From so many stored sessions on, the noise between them is estimated rather than declared.
const ENOUGH: [usize; 3] = [5, 8, 15];
const FEW: [usize; 4] = [1, 2, 3, 4];

/// A path, the policy that it is played with, and the words for both.
struct Way {
    name: String,
    path: Path,
    policy: GatePolicy,
    /// Whether errors of at most 5 % are promised at the tolerance too.
    promised: bool,
}

/// Every world in the order of the tables.
fn worlds() -> Vec<Change> {
    let each = |times: f64| Gated::ALL.map(|metric| Change::One(metric, times));
    let none = [Change::None];
    let more = [Change::Family, Change::Coins(1.0), Change::Slower(BY_10), Change::Slower(BY_20)];
    none.into_iter().chain(each(1.0)).chain(each(2.0)).chain(more).collect()
}

fn ways(noise: Noise) -> Vec<Way> {
    let paired = policy(Path::Paired);
    let stored = policy(Path::Stored(1));
    let true_noise = noise.between_sessions();
    let mut ways =
        vec![Way { name: "paired".to_owned(), path: Path::Paired, policy: paired, promised: true }];
    ways.extend(ENOUGH.map(|sessions| Way {
        name: format!("{sessions} stored sessions"),
        path: Path::Stored(sessions),
        policy: stored.clone(),
        promised: true,
    }));
    for (share, words, promised) in [(1.0, "true", true), (0.5, "half the truth", false)] {
        ways.extend(FEW.map(|sessions| Way {
            name: format!("{sessions} stored, noise declared {words}"),
            path: Path::Stored(sessions),
            policy: GatePolicy { assumed_noise: share * true_noise, ..stored.clone() },
            promised,
        }));
    }
    ways
}

/// Tallies of every way and world at one noise, over the same rounds.
struct Played {
    noise: Noise,
    ways: Vec<Way>,
    worlds: Vec<Change>,
    /// By way, then by world.
    tallies: Vec<Vec<Tally>>,
}

fn play(noise: Noise, options: Options) -> Played {
    let (ways, worlds) = (ways(noise), worlds());
    let gates = options.times(100, 2_000);
    let rounds = ways.iter().map(|way| way.policy.looks.last() as usize).max().unwrap_or(1);
    let seed = options.seed.child(noise.name);
    let played = each(gates, |gate| {
        let seed = seed.at(gate);
        let paired = Material::paired(noise, rounds, Order::USUAL, seed.child("paired"));
        let stored = Material::stored(noise, ENOUGH[2], rounds, seed.child("stored"));
        let of = |way: &Way| {
            let material = if way.path == Path::Paired { &paired } else { &stored };
            worlds.iter().map(|&world| material.play(way.path, world, &way.policy)).collect::<Vec<_>>()
        };
        ways.iter().map(of).collect::<Vec<_>>()
    });
    let mut tallies = vec![vec![Tally::default(); worlds.len()]; ways.len()];
    for gate in played {
        for (tallies, gate) in tallies.iter_mut().zip(gate) {
            for (tally, played) in tallies.iter_mut().zip(gate) {
                tally.add(played);
            }
        }
    }
    Played { noise, ways, worlds, tallies }
}

impl Played {
    fn of(&self, way: usize, world: Change) -> Tally {
        let index = self.worlds.iter().position(|&other| other == world);
        index.map_or_else(Tally::default, |index| self.tallies[way][index])
    }
}

pub(crate) fn main(options: Options, promises: &mut Promises) {
    let played = NOISES.map(|noise| play(noise, options));
    unchanged(&played, options, promises);
    at_tolerance(&played, promises);
    power(&played, promises);
}

fn unchanged(played: &[Played], options: Options, promises: &mut Promises) {
    let gates = thousands(played[0].of(0, Change::None).gates());
    head(
        &format!("Nothing changed, {gates} gates a path and noise; quiet / typical / noisy"),
        &["path", "fails", "fail rate is at most, %", "pass %", "undecided %", "candidate rounds"],
    );
    for (way, index) in played[0].ways.iter().zip(0..) {
        let at = || played.iter().map(|at| (at.noise.name, at.of(index, Change::None)));
        for (noise, tally) in at() {
            let what = format!("{}, {noise}, A/A fails", way.name);
            promises.at_most(&what, tally.fails(), 5.0);
            if options.full {
                // Thousands of gates must do more than not contradict it.
                let shown = tally.fails().bounds().1 <= 5.0;
                promises.note(shown, || format!("{what}: {}, 5 % not shown", tally.fails()));
            }
        }
        line([
            way.name.clone(),
            slashed(at().map(|(_, tally)| tally.fail.to_string())),
            slashed(at().map(|(_, tally)| format!("{:.1}", tally.fails().bounds().1))),
            slashed(at().map(|(_, tally)| format!("{:.1}", tally.passes().percent()))),
            slashed(at().map(|(_, tally)| format!("{:.1}", tally.undecided().percent()))),
            slashed(at().map(|(_, tally)| format!("{:.1}", tally.mean_rounds()))),
        ]);
    }
    for at in played.iter().filter(|at| at.noise != NOISY) {
        let (name, paired) = (at.noise.name, at.of(0, Change::None));
        promises.aim(&format!("paired, {name}, A/A passes"), paired.passes(), 90.0);
        let mean = paired.mean_rounds();
        promises
            .note(mean <= 7.0, || format!("paired, {name}, A/A takes {mean:.2} pairs, promised at most 7"));
    }
}

/// One row a path, one column a world, in each cell one number a noise.
fn grid(played: &[Played], title: &str, worlds: &[Change], number: fn(Tally) -> String) {
    let names: Vec<String> = worlds.iter().map(|world| world.name()).collect();
    let columns: Vec<&str> = ["path"].into_iter().chain(names.iter().map(String::as_str)).collect();
    head(&format!("{title}; quiet / typical / noisy"), &columns);
    for (way, index) in played[0].ways.iter().zip(0..) {
        let cells = worlds.iter().map(|&world| slashed(played.iter().map(|at| number(at.of(index, world)))));
        line([way.name.clone()].into_iter().chain(cells));
    }
}

fn slashed(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<String>>().join(" / ")
}

fn at_tolerance(played: &[Played], promises: &mut Promises) {
    let worlds: Vec<Change> = Gated::ALL
        .map(|metric| Change::One(metric, 1.0))
        .into_iter()
        .chain([Change::Family, Change::Coins(1.0)])
        .collect();
    for at in played {
        for (way, index) in at.ways.iter().zip(0..).filter(|(way, _)| way.promised) {
            for &world in worlds.iter().filter(|&&world| world != Change::Coins(1.0)) {
                let (what, tally) =
                    (format!("{}, {}, {}", way.name, at.noise.name, world.name()), at.of(index, world));
                promises.at_most(&format!("{what}, fails"), tally.fails(), 5.0);
                promises.at_most(&format!("{what}, passes"), tally.passes(), 5.0);
            }
        }
    }
    grid(played, "The true change is the tolerance: fails, %, promised to be at most 5", &worlds, |tally| {
        format!("{:.1}", tally.fails().percent())
    });
    grid(played, "The true change is the tolerance: passes, %, promised to be at most 5", &worlds, |tally| {
        format!("{:.1}", tally.passes().percent())
    });
}

fn power(played: &[Played], promises: &mut Promises) {
    let worlds: Vec<Change> = Gated::ALL
        .map(|metric| Change::One(metric, 2.0))
        .into_iter()
        .chain([Change::Slower(BY_10), Change::Slower(BY_20)])
        .collect();
    grid(played, "A real regression: fails, %", &worlds, |tally| format!("{:.1}", tally.fails().percent()));
    grid(played, "A real regression: passes, %", &worlds, |tally| format!("{:.1}", tally.passes().percent()));
    head("A real regression, paired: mean pairs; quiet / typical / noisy", &["true change", "pairs"]);
    for &world in &worlds {
        line([
            world.name(),
            slashed(played.iter().map(|at| format!("{:.1}", at.of(0, world).mean_rounds()))),
        ]);
    }
    for at in played.iter().filter(|at| at.noise != NOISY) {
        let name = at.noise.name;
        for metric in Gated::ALL {
            let world = Change::One(metric, 2.0);
            let tally = at.of(0, world);
            promises.aim(&format!("paired, {name}, {} fails", world.name()), tally.fails(), 90.0);
            promises.at_most(&format!("paired, {name}, {} passes", world.name()), tally.passes(), 1.0);
        }
        let all = at.of(0, Change::Slower(BY_20));
        promises.aim(&format!("paired, {name}, everything 20 % slower fails"), all.fails(), 95.0);
    }
}
