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

/// The p99 (nearest rank) and the maximum of the probes.
pub(super) fn summarise(mut late: Vec<u64>) -> LoopLag {
    late.sort_unstable();
    let rank = (late.len() * 99).div_ceil(100).saturating_sub(1);
    LoopLag {
        p99: Nanos(late.get(rank).copied().unwrap_or(0)),
        max: Nanos(late.last().copied().unwrap_or(0)),
        probes: late.len() as u64,
    }
}
