//! When requests are due in an open loop: every instant known before the first byte.

use super::{Arrivals, Limit};
use crate::base::{Nanos, Rate, Seed};

/// More instants than this would be days of load or a slip of the keyboard.
const DUE_MAX: u64 = 10_000_000;

/// A schedule that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArrivalsError {
    #[error(
        "the level asks for about {count:.0} arrivals, more than the {DUE_MAX} that one level may have; lower the rate, the duration or the number of requests"
    )]
    TooMany { count: f64 },
    #[error(
        "no request would be due within {duration} at {per_second} requests per second; raise the rate or the duration"
    )]
    None { duration: Nanos, per_second: f64 },
}

/// The instants at which requests are due, since the level's start, in order.
///
/// Constant: `i / rate`, computed from `i` so that rounding never accumulates. Poisson: cumulative exponential gaps.
/// A duration keeps what is due before its end.
pub fn due(rate: Rate, arrivals: Arrivals, seed: Seed, limit: Limit) -> Result<Vec<Nanos>, ArrivalsError> {
    let (requests, duration) = match limit {
        Limit::Requests(requests) => (requests, None),
        Limit::Duration(duration) => (u64::MAX, Some(duration)),
        Limit::Either { requests, duration } => (requests, Some(duration)),
    };
    let within = duration.map_or(f64::INFINITY, |duration| duration.secs() * rate.per_second());
    // A Poisson draw may come out above the mean: the count is checked again as it grows.
    let expected = within.min(requests as f64);
    let too_many = |count: f64| ArrivalsError::TooMany { count };
    if expected > DUE_MAX as f64 {
        return Err(too_many(expected));
    }
    let mut instants = Vec::with_capacity(expected.ceil() as usize);
    let mut chance = seed.chance();
    let mut gaps = 0.0;
    for index in 0..requests {
        let at = match arrivals {
            Arrivals::Constant => index as f64,
            Arrivals::Poisson => {
                gaps += chance.exponential();
                gaps
            }
        };
        let at = Nanos((at * 1e9 / rate.per_second()).round() as u64);
        if duration.is_some_and(|duration| at >= duration) {
            break;
        }
        if index == DUE_MAX {
            return Err(too_many(expected));
        }
        instants.push(at);
    }
    match duration {
        Some(duration) if instants.is_empty() => {
            Err(ArrivalsError::None { duration, per_second: rate.per_second() })
        }
        _ => Ok(instants),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: f64) -> Rate {
        Rate::new(per_second).unwrap()
    }

    fn gaps_secs(seed: u64, count: u64, per_second: f64) -> Vec<f64> {
        let instants = due(rate(per_second), Arrivals::Poisson, Seed(seed), Limit::Requests(count)).unwrap();
        let starts = std::iter::once(Nanos::ZERO).chain(instants.iter().copied());
        instants.iter().zip(starts).map(|(to, from)| (*to - from).secs()).collect()
    }

    #[test]
    fn constant_arrivals_do_not_drift() {
        let limit = Limit::Requests(3_000_001);
        let instants = due(rate(3.0), Arrivals::Constant, Seed(1), limit).unwrap();
        assert_eq!(instants[..3], [0, 333_333_333, 666_666_667].map(Nanos));
        assert_eq!(instants.last(), Some(&Nanos::from_secs(1_000_000.0)));
    }

    #[test]
    fn limits_cut_by_count_by_time_or_by_whichever_comes_first() {
        let count =
            |limit| due(rate(10.0), Arrivals::Constant, Seed(1), limit).map(|instants| instants.len());
        let second = Nanos::from_secs(1.0);
        assert_eq!(count(Limit::Requests(7)), Ok(7));
        assert_eq!(count(Limit::Duration(second)), Ok(10), "what is due at the end itself is out");
        let either = |requests| Limit::Either { requests, duration: second };
        assert_eq!(count(either(4)), Ok(4));
        assert_eq!(count(either(400)), Ok(10));
    }

    #[test]
    fn what_cannot_be_scheduled_says_so() {
        let refuse = |per_second, limit| {
            due(rate(per_second), Arrivals::Poisson, Seed(1), limit).unwrap_err().to_string()
        };
        insta::assert_snapshot!(refuse(1e6, Limit::Duration(Nanos::from_secs(60.0))), @"the level asks for about 60000000 arrivals, more than the 10000000 that one level may have; lower the rate, the duration or the number of requests");
        insta::assert_snapshot!(refuse(1e-6, Limit::Duration(Nanos::from_secs(2.0))), @"no request would be due within 2.0s at 0.000001 requests per second; raise the rate or the duration");
    }

    #[test]
    fn poisson_gaps_have_the_mean_and_variance_of_the_exponential_law() {
        let count = 20_000;
        for seed in 0..5 {
            let gaps = gaps_secs(seed, count, 8.0);
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / (gaps.len() - 1) as f64;
            // Standard errors: sd/√n for the mean; the variance of an exponential's variance is 8σ⁴/n. Four of each.
            let n = count as f64;
            assert!((mean * 8.0 - 1.0).abs() < 4.0 / n.sqrt(), "{seed}: {mean}");
            assert!((variance * 64.0 - 1.0).abs() < 4.0 * (8.0 / n).sqrt(), "{seed}: {variance}");
        }
    }

    #[test]
    fn poisson_gaps_pass_kolmogorov_and_smirnov() {
        for seed in 0..10 {
            let mut gaps = gaps_secs(seed, 5_000, 100.0);
            gaps.sort_by(f64::total_cmp);
            let n = gaps.len() as f64;
            let distance = gaps.iter().enumerate().fold(0.0_f64, |worst, (rank, gap)| {
                let law = 1.0 - (-gap * 100.0).exp();
                let (below, above) = (rank as f64 / n, (rank + 1) as f64 / n);
                worst.max((law - below).abs()).max((above - law).abs())
            });
            // Kolmogorov's limit law at 0.1 %: 1.95 / √n.
            assert!(distance < 1.95 / n.sqrt(), "{seed}: {distance}");
        }
    }
}
