//! How late the engine's own loop runs: the client's first witness against itself.

use crate::base::Nanos;

/// How late the engine's loop came to its own timers, over a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoopLag {
    pub p99: Nanos,
    pub max: Nanos,
    pub probes: u64,
    /// Time that the loop spent at work instead of waiting for something to do.
    pub busy: Nanos,
}

/// Long enough to cost nothing, short enough for a hundred probes a second.
const PERIOD: Nanos = Nanos(10_000_000);
/// Eleven days of probes; beyond it the oldest finding stands.
const PROBES_MAX: usize = 100_000_000;

/// A timer among the loop's others that does nothing but notice when it fires.
#[derive(Debug)]
pub(super) struct Probe {
    due: Nanos,
    late: Vec<u64>,
    busy: Nanos,
}

impl Probe {
    pub(super) fn start(now: Nanos) -> Self {
        Self { due: now + PERIOD, late: Vec::new(), busy: Nanos::ZERO }
    }

    /// When the loop has to look here again.
    pub(super) fn due(&self) -> Nanos {
        self.due
    }

    /// The loop is here, and its last turn took this long.
    pub(super) fn look(&mut self, now: Nanos, turn: Nanos) {
        self.busy = self.busy + turn;
        if now >= self.due {
            if self.late.len() < PROBES_MAX {
                self.late.push((now - self.due).0);
            }
            self.due = now + PERIOD;
        }
    }

    pub(super) fn end(self) -> LoopLag {
        LoopLag { busy: self.busy, ..summarise(self.late) }
    }
}

/// The maximum of the probes, and their p99 by nearest rank; of fewer than 300 probes the third largest, because two late
/// ones are a hiccup and not a starved loop.
fn summarise(mut late: Vec<u64>) -> LoopLag {
    late.sort_unstable();
    let rank = (late.len() * 99).div_ceil(100).min(late.len().saturating_sub(HICCUPS)).saturating_sub(1);
    LoopLag {
        p99: Nanos(late.get(rank).copied().unwrap_or(0)),
        max: Nanos(late.last().copied().unwrap_or(0)),
        probes: late.len() as u64,
        busy: Nanos::ZERO,
    }
}

const HICCUPS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hiccups_are_forgiven_and_a_starved_loop_is_not() {
        let p99 = |late: Vec<u64>| summarise(late).p99.0;
        assert_eq!(p99(vec![]), 0);
        assert_eq!(p99([vec![1; 60], vec![90, 91]].concat()), 1);
        assert_eq!(p99([vec![1; 60], vec![90, 91, 92]].concat()), 90);
        assert_eq!(p99((1..=1_000).collect()), 990);
        assert_eq!(summarise(vec![3, 9, 1]).max, Nanos(9));
    }
}
