//! How rounds of the model scatter, beside the figures that it was made to reproduce.

use llm_loadtest::base::Seed;
use llm_loadtest::stats::Series;

use crate::noise::{Measured, NOISES, Noise, Session, Work, serve};
use crate::options::{Options, each};
use crate::table::{head, line};
use crate::world::Gated;

/// Rounds of a session whose scatter is taken.
const ROUNDS: u64 = 20;
/// CVs inside a session in percent: TTFT p95, TTFT p99, TPOT p95, output throughput; quiet, typical, noisy.
const SCATTER: [[f64; 4]; 3] = [[5.3, 10.4, 1.8, 1.4], [6.3, 11.0, 2.6, 2.4], [10.9, 14.3, 5.8, 5.9]];
/// Sd of a difference of pairs with shared work, in percent and points: the five gated numbers.
const PAIRS: [[f64; 5]; 3] =
    [[7.0, 2.7, 2.8, 2.3, 1.0], [10.1, 5.1, 5.2, 5.1, 4.1], [20.0, 11.4, 11.6, 11.7, 10.6]];

pub(crate) fn main(options: Options) {
    let times = options.times(400, 4_000);
    head(
        "Scatter of rounds inside a session, median CV in % (wanted)",
        &["noise", "TTFT p95", "TTFT p99", "TPOT p95", "output throughput"],
    );
    for (noise, wanted) in NOISES.into_iter().zip(SCATTER) {
        let scatter = scatter(noise, times / 4, options.seed.child("scatter"));
        let cells = scatter.iter().zip(wanted).map(|(is, wanted)| format!("{:.1} ({wanted})", 100.0 * is));
        line([noise.name.to_owned()].into_iter().chain(cells));
    }
    head(
        "Sd of a difference of two rounds beside each other with the same work, in % and points (wanted)",
        &["noise", "TTFT p95", "TPOT p95", "E2E p95", "output throughput", "bad share"],
    );
    for (noise, wanted) in NOISES.into_iter().zip(PAIRS) {
        let apart = apart(noise, times, options.seed.child("apart"));
        let cells = apart.iter().zip(wanted).map(|(is, wanted)| format!("{:.1} ({wanted})", 100.0 * is));
        line([noise.name.to_owned()].into_iter().chain(cells));
    }
}

fn scatter(noise: Noise, times: u64, seed: Seed) -> [f64; 4] {
    let sessions = each(times, |index| {
        let seed = seed.child(noise.name).at(index);
        let mut session = Session::open(noise, seed);
        let rounds: Vec<Measured> = (0..ROUNDS)
            .map(|round| serve(&Work::draw(seed.at(round)), session.next(), seed.child("round").at(round)))
            .collect();
        let sd = |score: fn(&Measured) -> f64| sd(rounds.iter().map(score));
        [
            sd(|round| round.ttft[1].ln()),
            sd(|round| round.ttft[2].ln()),
            sd(|round| round.tpot[1].ln()),
            sd(|round| round.throughput.ln()),
        ]
    });
    std::array::from_fn(|index| {
        Series::new(sessions.iter().map(|session| session[index])).map_or(f64::NAN, |sds| sds.median())
    })
}

fn apart(noise: Noise, times: u64, seed: Seed) -> [f64; 5] {
    let pairs = each(times, |index| {
        let seed = seed.child(noise.name).at(index);
        let mut session = Session::open(noise, seed);
        let work = Work::draw(seed);
        [0, 1].map(|side| serve(&work, session.next(), seed.child("side").at(side)))
    });
    Gated::ALL.map(|metric| sd(pairs.iter().map(|[one, other]| metric.score(one) - metric.score(other))))
}

fn sd(values: impl Iterator<Item = f64>) -> f64 {
    Series::new(values).and_then(|values| values.sd()).unwrap_or(f64::NAN)
}
