//! The verdict in a file: the words and numbers that every renderer repeats.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::six;
use super::{ObjectiveDocument, StoredDocument};
use crate::gate::{Basis, Decision, Effect, Judgement, Method, Rule, Status, Test, Verdict};

/// The answer and its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictDocument {
    pub decision: DecisionDocument,
    /// What happened, in one sentence.
    pub headline: String,
    /// What to do next, in one sentence.
    pub next: String,
    pub basis: BasisDocument,
    /// One-sided level of each error.
    pub alpha: f64,
    /// Gating cells that share the level.
    pub family: u64,
    /// One-sided level of a single look, and of each end of the shown intervals; null in older files: α.
    #[serde(default)]
    pub level: Option<f64>,
    /// Candidate rounds judged.
    pub rounds: u64,
    /// Numbers of rounds after which the evidence is looked at; empty in older files.
    #[serde(default)]
    pub looks: Vec<u32>,
    /// Gating cells first, worst first; then the reported ones.
    pub cells: Vec<JudgementDocument>,
    pub broken_rules: Vec<String>,
    pub common_shift: Option<f64>,
    pub worth_a_look: Vec<LookDocument>,
    /// The stored sessions that it rests on, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<StoredDocument>,
}

/// The four answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionDocument {
    Pass,
    Fail,
    Inconclusive,
    Invalid,
}

/// What the comparison rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BasisDocument {
    None,
    FewSessions { sessions: u64, assumed_noise: f64 },
    Sessions { sessions: u64 },
    TwoResults { assumed_noise: f64 },
    Pairs { pairs: u64 },
}

/// One number judged at one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JudgementDocument {
    pub level: String,
    /// The number's name, for example `ttft_p95`.
    pub metric: String,
    pub rule: RuleDocument,
    pub status: StatusDocument,
    pub baseline: Option<f64>,
    pub now: Option<f64>,
    pub effect: Option<EffectDocument>,
    /// Smallest true change that would have failed with 80 % probability.
    pub detectable: Option<f64>,
    pub p_fail: Option<f64>,
    pub p_pass: Option<f64>,
    /// Candidate rounds, in order.
    pub rounds: Vec<f64>,
    /// The baseline's round of each block, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baseline_rounds: Vec<f64>,
    pub samples: u64,
    /// What the p-values were computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<TestDocument>,
}

/// The test of a number, on the scale of scores: logarithms of latencies and rates, shares as they are; larger is worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestDocument {
    pub method: MethodDocument,
    pub difference: f64,
    pub se: f64,
    /// Degrees of freedom; null: infinite.
    pub freedom: Option<f64>,
    /// Difference that the limit allows.
    pub allowance: f64,
}

/// How the p-values come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodDocument {
    /// Student's t.
    Student,
    /// Exact sign flips of the blocks.
    SignFlip,
}

/// What a cell is judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RuleDocument {
    Tolerance { tolerance: f64 },
    Objective { objective: ObjectiveDocument },
    Report,
}

/// How a cell stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StatusDocument {
    Pass,
    PassSlower,
    Fail,
    Undecided { above: bool },
    NotJudged { reason: String },
    Reported,
}

/// A change and the interval that the verdict used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EffectDocument {
    pub change: f64,
    /// Null where the evidence sets no bound.
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Points of a share rather than a relative change.
    pub absolute: bool,
}

/// A reported number that moved enough to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookDocument {
    pub level: String,
    pub metric: String,
}

impl From<&Verdict> for VerdictDocument {
    fn from(verdict: &Verdict) -> Self {
        let Verdict {
            decision,
            headline,
            next,
            basis,
            alpha,
            family,
            level,
            rounds,
            looks,
            cells,
            broken_rules,
            common_shift,
            worth_a_look,
        } = verdict;
        Self {
            decision: (*decision).into(),
            headline: headline.clone(),
            next: next.clone(),
            basis: basis.into(),
            alpha: six(*alpha),
            family: *family as u64,
            level: Some(six(*level)),
            rounds: *rounds as u64,
            looks: looks.clone(),
            cells: cells.iter().map(JudgementDocument::from).collect(),
            broken_rules: broken_rules.clone(),
            common_shift: common_shift.map(six),
            worth_a_look: worth_a_look
                .iter()
                .map(|(level, key)| LookDocument { level: level.clone(), metric: key.to_string() })
                .collect(),
            baseline: None,
        }
    }
}

impl From<Decision> for DecisionDocument {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Pass => Self::Pass,
            Decision::Fail => Self::Fail,
            Decision::Inconclusive => Self::Inconclusive,
            Decision::Invalid => Self::Invalid,
        }
    }
}

impl From<&Basis> for BasisDocument {
    fn from(basis: &Basis) -> Self {
        match *basis {
            Basis::None => Self::None,
            Basis::FewSessions { sessions, assumed_noise } => {
                Self::FewSessions { sessions: sessions as u64, assumed_noise: six(assumed_noise) }
            }
            Basis::Sessions { sessions } => Self::Sessions { sessions: sessions as u64 },
            Basis::Pairs { pairs } => Self::Pairs { pairs: pairs as u64 },
            Basis::TwoResults { assumed_noise } => Self::TwoResults { assumed_noise: six(assumed_noise) },
        }
    }
}

impl From<&Judgement> for JudgementDocument {
    fn from(judgement: &Judgement) -> Self {
        let Judgement {
            level,
            key,
            rule,
            status,
            baseline,
            now,
            effect,
            detectable,
            p_fail,
            p_pass,
            rounds,
            baseline_rounds,
            samples,
            test,
        } = judgement;
        // JSON has no infinity and no NaN: such a number is null.
        let finite = |value: &f64| value.is_finite().then(|| six(*value));
        Self {
            level: level.clone(),
            metric: key.to_string(),
            rule: rule.into(),
            status: status.into(),
            baseline: baseline.as_ref().and_then(finite),
            now: now.as_ref().and_then(finite),
            effect: effect.as_ref().and_then(EffectDocument::new),
            detectable: detectable.as_ref().and_then(finite),
            p_fail: p_fail.as_ref().and_then(finite),
            p_pass: p_pass.as_ref().and_then(finite),
            rounds: rounds.iter().filter_map(finite).collect(),
            baseline_rounds: baseline_rounds.iter().filter_map(finite).collect(),
            samples: *samples,
            test: test.as_ref().map(TestDocument::from),
        }
    }
}

impl From<&Test> for TestDocument {
    fn from(test: &Test) -> Self {
        let Test { method, difference, se, freedom, allowance } = *test;
        Self {
            method: match method {
                Method::Student => MethodDocument::Student,
                Method::SignFlip => MethodDocument::SignFlip,
            },
            difference: six(difference),
            se: six(se),
            freedom: freedom.is_finite().then(|| six(freedom)),
            allowance: six(allowance),
        }
    }
}

impl From<&Rule> for RuleDocument {
    fn from(rule: &Rule) -> Self {
        match rule {
            Rule::Tolerance(tolerance) => Self::Tolerance { tolerance: six(*tolerance) },
            Rule::Objective(objective) => Self::Objective { objective: objective.into() },
            Rule::Report => Self::Report,
        }
    }
}

impl From<&Status> for StatusDocument {
    fn from(status: &Status) -> Self {
        match status {
            Status::Pass => Self::Pass,
            Status::PassSlower => Self::PassSlower,
            Status::Fail => Self::Fail,
            Status::Undecided { above } => Self::Undecided { above: *above },
            Status::NotJudged(reason) => Self::NotJudged { reason: reason.clone() },
            Status::Reported => Self::Reported,
        }
    }
}

impl EffectDocument {
    fn new(effect: &Effect) -> Option<Self> {
        let Effect { change, low, high, absolute } = *effect;
        let end = |value: f64| value.is_finite().then(|| six(value));
        Some(Self { change: end(change)?, low: end(low), high: end(high), absolute })
    }
}
