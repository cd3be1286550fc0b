//! What was measured, block by block, on one side or two, and the document that is made of it.

use crate::base::Seed;
use crate::config::RunPlan;
use crate::document::v1::{PairsParts, RoundParts, RunDocument, RunParts};
use crate::gate::{RoundValues, Verdict};
use crate::host::RealClock;
use crate::metrics::Summary;
use crate::record::{Arm, Environment, MetricKey};
use crate::search::Search;
use crate::validity::Finding;

/// Everything that was measured.
pub(super) struct Measurement {
    pub(super) rounds: Vec<Round>,
    /// The baseline's side, where its server takes turns with the candidate's.
    pub(super) beside: Option<Beside>,
    pub(super) findings: Vec<Finding>,
    pub(super) environment: Environment,
    /// Stopped before its end.
    pub(super) partial: bool,
    /// When it began, RFC 3339.
    pub(super) created: String,
    /// The wall clock at the zero of every instant, RFC 3339.
    pub(super) clock_origin: String,
}

/// What the baseline's server answered in the same blocks.
pub(super) struct Beside {
    pub(super) rounds: Vec<Round>,
    pub(super) environment: Environment,
    /// The side that each block began with.
    pub(super) first: Vec<Arm>,
}

/// One pass over the plan's levels.
pub(super) struct Round {
    pub(super) number: u32,
    pub(super) seed: Seed,
    pub(super) levels: Vec<(String, Summary)>,
}

/// What one pass brought.
pub(super) struct Passed {
    pub(super) round: Round,
    pub(super) findings: Vec<Finding>,
    pub(super) interrupted: bool,
}

impl Round {
    /// One level as the gate reads it, and the extra keys that a policy names; none where it was not measured.
    pub(super) fn values(&self, label: &str, keys: &[MetricKey]) -> Option<RoundValues> {
        let (_, summary) = self.levels.iter().find(|(name, _)| name == label)?;
        Some(RoundValues::read_with(summary, keys.iter().copied()))
    }
}

impl Measurement {
    /// Nothing yet, from now on, by this clock.
    pub(super) fn new(environment: Environment, clock: &RealClock) -> Self {
        Self {
            rounds: Vec::new(),
            beside: None,
            findings: Vec::new(),
            environment,
            partial: false,
            created: RealClock::wall(),
            clock_origin: clock.origin(),
        }
    }

    /// Books a pass on its side. What was found is found in the candidate's rounds unless it says otherwise.
    pub(super) fn take(&mut self, arm: Arm, passed: Passed) {
        let Passed { round, findings, interrupted } = passed;
        self.partial |= interrupted;
        let Some(beside) = &mut self.beside else {
            self.findings.extend(findings);
            self.rounds.push(round);
            return;
        };
        if beside.rounds.len() == self.rounds.len() {
            beside.first.push(arm);
        }
        match arm {
            Arm::Candidate => self.rounds.push(round),
            Arm::Baseline => beside.rounds.push(round),
        }
        let of_arm = |finding: Finding| match arm {
            Arm::Candidate => finding,
            Arm::Baseline => {
                Finding { message: format!("in the baseline's rounds: {}", finding.message), ..finding }
            }
        };
        self.findings.extend(findings.into_iter().map(of_arm));
    }

    pub(super) fn document(&self, plan: &RunPlan, verdict: Option<&Verdict>, carried: u64) -> RunDocument {
        self.build(plan, &plan.workload_hash(), verdict, None, carried)
    }

    /// The result of a search; the hash is that of the plan that asked for it.
    pub(super) fn searched(&self, plan: &RunPlan, hash: &str, search: &Search) -> RunDocument {
        self.build(plan, hash, None, Some(search), 0)
    }

    fn build(
        &self,
        plan: &RunPlan,
        hash: &str,
        verdict: Option<&Verdict>,
        search: Option<&Search>,
        carried: u64,
    ) -> RunDocument {
        let rounds = parts(&self.rounds);
        let baseline = self.beside.as_ref().map(|beside| parts(&beside.rounds)).unwrap_or_default();
        RunDocument::new(RunParts {
            tool: env!("CARGO_PKG_VERSION"),
            created: &self.created,
            clock_origin: &self.clock_origin,
            partial: self.partial,
            plan,
            workload_hash: hash,
            environment: &self.environment,
            rounds: &rounds,
            pairs: self.beside.as_ref().map(|beside| PairsParts {
                environment: &beside.environment,
                first: &beside.first,
                rounds: &baseline,
            }),
            carried,
            findings: &self.findings,
            verdict,
            search,
        })
    }
}

fn parts(rounds: &[Round]) -> Vec<RoundParts<'_>> {
    rounds
        .iter()
        .map(|round| RoundParts {
            round: round.number,
            seed: round.seed,
            levels: round.levels.iter().map(|(label, summary)| (label.clone(), summary)).collect(),
        })
        .collect()
}
