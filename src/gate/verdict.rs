//! The answer, as a value: renderers choose words and colours, nothing else.

use crate::config::{Bound, Objective};
use crate::record::MetricKey;

/// The four answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Every gating cell is shown to be within its limit.
    Pass,
    /// At least one gating cell is shown to be beyond its limit, or a hard rule was broken.
    Fail,
    /// Neither, after the budget.
    Inconclusive,
    /// The measurement must not be judged.
    Invalid,
}

impl Decision {
    pub fn id(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
        }
    }
}

/// What the comparison rests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Basis {
    /// No baseline: absolute objectives only.
    None,
    /// One to four stored sessions and a declared (or known) session noise, as a relative sd.
    FewSessions { sessions: usize, assumed_noise: f64 },
    /// Five or more stored sessions.
    Sessions { sessions: usize },
    /// Blocks of a round of each side, one after the other, under the same prompts and arrivals.
    Pairs { pairs: usize },
    /// Rounds of one result against rounds of another (`compare A B`): one session each.
    TwoResults { assumed_noise: f64 },
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub decision: Decision,
    /// One sentence: what happened.
    pub headline: String,
    /// One sentence: what to do next.
    pub next: String,
    pub basis: Basis,
    /// One-sided level of each error, and the number of tested gating cells that share it.
    pub alpha: f64,
    pub family: usize,
    /// One-sided level of a single look: α itself, or less where the evidence is looked at several times. The shown intervals
    /// miss the truth on each side with this probability.
    pub level: f64,
    /// Candidate rounds judged.
    pub rounds: usize,
    /// Numbers of rounds after which the evidence is looked at.
    pub looks: Vec<u32>,
    /// Gating cells first, worst first; then the reported ones in catalogue order.
    pub cells: Vec<Judgement>,
    /// Hard rules that were broken, for example the error rate.
    pub broken_rules: Vec<String>,
    /// Median of the standardised differences (positive is worse), when three or more gating comparisons all moved the same way
    /// by more than one standard error: points at the machine or the baseline.
    pub common_shift: Option<f64>,
    /// Reported cells that Benjamini and Hochberg's procedure at 0.10 marks; never part of the decision.
    pub worth_a_look: Vec<(String, MetricKey)>,
}

/// One number judged at one level.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The level's label, `c=32`.
    pub level: String,
    pub key: MetricKey,
    pub rule: Rule,
    pub status: Status,
    /// Typical baseline value in the metric's unit (geometric mean of sessions for log metrics).
    pub baseline: Option<f64>,
    /// Typical candidate value in the metric's unit (median of rounds); none when no round has one.
    pub now: Option<f64>,
    /// Change against the baseline, or distance from the limit for an objective.
    pub effect: Option<Effect>,
    /// Smallest true change for the worse that this evidence would have called a failure with 80 % probability, signed and scaled
    /// as `Effect`: −0.09 is 9 % less throughput.
    pub detectable: Option<f64>,
    /// p-values of FAIL (`change ≤ limit`) and of PASS (`change ≥ limit`).
    pub p_fail: Option<f64>,
    pub p_pass: Option<f64>,
    /// Candidate rounds in the metric's unit, in order.
    pub rounds: Vec<f64>,
    /// The baseline's round of each block, in order; empty where there are no blocks.
    pub baseline_rounds: Vec<f64>,
    /// Samples behind the value in the smallest round.
    pub samples: u64,
    /// What the p-values were computed from; none where nothing was tested.
    pub test: Option<Test>,
}

/// The test of a cell, on the scale of scores: logarithms for latencies and rates, shares as they are; larger is worse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    pub method: Method,
    /// The candidate's score minus the baseline's, or minus the limit's.
    pub difference: f64,
    /// Standard error of the difference.
    pub se: f64,
    /// Degrees of freedom, fractional or infinite.
    pub freedom: f64,
    /// Difference of scores that the limit allows.
    pub allowance: f64,
}

/// How the p-values of a cell come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Student's t on the difference.
    Student,
    /// Exact sign flips of the blocks: the 1-trimmed mean for passing, the largest t of a family of several for failing.
    SignFlip,
}

/// What a cell is judged by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// May not be worse than the baseline by more than this (relative, or absolute for ratios).
    Tolerance(f64),
    Objective(Objective),
    /// Shown, never gating.
    Report,
}

impl Rule {
    pub fn bound(self) -> Option<Bound> {
        match self {
            Self::Objective(objective) => Some(objective.bound),
            Self::Tolerance(_) | Self::Report => None,
        }
    }
}

/// How a cell stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    Pass,
    /// Within the limit, yet shown to be worse than the baseline.
    PassSlower,
    Fail,
    /// Neither shown; `above` when the estimate lies beyond the limit without being confirmed.
    Undecided {
        above: bool,
    },
    /// Not judged: the reason, for example too few samples for its quantile.
    NotJudged(String),
    /// A reported cell.
    Reported,
}

/// A change, signed so that positive is a larger value of the metric. Relative (0.05 is +5 %) or absolute for ratios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effect {
    pub change: f64,
    pub low: f64,
    pub high: f64,
    /// Whether `change` is absolute (points of a ratio) rather than relative.
    pub absolute: bool,
}
