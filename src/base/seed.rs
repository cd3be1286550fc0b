//! Chance that is the same everywhere: one number names every draw of a run.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// The root, or a labelled branch, of all chance in a run. Equal seeds give equal draws on every machine and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seed(pub u64);

impl Seed {
    /// An independent branch named by a word, for example `"arrivals"`. FNV-1a over the label, then SplitMix64.
    #[must_use]
    pub fn child(self, label: &str) -> Self {
        let hash = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(mix(self.0 ^ hash))
    }

    /// An independent branch named by a number, for example a request's index.
    #[must_use]
    pub fn at(self, index: u64) -> Self {
        Self(mix(self.0.wrapping_add(mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// The stream of draws of this branch.
    pub fn chance(self) -> Chance {
        Chance(Xoshiro256PlusPlus::seed_from_u64(self.0))
    }
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A stream of seeded draws (xoshiro256++; Blackman and Vigna 2021).
#[derive(Debug, Clone)]
pub struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// Sixty-four uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..bound`; 0 when the bound is 0. The bias of the multiply-shift is below 2^-32 for bounds under 2^32.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// Exponential with mean 1, by inversion.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Standard normal (Box and Muller 1958; the second value of the pair is not kept, so draws stay countable).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Gamma with this shape and scale 1, so of mean and variance `shape`. Marsaglia and Tsang (2000), "A simple method for
    /// generating gamma variables", with their boost by a power of a uniform for shapes below 1. Shapes are above zero.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boosted = self.gamma(shape + 1.0);
            return boosted * (1.0 - self.unit()).powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let cube = (1.0 + c * normal).powi(3);
            // The logarithm's squeeze step is left out: one more logarithm per draw is nothing beside a request.
            if cube > 0.0 && (1.0 - self.unit()).ln() < 0.5 * normal * normal + d * (1.0 - cube + cube.ln()) {
                return d * cube;
            }
        }
    }

    /// Fisher and Yates' shuffle.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
