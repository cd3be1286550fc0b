//! What the environment asks for, and the threads that the work is shared by.

use std::num::NonZero;
use std::thread;

use llm_loadtest::base::Seed;

/// How much is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) seed: Seed,
    /// The tables of docs/CALIBRATION.md rather than a short check.
    pub(crate) full: bool,
    gates: Option<u64>,
}

impl Options {
    /// `FULL=1`, `SEED=7`, `GATES=500`.
    pub(crate) fn read() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        Self {
            seed: Seed(number("SEED").unwrap_or(1)),
            full: number("FULL").is_some_and(|full| full > 0),
            gates: number("GATES"),
        }
    }

    /// How often something is played: `GATES`, else one of two numbers.
    pub(crate) fn times(self, short: u64, full: u64) -> u64 {
        self.gates.unwrap_or(if self.full { full } else { short })
    }
}

/// The results of `0..count`, in order, whatever the number of threads.
pub(crate) fn each<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let share = count.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = (0..threads)
            .map(|part| {
                let range = (part * share).min(count)..((part + 1) * share).min(count);
                scope.spawn(move || range.map(work).collect::<Vec<T>>())
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("a part of the work")).collect()
    })
}
