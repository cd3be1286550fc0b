//! How late the engine's own loop runs: the client's first witness against itself.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::Nanos;

/// How late a timer of the engine's loop fired, over a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoopLag {
    pub p99: Nanos,
    pub max: Nanos,
    pub probes: u64,
}

/// Long enough to cost nothing, short enough for a hundred probes a second.
const PERIOD: Duration = Duration::from_millis(10);
/// tokio's timer wheel turns in milliseconds, so a probe is up to one late by design.
const TIMER_GRAIN: Duration = Duration::from_millis(1);
/// Eleven days of probes; beyond it the oldest finding stands.
const PROBES_MAX: usize = 100_000_000;

/// Probes until it is dropped or aborted; the lateness of each probe goes to `late`.
pub(super) async fn probe(late: &mut Vec<u64>) {
    loop {
        let due = Instant::now() + PERIOD;
        tokio::time::sleep_until(due).await;
        if late.len() < PROBES_MAX {
            let lag = (Instant::now() - due).saturating_sub(TIMER_GRAIN);
            late.push(u64::try_from(lag.as_nanos()).unwrap_or(u64::MAX));
        }
    }
}

/// The maximum of the probes, and their p99 by nearest rank; of fewer than 300 probes the third largest, because two late
/// ones are a hiccup and not a starved loop.
pub(super) fn summarise(mut late: Vec<u64>) -> LoopLag {
    late.sort_unstable();
    let rank = (late.len() * 99).div_ceil(100).min(late.len().saturating_sub(HICCUPS)).saturating_sub(1);
    LoopLag {
        p99: Nanos(late.get(rank).copied().unwrap_or(0)),
        max: Nanos(late.last().copied().unwrap_or(0)),
        probes: late.len() as u64,
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
