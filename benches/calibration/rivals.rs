//! Other tools' rules beside ours, on the same rounds.

use llm_loadtest::base::Seed;

use crate::count::{Share, Tally};
use crate::gates::{Material, Order, Path, Played, policy};
use crate::noise::{BY_5, BY_10, BY_20, Measured, NOISES, Noise, Session, Work, serve};
use crate::options::{Options, each};
use crate::rules::{Sides, bencher, benchstat, inference_doctor, ratio, single, vllm};
use crate::table::{head, line, thousands};
use crate::world::{Change, Gated};

/// Nights with one stored run each.
const NIGHTS: u64 = 30;
/// Nothing, a slowdown within every tolerance, and two that are beyond some.
const WORLDS: [Change; 4] =
    [Change::None, Change::Slower(BY_5), Change::Slower(BY_10), Change::Slower(BY_20)];

struct Rival {
    name: &'static str,
    /// Rounds that it measures today, and stored runs that it needs.
    rounds: usize,
    stored: usize,
    rule: fn(&Sides<'_>) -> bool,
}

const RIVALS: [Rival; 8] = [
    Rival { name: "benchstat: U test, p < 0.05, 10 + 10 rounds", rounds: 20, stored: 0, rule: benchstat },
    Rival {
        name: "Bencher: t boundary 0.95, 30 stored runs",
        rounds: 1,
        stored: 30,
        rule: |sides| bencher(sides, 30, 0.95),
    },
    Rival {
        name: "Bencher: t boundary 0.99, 30 stored runs",
        rounds: 1,
        stored: 30,
        rule: |sides| bencher(sides, 30, 0.99),
    },
    Rival {
        name: "github-action-benchmark: ratio 2.0",
        rounds: 1,
        stored: 1,
        rule: |sides| ratio(sides, 2.0),
    },
    Rival {
        name: "github-action-benchmark: ratio 1.10",
        rounds: 1,
        stored: 1,
        rule: |sides| ratio(sides, 1.10),
    },
    Rival { name: "vLLM nightly: 2 sigma and 1 %, 7 nights", rounds: 1, stored: 7, rule: vllm },
    Rival {
        name: "inference-doctor: Welch 90 % beyond 10 %, 5 + 5 rounds",
        rounds: 10,
        stored: 0,
        rule: inference_doctor,
    },
    Rival { name: "one run ±10 % against one stored run", rounds: 1, stored: 1, rule: single },
];

/// What each rule said in each world; any of the five metrics raises the alarm.
struct Said {
    rivals: [[bool; RIVALS.len()]; WORLDS.len()],
    ours: [Played; WORLDS.len()],
}

pub(crate) fn main(options: Options) {
    let times = options.times(200, 2_000);
    let said = NOISES.map(|noise| {
        let seed = options.seed.child("rivals").child(noise.name);
        each(times, |index| case(noise, seed.at(index)))
    });
    head(
        &format!(
            "Rules side by side on the same rounds, {} cases a noise; any of five metrics alarms; quiet / typical / noisy, %",
            thousands(times)
        ),
        &[
            "rule",
            "alarms, no change",
            "alarms, all +5 %",
            "missed, all +10 %",
            "missed, all +20 %",
            "rounds today",
            "stored runs",
        ],
    );
    for (index, rival) in RIVALS.iter().enumerate() {
        let alarms = |world: usize| {
            said.each_ref().map(|said| Share::count(said.iter().map(|said| said.rivals[world][index])))
        };
        line([
            rival.name.to_owned(),
            three(alarms(0).map(Share::percent)),
            three(alarms(1).map(Share::percent)),
            three(alarms(2).map(|share| 100.0 - share.percent())),
            three(alarms(3).map(|share| 100.0 - share.percent())),
            rival.rounds.to_string(),
            rival.stored.to_string(),
        ]);
    }
    let tally = |world: usize| {
        said.each_ref().map(|said| said.iter().map(|said| said.ours[world]).collect::<Tally>())
    };
    let missed = |world: usize| {
        let missed = three(tally(world).map(|tally| 100.0 - tally.fails().percent()));
        format!("{missed} (passed: {})", three(tally(world).map(|tally| tally.passes().percent())))
    };
    let rounds = [0, 1, 2, 3].map(|world| three(tally(world).map(|tally| 2.0 * tally.mean_rounds())));
    line([
        "llm-loadtest: paired, looks at 5, 8, 12".to_owned(),
        three(tally(0).map(|tally| tally.fails().percent())),
        three(tally(1).map(|tally| tally.fails().percent())),
        missed(2),
        missed(3),
        rounds[0].clone(),
        "0".to_owned(),
    ]);
    println!(
        "\nRounds of llm-loadtest: all +5 %: {}; +10 %: {}; +20 %: {}.",
        rounds[1], rounds[2], rounds[3]
    );
}

fn three(percents: [f64; 3]) -> String {
    percents.map(|percent| format!("{percent:.1}")).join(" / ")
}

fn case(noise: Noise, seed: Seed) -> Said {
    let policy = policy(Path::Paired);
    let material = Material::paired(noise, policy.looks.last() as usize, Order::USUAL, seed.child("today"));
    let nights: Vec<Measured> = (0..NIGHTS)
        .map(|night| {
            let seed = seed.child("night").at(night);
            serve(&Work::draw(seed), Session::open(noise, seed).next(), seed)
        })
        .collect();
    let ours = WORLDS.map(|world| material.play(Path::Paired, world, &policy));
    Said { rivals: WORLDS.map(|world| alarms(&material, &nights, world)), ours }
}

fn alarms(material: &Material, nights: &[Measured], world: Change) -> [bool; RIVALS.len()] {
    let candidate = material.candidate(world);
    let mut alarms = [false; RIVALS.len()];
    for metric in Gated::ALL {
        let stored: Vec<f64> = nights.iter().map(|round| metric.value(round)).collect();
        let base: Vec<f64> = material.pairs().iter().map(|[base, _]| metric.value(base)).collect();
        let candidate: Vec<f64> = candidate.iter().map(|round| metric.value(round)).collect();
        let sides = Sides {
            stored: &stored,
            base: &base,
            candidate: &candidate,
            larger_is_better: metric.larger_is_better(),
        };
        for (alarm, rival) in alarms.iter_mut().zip(&RIVALS) {
            *alarm |= (rival.rule)(&sides);
        }
    }
    alarms
}
