//! What an engine must know of a level besides its visits, and which part of a level is one machine's.

use std::fmt;

use crate::base::Nanos;

/// Who sends: a number of clients, or the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each client makes its next visit when its last one ended; the first at its start.
    Closed { clients: u32, starts: Starts },
    /// Visits start when they are due; beyond `max_in_flight` they queue, and the wait is counted.
    Open { max_in_flight: Option<u32> },
}

/// When each client starts, since the level's start: one after the other, evenly over the ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starts {
    ramp: Nanos,
    /// Clients of the whole level.
    all: u32,
    shard: Shard,
}

impl Starts {
    /// Everyone at the level's start.
    pub const AT_ONCE: Self = Self { ramp: Nanos::ZERO, all: 1, shard: Shard::WHOLE };

    pub(super) fn new(ramp: Nanos, all: u32, shard: Shard) -> Self {
        Self { ramp, all: all.max(1), shard }
    }

    /// The start of client `client`, counted from 0 among those of this shard.
    pub fn at(self, client: u32) -> Nanos {
        let whole = u128::from(client) * u128::from(self.shard.count) + u128::from(self.shard.index);
        // Below the ramp for every client that exists, so it fits.
        Nanos((u128::from(self.ramp.0) * whole / u128::from(self.all)) as u64)
    }
}

/// One of `count` parts of every level: what has the numbers `index`, `index + count`, … Invariant: `index < count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    count: u32,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Part `index` (from 0) of `count`; none where there is no such part.
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (index < count).then_some(Self { index, count })
    }

    /// From 0.
    pub fn index(self) -> u32 {
        self.index
    }

    pub fn count(self) -> u32 {
        self.count
    }

    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// How many of `all` numbered things (from 0) are this shard's.
    pub fn share(self, all: u64) -> u64 {
        let (index, count) = (u64::from(self.index), u64::from(self.count));
        if all > index { (all - index).div_ceil(count) } else { 0 }
    }
}

/// As `--shard` reads it: `0/4` is the first of four.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// A level that cannot be cut into so many shards.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{level} has fewer {what} ({parts}) than there are shards ({shards}), and each shard needs its own")]
pub struct ShardError {
    /// Label of the level.
    pub level: String,
    pub parts: u64,
    /// `clients`, `requests`, `places in flight`
    pub what: &'static str,
    pub shards: u32,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn clients_start_evenly_over_the_ramp() {
        let starts = |index, count| Starts::new(Nanos(1_000), 4, Shard::new(index, count).unwrap());
        let of = |starts: Starts, clients: u32| (0..clients).map(|at| starts.at(at).0).collect::<Vec<_>>();
        assert_eq!(of(starts(0, 1), 4), [0, 250, 500, 750]);
        assert_eq!(of(starts(1, 3), 1), [250]);
        assert_eq!(of(starts(0, 3), 2), [0, 750], "client 3 of all");
        assert_eq!(of(Starts::new(Nanos::ZERO, 4, Shard::WHOLE), 2), [0, 0]);
        assert_eq!(Shard::new(3, 3), None);
        assert_eq!(Shard::new(2, 3).unwrap().to_string(), "2/3");
    }

    proptest! {
        #[test]
        fn shares_add_up(all: u64, count in 1_u32..50) {
            let shares: Vec<u64> = (0..count).map(|index| Shard::new(index, count).unwrap().share(all)).collect();
            prop_assert_eq!(shares.iter().map(|share| u128::from(*share)).sum::<u128>(), u128::from(all));
            prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
        }
    }
}
