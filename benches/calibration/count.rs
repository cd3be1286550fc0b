//! Counts of verdicts, their exact bounds, and the promises that they are held to.

use std::fmt;

use llm_loadtest::gate::Decision;
use llm_loadtest::stats::clopper_pearson;

use crate::gates::Played;

/// Verdicts of one world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) pass: u64,
    pub(crate) fail: u64,
    pub(crate) undecided: u64,
    pub(crate) invalid: u64,
    /// Candidate rounds of all gates together.
    pub(crate) rounds: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, played: Played) {
        self.rounds += played.rounds as u64;
        match played.decision {
            Decision::Pass => self.pass += 1,
            Decision::Fail => self.fail += 1,
            Decision::Inconclusive => self.undecided += 1,
            Decision::Invalid => self.invalid += 1,
        }
    }

    pub(crate) fn gates(self) -> u64 {
        self.pass + self.fail + self.undecided + self.invalid
    }

    pub(crate) fn passes(self) -> Share {
        Share { hits: self.pass, of: self.gates() }
    }

    pub(crate) fn fails(self) -> Share {
        Share { hits: self.fail, of: self.gates() }
    }

    pub(crate) fn undecided(self) -> Share {
        Share { hits: self.undecided + self.invalid, of: self.gates() }
    }

    pub(crate) fn mean_rounds(self) -> f64 {
        self.rounds as f64 / self.gates().max(1) as f64
    }
}

impl FromIterator<Played> for Tally {
    fn from_iter<I: IntoIterator<Item = Played>>(played: I) -> Self {
        played.into_iter().fold(Self::default(), |mut tally, played| {
            tally.add(played);
            tally
        })
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hits: u64,
    pub(crate) of: u64,
}

impl Share {
    pub(crate) fn count(marks: impl IntoIterator<Item = bool>) -> Self {
        marks.into_iter().fold(Self { hits: 0, of: 0 }, |share, mark| Self {
            hits: share.hits + u64::from(mark),
            of: share.of + 1,
        })
    }

    pub(crate) fn percent(self) -> f64 {
        100.0 * self.hits as f64 / self.of.max(1) as f64
    }

    /// Exact 95 % bounds, in percent.
    pub(crate) fn bounds(self) -> (f64, f64) {
        let (low, high) = clopper_pearson(self.hits, self.of, 0.025);
        (100.0 * low, 100.0 * high)
    }
}

impl fmt::Display for Share {
    /// `2.3 % (1.7 … 3.0)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.bounds();
        write!(f, "{:.1} % ({low:.1} … {high:.1})", self.percent())
    }
}

/// What was promised, what was aimed at, and what of both the counts contradict.
#[derive(Debug, Default)]
pub(crate) struct Promises {
    kept: usize,
    broken: Vec<String>,
    reached: usize,
    missed: Vec<String>,
}

/// A promise is called broken when counts like these, or worse, had at most this chance under it: a run holds dozens of them.
const SURPRISE: f64 = 0.000_5;

impl Promises {
    /// The true share is at most so many percent.
    pub(crate) fn at_most(&mut self, what: &str, share: Share, percent: f64) {
        let (low, _) = clopper_pearson(share.hits, share.of, SURPRISE);
        self.note(100.0 * low <= percent, || format!("{what}: {share}, promised at most {percent} %"));
    }

    /// The true share is at least so many percent.
    pub(crate) fn at_least(&mut self, what: &str, share: Share, percent: f64) {
        let (_, high) = clopper_pearson(share.hits, share.of, SURPRISE);
        self.note(100.0 * high >= percent, || format!("{what}: {share}, promised at least {percent} %"));
    }

    /// An aim is printed where it is missed, and breaks nothing: the share as counted is at least so many percent.
    pub(crate) fn aim(&mut self, what: &str, share: Share, percent: f64) {
        if share.percent() >= percent {
            self.reached += 1;
        } else {
            self.missed.push(format!("{what}: {share}, aimed at {percent} %"));
        }
    }

    pub(crate) fn note(&mut self, kept: bool, what: impl FnOnce() -> String) {
        if kept {
            self.kept += 1;
        } else {
            self.broken.push(what());
        }
    }

    /// Says what was held, and whether all of it was.
    pub(crate) fn settle(&self) -> bool {
        println!(
            "\n{} promises kept, {} broken; {} aims reached, {} missed",
            self.kept,
            self.broken.len(),
            self.reached,
            self.missed.len()
        );
        for missed in &self.missed {
            println!("- missed: {missed}");
        }
        for broken in &self.broken {
            println!("- broken: {broken}");
        }
        self.broken.is_empty()
    }
}
