//! How long a user thinks between two turns.

use std::fmt;

use super::bell::{Quantiles, unit};
use crate::base::Nanos;

/// Longest pause that is drawn: a user who is away for a day is another visit.
const PAUSE_MAX: Nanos = Nanos(86_400_000_000_000);

/// A distribution of pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    Fixed(Nanos),
    /// Both ends included.
    Uniform {
        low: Nanos,
        high: Nanos,
    },
    Exponential {
        mean: Nanos,
    },
    /// Cut at zero; pauses below it are drawn anew.
    Normal {
        mean: Nanos,
        sd: Nanos,
    },
    /// Mean and standard deviation of the pauses, not of their logarithms.
    LogNormal {
        mean: Nanos,
        sd: Nanos,
    },
}

impl Pause {
    /// One pause, at most a day; equal bits give equal pauses.
    pub fn draw(self, bits: u64) -> Nanos {
        let unit = unit(bits);
        let seconds = match self {
            Self::Fixed(pause) => return pause,
            Self::Uniform { low, high } => low.secs() + unit * (high - low).secs(),
            Self::Exponential { mean } => -mean.secs() * (1.0 - unit).ln(),
            Self::Normal { mean, sd } => {
                Quantiles::normal(mean.secs(), sd.secs()).between(0.0, f64::INFINITY).at(unit)
            }
            Self::LogNormal { mean, sd } => Quantiles::log_normal(mean.secs(), sd.secs()).at(unit),
        };
        Nanos::from_secs(seconds).min(PAUSE_MAX)
    }
}

/// As it is written in flags and files.
impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |span: &Nanos| format!("{}ms", span.ms());
        match self {
            Self::Fixed(pause) => f.write_str(&ms(pause)),
            Self::Uniform { low, high } => write!(f, "{}:{}", ms(low), ms(high)),
            Self::Exponential { mean } => write!(f, "exp:{}", ms(mean)),
            Self::Normal { mean, sd } => write!(f, "normal:{},{}", ms(mean), ms(sd)),
            Self::LogNormal { mean, sd } => write!(f, "lognormal:{},{}", ms(mean), ms(sd)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    #[test]
    fn pauses_have_the_mean_that_was_stated() {
        let second = Nanos::from_secs(1.0);
        let (two, three) = (Nanos::from_secs(2.0), Nanos::from_secs(3.0));
        for (pause, mean, sd) in [
            (Pause::Fixed(two), 2.0, 1e-9),
            (Pause::Uniform { low: second, high: three }, 2.0, 2.0 / 12.0_f64.sqrt()),
            (Pause::Exponential { mean: two }, 2.0, 2.0),
            (Pause::Normal { mean: three, sd: Nanos::from_ms(500.0) }, 3.0, 0.5),
            (Pause::LogNormal { mean: two, sd: second }, 2.0, 1.0),
        ] {
            let mut chance = Seed(5).chance();
            let n = 20_000;
            let sum: f64 = (0..n).map(|_| pause.draw(chance.bits()).secs()).sum();
            let error = 4.5 * sd / f64::from(n).sqrt() + 1e-9;
            assert!((sum / f64::from(n) - mean).abs() < error, "{pause}: {}", sum / f64::from(n));
        }
    }

    #[test]
    fn no_pause_is_negative_or_endless() {
        let wide = Pause::Normal { mean: Nanos::from_ms(1.0), sd: Nanos::from_secs(10.0) };
        let far = Pause::Exponential { mean: Nanos::from_secs(1e6) };
        let mut chance = Seed(6).chance();
        for _ in 0..2_000 {
            assert!(wide.draw(chance.bits()) <= Nanos::from_secs(60.0));
            assert!(far.draw(chance.bits()) <= PAUSE_MAX);
        }
    }
}
