//! When requests are due in an open loop: every instant known before the first byte.

use super::{Arrivals, Curve, Limit};
use crate::base::{Nanos, Seed};

/// More instants than this would be days of load or a slip of the keyboard.
pub(super) const DUE_MAX: u64 = 10_000_000;

/// A schedule that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArrivalsError {
    #[error(
        "the level asks for about {count:.0} arrivals, more than the {DUE_MAX} that one level may have; lower the rate, the duration or the number of requests"
    )]
    TooMany { count: f64 },
    #[error(
        "no request would be due within {duration}: the rate asks for {asked:.6} of one in that time; raise the rate or the duration"
    )]
    None { duration: Nanos, asked: f64 },
}

/// The instants at which requests are due, since the level's start, in order.
///
/// Arrivals are drawn in units of requests and carried into time by the inverse of the rate's integral (Çinlar 1975,
/// "Introduction to Stochastic Processes", §4.7), so a ramp or a stage has as many of them as its integral says. Each
/// instant comes from its own place on the curve: nothing accumulates, and no due time drifts.
pub fn due(rate: &Curve, arrivals: Arrivals, seed: Seed, limit: Limit) -> Result<Vec<Nanos>, ArrivalsError> {
    let (requests, duration) = match limit {
        Limit::Requests(requests) => (requests, None),
        Limit::Duration(duration) => (u64::MAX, Some(duration)),
        Limit::Either { requests, duration } => (requests, Some(duration)),
        Limit::Load => (u64::MAX, None),
    };
    let end = duration.into_iter().chain(rate.length()).min();
    // Requests within the window, before they are a whole number.
    let asked = end.map_or(f64::INFINITY, |end| rate.count(end)).min(requests as f64);
    if asked > DUE_MAX as f64 {
        return Err(ArrivalsError::TooMany { count: asked });
    }
    let places = match arrivals {
        Arrivals::Constant => (0..asked.ceil() as u64).map(|index| index as f64).collect(),
        Arrivals::Poisson => around(asked, 1.0, seed),
        Arrivals::Gamma { shape } => around(asked, shape, seed),
    };
    let instants = places.into_iter().map(|place| rate.instant(place));
    // A place next to the end may round to the end itself, at which nothing is due any more.
    let instants: Vec<Nanos> = instants.take_while(|at| end.is_none_or(|end| *at < end)).collect();
    match end {
        Some(duration) if instants.is_empty() => Err(ArrivalsError::None { duration, asked }),
        _ => Ok(instants),
    }
}

/// Arrivals on `0..asked` whose number is the whole one nearest to `asked`, so that the rate holds exactly and not just on
/// average over seeds: free draws of 500 Poisson arrivals would miss it by 4 % (one standard deviation).
///
/// That many gamma gaps are laid around a circle of this length and the circle is cut at a random place. Scaling gaps
/// to a given sum leaves their shares independent of that sum (Lukacs 1955), so they are the gaps of a renewal process
/// that happened to have this many arrivals; the random cut makes it stationary, so every stretch has its due number
/// in the mean. For shape 1 the places are uniform order statistics: the Poisson process, given its count.
fn around(asked: f64, shape: f64, seed: Seed) -> Vec<f64> {
    let mut chance = seed.chance();
    let cut = chance.unit();
    let mut sum = 0.0;
    let mut places: Vec<f64> = (0..asked.round() as u64)
        .map(|_| {
            sum +=
                if shape.to_bits() == 1.0_f64.to_bits() { chance.exponential() } else { chance.gamma(shape) };
            sum
        })
        .collect();
    for place in &mut places {
        *place = *place / sum + cut;
    }
    let beyond = places.partition_point(|place| *place < 1.0);
    for place in &mut places[beyond..] {
        *place -= 1.0;
    }
    places.rotate_left(beyond);
    for place in &mut places {
        *place *= asked;
    }
    places
}
