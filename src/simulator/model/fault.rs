//! Which requests go wrong, and how.

use crate::base::{Nanos, Seed};

/// Shares of requests, each in `0.0..=1.0`, that meet a fault; no request meets two.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultRates {
    /// Answered with status 500.
    pub error: f64,
    /// Answered with status 429.
    pub reject: f64,
    /// The stream's connection closes midway.
    pub cut: f64,
    /// The stream carries an error event midway.
    pub instream: f64,
    /// The stream pauses midway.
    pub stall: f64,
    /// How long it pauses.
    pub stall_for: Nanos,
}

impl Default for FaultRates {
    fn default() -> Self {
        Self {
            error: 0.0,
            reject: 0.0,
            cut: 0.0,
            instream: 0.0,
            stall: 0.0,
            stall_for: Nanos::from_ms(1_000.0),
        }
    }
}

impl FaultRates {
    pub(super) fn total(&self) -> f64 {
        self.error + self.reject + self.cut + self.instream + self.stall
    }

    /// The fate of one request of `tokens` output tokens: the same for the same seed.
    pub(super) fn draw(&self, seed: Seed, tokens: u32) -> Fault {
        let mut chance = seed.chance();
        let mut left = chance.unit();
        // Midway: after at least one token and before the last where there are two.
        let after = 1 + chance.below(u64::from(tokens.saturating_sub(1))) as u32;
        let fates = [
            (self.error, Fault::Error),
            (self.reject, Fault::Reject),
            (self.cut, Fault::Cut { after }),
            (self.instream, Fault::InStream { after }),
            (self.stall, Fault::Stall { after, pause: self.stall_for }),
        ];
        for (share, fate) in fates {
            if left < share {
                return fate;
            }
            left -= share;
        }
        Fault::None
    }
}

/// What happens to one request; `after` counts tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    Error,
    Reject,
    Cut { after: u32 },
    InStream { after: u32 },
    Stall { after: u32, pause: Nanos },
}
