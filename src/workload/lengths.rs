//! How many: laws of token counts and of turns, each number drawn from 64 uniform bits.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bell::{Quantiles, unit};
use super::datasets::{DatasetError, numbers};

/// Longest prompt or answer: beyond every context window of today, and small enough to be built in memory.
pub const TOKENS_MAX: u32 = 2_000_000;

/// A distribution of counts, all of them at least 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Lengths {
    Fixed(u32),
    /// Both ends included.
    Uniform {
        low: u32,
        high: u32,
    },
    Normal(Bell),
    /// Long tail to the right; `mean` and `sd` are those of the lengths, not of their logarithms.
    LogNormal(Bell),
    /// Drawn, with replacement, from the numbers of a file.
    File(Column),
}

/// A bell of whole numbers. Mean and standard deviation hold before the bounds cut it: lengths beyond them are drawn
/// anew, so a bell that the bounds cut deeply has another mean. Invariant: `sd` > 0, `low` ≤ `mean` ≤ `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bell {
    pub mean: f64,
    pub sd: f64,
    /// At least 1.
    pub low: u32,
    pub high: u32,
}

/// A column of a file, or all of a file that has one number per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub path: PathBuf,
    pub name: Option<String>,
}

impl Lengths {
    /// The largest number that can come, where the law itself states one.
    pub fn most(&self) -> Option<u32> {
        match self {
            Self::Fixed(count) => Some(*count),
            Self::Uniform { high, .. } => Some(*high),
            Self::Normal(bell) | Self::LogNormal(bell) => (bell.high < TOKENS_MAX).then_some(bell.high),
            Self::File(_) => None,
        }
    }

    /// Ready to be drawn from; `read` fetches a file of numbers.
    pub(super) fn law(&self, read: impl Fn(&Path) -> Result<Vec<u8>, String>) -> Result<Law, DatasetError> {
        Ok(match self {
            Self::Fixed(count) => Law::Uniform { low: *count, high: *count },
            Self::Uniform { low, high } => Law::Uniform { low: *low, high: *high },
            Self::Normal(bell) => bell.law(Quantiles::normal(bell.mean, bell.sd)),
            Self::LogNormal(bell) => bell.law(Quantiles::log_normal(bell.mean, bell.sd)),
            Self::File(column) => Law::Sample(numbers(column, read)?.into()),
        })
    }
}

impl Bell {
    fn law(&self, curve: Quantiles) -> Law {
        // Every whole number owns what rounds to it.
        let curve = curve.between(f64::from(self.low) - 0.5, f64::from(self.high) + 0.5);
        Law::Bell { curve, low: self.low, high: self.high }
    }
}

/// A law ready to be drawn from.
#[derive(Debug, Clone)]
pub(super) enum Law {
    Uniform { low: u32, high: u32 },
    Bell { curve: Quantiles, low: u32, high: u32 },
    Sample(Arc<[u32]>),
}

impl Law {
    /// One number; equal bits give equal numbers.
    pub(super) fn draw(&self, bits: u64) -> u32 {
        match self {
            Self::Uniform { low, high } => {
                // Multiply and shift; both ends included.
                let span = u64::from(high.saturating_sub(*low)) + 1;
                low + ((u128::from(bits) * u128::from(span)) >> 64) as u32
            }
            Self::Bell { curve, low, high } => {
                curve.at(unit(bits)).round().clamp(f64::from(*low), f64::from(*high)) as u32
            }
            Self::Sample(numbers) => {
                let at = (u128::from(bits) * numbers.len() as u128) >> 64;
                numbers.get(at as usize).copied().unwrap_or(1)
            }
        }
    }

    pub(super) fn most(&self) -> u32 {
        match self {
            Self::Uniform { high, .. } | Self::Bell { high, .. } => *high,
            Self::Sample(numbers) => numbers.iter().copied().max().unwrap_or(1),
        }
    }
}

/// As it is written in flags and files; a range as `low-high`, as documents have always shown it.
impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(count) => write!(f, "{count}"),
            Self::Uniform { low, high } => write!(f, "{low}-{high}"),
            Self::Normal(bell) => write!(f, "normal:{bell}"),
            Self::LogNormal(bell) => write!(f, "lognormal:{bell}"),
            Self::File(column) => write!(f, "file:{column}"),
        }
    }
}

impl fmt::Display for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean, sd, low, high } = self;
        match (*low, *high) {
            (1, TOKENS_MAX..) => write!(f, "{mean},{sd}"),
            (low, high) => write!(f, "{mean},{sd},{low},{high}"),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}#{name}", self.path.display()),
            None => write!(f, "{}", self.path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    const DRAWS: usize = 20_000;

    fn bell(mean: f64, sd: f64, low: u32, high: u32) -> Bell {
        Bell { mean, sd, low, high }
    }

    fn draws(lengths: &Lengths, seed: u64) -> Vec<f64> {
        let law = lengths.law(|_| Err("no file".to_owned())).unwrap();
        let mut chance = Seed(seed).chance();
        (0..DRAWS).map(|_| f64::from(law.draw(chance.bits()))).collect()
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
    }

    #[test]
    fn bells_have_the_mean_and_deviation_that_were_stated() {
        // Heavier tails make the sample's deviation scatter more: kurtosis 3 for the normal, 27 for this lognormal.
        let cases = [
            (Lengths::Normal(bell(512.0, 64.0, 1, TOKENS_MAX)), 512.0, 64.0, 3.0),
            (Lengths::Normal(bell(40.5, 3.0, 1, TOKENS_MAX)), 40.5, 3.0, 3.0),
            (Lengths::LogNormal(bell(300.0, 200.0, 1, TOKENS_MAX)), 300.0, 200.0, 27.0),
        ];
        for (lengths, mean, sd, kurtosis) in cases {
            for seed in 0..5 {
                let (got_mean, got_sd) = moments(&draws(&lengths, seed));
                let n = DRAWS as f64;
                assert!((got_mean - mean).abs() < 4.5 * sd / n.sqrt(), "{lengths} {seed}: mean {got_mean}");
                // Rounding adds a variance of 1/12.
                let sd = (sd * sd + 1.0 / 12.0_f64).sqrt();
                let error = sd * ((kurtosis - 1.0_f64) / (4.0 * n)).sqrt();
                assert!((got_sd - sd).abs() < 4.5 * error, "{lengths} {seed}: sd {got_sd} ± {error}");
            }
        }
    }

    #[test]
    fn bounds_hold_and_a_cut_bell_keeps_its_shape_between_them() {
        for lengths in [Lengths::Normal(bell(8.0, 50.0, 5, 12)), Lengths::LogNormal(bell(8.0, 50.0, 5, 12))] {
            let values = draws(&lengths, 1);
            let (least, most) = values
                .iter()
                .fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
            assert_eq!((least as u32, most as u32), (5, 12), "{lengths}");
        }
        // So wide a normal is all but uniform between its bounds: none of the eight numbers takes what lies beyond.
        let wide = draws(&Lengths::Normal(bell(8.0, 50.0, 5, 12)), 2);
        for count in 5..=12 {
            let share = wide.iter().filter(|value| **value as u32 == count).count() as f64 / DRAWS as f64;
            assert!((share - 0.125).abs() < 0.012, "{count}: {share}");
        }
    }

    #[test]
    fn lengths_are_never_below_one() {
        let values = draws(&Lengths::Normal(bell(2.0, 5.0, 1, TOKENS_MAX)), 3);
        assert!(values.iter().all(|value| *value >= 1.0));
    }

    #[test]
    fn a_files_numbers_come_as_often_as_they_stand_there() {
        let column = Column { path: "lens.txt".into(), name: None };
        let law = Lengths::File(column).law(|_| Ok(b"10\n10\n10\n70\n".to_vec())).unwrap();
        let mut chance = Seed(4).chance();
        let tens = (0..DRAWS).filter(|_| law.draw(chance.bits()) == 10).count() as f64 / DRAWS as f64;
        assert!((tens - 0.75).abs() < 4.0 * (0.75 * 0.25 / DRAWS as f64).sqrt(), "{tens}");
        assert_eq!((law.draw(0), law.draw(u64::MAX), law.most()), (10, 70, 70));
    }
}
