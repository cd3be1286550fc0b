//! How many requests a second each key, or each address without one, may make.

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// A page that loads asks a dozen things at once, and a fleet of runners shares one key.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(400).unwrap();
/// Keys that were wrong are tried by programs.
const WRONG_PER_SECOND: NonZeroU32 = NonZeroU32::new(1).unwrap();
const WRONG_BURST: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// Names that are remembered before those that are quiet are forgotten.
const KNOWN_MAX: usize = 10_000;

/// Requests, and wrong keys, by name of the key or by address.
pub(super) struct Rates {
    requests: DefaultKeyedRateLimiter<String>,
    wrong: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Rates {
    pub(super) fn new() -> Self {
        Self {
            requests: RateLimiter::keyed(Quota::per_second(PER_SECOND).allow_burst(BURST)),
            wrong: RateLimiter::keyed(Quota::per_second(WRONG_PER_SECOND).allow_burst(WRONG_BURST)),
            clock: DefaultClock::default(),
        }
    }

    /// Books a request; the error is the number of seconds to wait.
    pub(super) fn request(&self, who: &str) -> Result<(), u64> {
        self.take(&self.requests, who)
    }

    /// Books a wrong key.
    pub(super) fn wrong_key(&self, who: &str) -> Result<(), u64> {
        self.take(&self.wrong, who)
    }

    fn take(&self, limiter: &DefaultKeyedRateLimiter<String>, who: &str) -> Result<(), u64> {
        if limiter.len() > KNOWN_MAX {
            limiter.retain_recent();
        }
        limiter
            .check_key(&who.to_owned())
            .map_err(|until| until.wait_time_from(self.clock.now()).as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_a_flood_is_not() {
        let rates = Rates::new();
        let taken = (0..1_000).filter(|_| rates.request("a").is_ok()).count();
        assert!((400..500).contains(&taken), "{taken}");
        assert!(rates.request("a").is_err_and(|seconds| seconds >= 1));
        assert!(rates.request("b").is_ok(), "another is not held up by it");
    }
}
