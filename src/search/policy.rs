//! What is looked for, how sure and how fine the answer must be, and where the looking starts.

use crate::base::Nanos;

/// Probability at which a level may be called held, or missed, although the truth is the other way round.
pub const ALPHA: f64 = 0.05;

/// Windows of one level at most. Each trebles the evidence, so the last one ends at nine times the first.
pub const WINDOWS_MAX: u32 = 3;

/// Evidence is looked at after every window, so each look gets its part of `ALPHA` (Bonferroni).
pub(super) const TAIL: f64 = ALPHA / WINDOWS_MAX as f64;

/// A window is at least this many answers long, so that a queue that grows has time to show.
const ANSWERS: f64 = 15.0;

/// Seconds of a window under arrivals by the clock: less shows little of a server, more is left to the evidence.
const SECONDS: (f64, f64) = (5.0, 60.0);

/// Which load is turned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Requests per second that arrive by the clock.
    Rate,
    /// Clients that each wait for their answer.
    Concurrency,
}

impl Goal {
    /// The word in documents.
    pub fn id(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Concurrency => "concurrency",
        }
    }

    /// The name of the number that is found (METRICS).
    pub fn metric(self) -> &'static str {
        match self {
            Self::Rate => "max_goodput_rate",
            Self::Concurrency => "max_goodput_concurrency",
        }
    }

    /// The nearest load that can be asked for: a rate of three significant digits, or whole clients.
    pub fn nearest(self, load: f64) -> f64 {
        match self {
            Self::Rate => format!("{load:.2e}").parse().unwrap_or(load),
            Self::Concurrency => load.round().max(1.0),
        }
    }
}

/// What an answer must be like, and what may be spent on it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    pub goal: Goal,
    /// Share of offered requests that must be good, in `0..1`, both ends excluded.
    pub attainment: f64,
    /// Relative width between the highest load that holds and the next one that does not.
    pub precision: f64,
    /// Different loads measured at most.
    pub levels_max: u32,
    /// Time after which no further window starts.
    pub budget: Nanos,
}

/// Where the looking happens, as a single client found it. Invariant: `0 < floor ≤ start ≤ ceiling`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ground {
    pub start: f64,
    /// Less than this is no load at all: what misses here misses everywhere.
    pub floor: f64,
    /// More than this cannot be asked for.
    pub ceiling: f64,
    /// Seconds that one answer takes on an idle server.
    pub answer_s: f64,
}

impl Policy {
    /// Requests that a level's next window needs after `offered` ones: at first as many as can show that the level holds
    /// if all are good, and as a queue needs to show itself; then twice as many as there are, whose longer window also
    /// sees more of a queue that grows slowly.
    pub(super) fn requests(&self, ground: &Ground, load: f64, offered: u64) -> u64 {
        if offered > 0 {
            return 2 * offered;
        }
        let evident = (TAIL.ln() / self.attainment.ln()).ceil();
        let steady = match self.goal {
            Goal::Rate => load * (ANSWERS * ground.answer_s).clamp(SECONDS.0, SECONDS.1),
            Goal::Concurrency => load * ANSWERS,
        };
        evident.max(steady.ceil()) as u64
    }
}
