//! Alarms over nights: how often they ring for nothing, and how soon for a change.

use llm_loadtest::base::Seed;
use llm_loadtest::stats::{CusumPolicy, Series, alarm};

use crate::count::{Promises, Share};
use crate::noise::{NOISES, Noise, Session, TYPICAL, Work, serve};
use crate::options::{Options, each};
use crate::otava;
use crate::rules::{beyond_sigma, beyond_t};
use crate::table::{head, line, thousands};

/// Rounds whose median is a night's value.
const ROUNDS: u64 = 6;
/// Nights before alarms are counted, and nights on which they are.
const BEFORE: usize = 40;
const COUNTED: usize = 100;
/// Nights within which a change is to be caught.
const WITHIN: [usize; 3] = [3, 7, 14];
/// Log-sd of a drift from night to night that is no change, and the share of it that stays.
const DRIFT: f64 = 0.01;
const DRIFT_KEPT: f64 = 0.95;

/// Says from the nights so far, logarithms of TTFT p95, whether the last one raises an alarm.
type Detector = fn(&[f64]) -> bool;

const DETECTORS: [(&str, Detector); 5] = [
    ("llm-loadtest: winsorised CUSUM", |nights| alarm(nights, &CusumPolicy::default()).is_some()),
    ("Otava: energy split, t-test p < 0.001, 5 %", |nights| otava::alarm(&natural(nights))),
    ("vLLM: 2 sigma and 1 % against 7 nights", |nights| {
        let nights = natural(nights);
        let (now, before) = (nights[nights.len() - 1], newest(&nights, 7));
        beyond_sigma(before, now)
    }),
    ("Bencher: t boundary 0.99, 30 nights", |nights| {
        let nights = natural(nights);
        let (now, before) = (nights[nights.len() - 1], newest(&nights, 30));
        beyond_t(before, now, 0.99)
    }),
    ("the night before + 10 %", |nights| {
        let last = nights.len() - 1;
        nights[last] - nights[last - 1] > 1.1_f64.ln()
    }),
];

fn natural(nights: &[f64]) -> Vec<f64> {
    nights.iter().map(|value| value.exp()).collect()
}

/// The nights before the last one, the newest of them.
fn newest(nights: &[f64], count: usize) -> Vec<f64> {
    let before = &nights[..nights.len() - 1];
    before[before.len().saturating_sub(count)..].to_vec()
}

/// What one detector did with one series.
#[derive(Clone, Copy)]
struct Heard {
    episodes: u64,
    /// By shift (5 %, 10 %), then by `WITHIN`.
    caught: [[bool; WITHIN.len()]; 2],
}

pub(crate) fn main(options: Options, promises: &mut Promises) {
    let times = options.times(20, 400);
    let heard = NOISES.map(|noise| {
        let seed = options.seed.child("nights").child(noise.name);
        each(times, |index| {
            let series = series(noise, seed.at(index));
            DETECTORS.map(|(_, detector)| listen(&series, detector))
        })
    });
    head(
        &format!(
            "Nightly alarms on TTFT p95 over {} nights a noise; caught within 3 / 7 / 14 nights, %",
            thousands(times * COUNTED as u64)
        ),
        &[
            "detector",
            "false episodes per 100 nights: quiet / typical / noisy",
            "typical +5 %",
            "typical +10 %",
            "noisy +10 %",
        ],
    );
    for (index, (name, _)) in DETECTORS.iter().enumerate() {
        let of = |noise: usize| heard[noise].iter().map(move |heard| heard[index]);
        let episodes = [0, 1, 2].map(|noise| {
            let episodes: u64 = of(noise).map(|heard| heard.episodes).sum();
            episodes as f64 / times as f64
        });
        let caught = |noise: usize, shift: usize| {
            let share = |within: usize| Share::count(of(noise).map(|heard| heard.caught[shift][within]));
            [0, 1, 2].map(|within| format!("{:.1}", share(within).percent())).join(" / ")
        };
        line([
            (*name).to_owned(),
            episodes.map(|episodes| format!("{episodes:.1}")).join(" / "),
            caught(1, 0),
            caught(1, 1),
            caught(2, 1),
        ]);
        if index == 0 {
            let within_week = Share::count(of(1).map(|heard| heard.caught[1][1]));
            promises.aim(&format!("{name}, {}, +10 % within 7 nights", TYPICAL.name), within_week, 90.0);
        }
    }
}

/// Logarithms of a night's TTFT p95: the median of its rounds, one session a night, over a slow drift.
fn series(noise: Noise, seed: Seed) -> Vec<f64> {
    let mut chance = seed.child("drift").chance();
    let mut drift = DRIFT * chance.normal();
    (0..(BEFORE + COUNTED) as u64)
        .map(|night| {
            let seed = seed.child("night").at(night);
            drift = DRIFT_KEPT * drift + (1.0 - DRIFT_KEPT * DRIFT_KEPT).sqrt() * DRIFT * chance.normal();
            let mut session = Session::open(noise, seed);
            let rounds = (0..ROUNDS).map(|round| {
                let seed = seed.at(round);
                serve(&Work::draw(seed), session.next() + drift, seed).ttft[1].ln()
            });
            Series::new(rounds).map_or(f64::NAN, |rounds| rounds.median())
        })
        .collect()
}

fn listen(series: &[f64], detector: Detector) -> Heard {
    let rings: Vec<bool> = (BEFORE..series.len()).map(|night| detector(&series[..=night])).collect();
    // Alarms on consecutive nights are one episode.
    let begins = rings
        .iter()
        .enumerate()
        .filter(|&(night, &rings_now)| rings_now && (night == 0 || !rings[night - 1]));
    let caught = [1.05_f64, 1.10].map(|factor| {
        let shifted: Vec<f64> = series
            .iter()
            .take(BEFORE + WITHIN[2])
            .enumerate()
            .map(|(night, value)| if night < BEFORE { *value } else { value + factor.ln() })
            .collect();
        let first = (BEFORE..shifted.len()).position(|night| detector(&shifted[..=night]));
        WITHIN.map(|within| first.is_some_and(|first| first < within))
    });
    Heard { episodes: begins.count() as u64, caught }
}
