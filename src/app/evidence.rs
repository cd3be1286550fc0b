//! The case of a gate: what is held against what, what earlier gates have gathered, and when it is decided.

use super::error::AppError;
use super::home;
use super::measurement::{Measurement, Round};
use super::server::{self, Server};
use super::watch::Watcher;
use crate::base::{Hint, Nanos};
use crate::config::{GatePolicy, Launch, Resolved, RunPlan, Starter};
use crate::document::v1::{
    BaselineDocument, BlockDocument, BlockLevel, DEFINITIONS, Format, Kind, LedgerDocument, SessionRound,
    StoredDocument, VerdictDocument,
};
use crate::gate::{Against, Decision, Evidence, LevelEvidence, RoundValues, SessionRounds, Verdict, decide};
use crate::host::RealClock;
use crate::record::{Environment, MetricKey};
use crate::store::Ledgers;
use crate::validity::{Finding, Severity, check_environment};

/// What the candidate is held against.
pub(super) enum Reference {
    /// Stored sessions, where there are any.
    Stored(Option<Box<BaselineDocument>>),
    /// The baseline's own server, in pairs.
    Server,
}

/// Everything that a verdict rests on besides what is being measured.
pub(super) struct Case<'a> {
    plan: &'a RunPlan,
    policy: GatePolicy,
    reference: Reference,
    /// Extra numbers that the policy names.
    keys: Vec<MetricKey>,
    ledger: Option<(Ledgers, LedgerDocument)>,
    /// Blocks that earlier gates of this question have measured.
    pub(super) carried: u32,
    /// What is known before anything is measured, and what the measurement's end adds.
    pub(super) findings: Vec<Finding>,
}

impl<'a> Case<'a> {
    /// Reads what is there already. Evidence from another machine is refused before any load.
    pub(super) fn open(
        resolved: &'a Resolved,
        server: &Server,
        reference: Reference,
    ) -> Result<Self, AppError> {
        let plan = &resolved.plan;
        let gate = &plan.gate;
        let objectives = gate.objectives.iter().map(|objective| objective.key);
        let keys = gate.tolerances.keys().copied().chain(objectives).collect();
        let ledger = ledger(resolved, server, &reference)?;
        let carried = ledger.as_ref().map_or(0, |(_, ledger)| ledger.blocks.len() as u32);
        let policy = gate.clone();
        let findings = match &reference {
            Reference::Stored(Some(baseline)) => against(baseline, &server.environment, &RealClock::wall()),
            Reference::Stored(None) | Reference::Server => Vec::new(),
        };
        Ok(Self { plan, policy, reference, keys, ledger, carried, findings })
    }

    /// Takes a noise between days that was seen in the place of the declared one.
    pub(super) fn has_seen(&mut self, noise: f64) {
        self.policy.assumed_noise = noise;
    }

    /// What the reader should know before the load.
    pub(super) fn introduction(&self) -> Vec<String> {
        let looks: Vec<String> = self.plan.gate.looks.counts().iter().map(u32::to_string).collect();
        let looks = looks.join(", ");
        let mut lines = Vec::new();
        if let Reference::Server = self.reference {
            lines.push(format!("pairs: a round of each server in turn, looked at after {looks}"));
        }
        if self.carried > 0 {
            let what = if let Reference::Server = self.reference { "pairs" } else { "rounds" };
            let more =
                if self.is_settled() { "they decide, and nothing is measured" } else { "new ones are added" };
            lines.push(format!("evidence: {} {what} of earlier gates count; {more}", self.carried));
        }
        lines
    }

    /// Whether earlier evidence alone decides, or has used up all looks.
    pub(super) fn is_settled(&self) -> bool {
        let looks = &self.plan.gate.looks;
        let looked = looks.counts().contains(&self.carried);
        self.carried >= looks.last() || (looked && settled(&self.verdict(None)))
    }

    /// Takes note of a new block: keeps it, and says whether to stop.
    pub(super) fn hear(
        &mut self,
        measured: &Measurement,
        spent: Nanos,
        watcher: &mut dyn Watcher,
    ) -> Result<bool, AppError> {
        // Nothing that is measured from here on could repair an invalid measurement.
        if measured.findings.iter().any(|finding| finding.severity == Severity::Invalid) {
            return Ok(true);
        }
        self.keep(measured)?;
        let looks = &self.plan.gate.looks;
        let new = measured.rounds.len() as u32;
        let all = self.carried + new;
        if !looks.counts().contains(&all) {
            return Ok(false);
        }
        let verdict = self.verdict(Some(measured));
        if settled(&verdict) {
            let saved = looks.last().saturating_sub(all);
            if saved > 0 {
                watcher.note(&format!(
                    "decided after {all} of at most {}: {} ({saved} saved)",
                    looks.last(),
                    verdict.decision.id()
                ));
            }
            return Ok(true);
        }
        let Some(next) = looks.next(all) else { return Ok(true) };
        watcher.note(&format!("not decided after {all}; looking again after {next}"));
        let needed = spent.secs() * (1.0 + f64::from(next - all) / f64::from(new));
        if let Some(budget) = self.plan.gate.budget.filter(|budget| needed > budget.secs()) {
            watcher.note(&format!("the budget of {budget} does not reach to the next look"));
            return Ok(true);
        }
        Ok(false)
    }

    /// The verdict on earlier evidence and what was measured now.
    pub(super) fn verdict(&self, measured: Option<&Measurement>) -> Verdict {
        let levels = self.plan.levels.iter().map(|level| self.level(level.label(), measured)).collect();
        let mut findings = self.findings.clone();
        findings.extend(measured.into_iter().flat_map(|measured| measured.findings.iter().cloned()));
        decide(&Evidence { levels }, &self.policy, &findings)
    }

    /// What the stored sessions say of themselves, where the verdict rests on any.
    pub(super) fn stored(&self, verdict: &VerdictDocument) -> Option<StoredDocument> {
        match &self.reference {
            Reference::Stored(Some(baseline)) => StoredDocument::new(baseline, &RealClock::wall(), verdict),
            Reference::Stored(None) | Reference::Server => None,
        }
    }

    fn level(&self, label: String, measured: Option<&Measurement>) -> LevelEvidence {
        let earlier = |pick: fn(&BlockLevel) -> Option<&SessionRound>| {
            let blocks = self.ledger.iter().flat_map(|(_, ledger)| &ledger.blocks[..self.carried as usize]);
            blocks
                .flat_map(|block| &block.levels)
                .filter(|level| level.label == label)
                .filter_map(pick)
                .map(RoundValues::from)
                .collect::<Vec<_>>()
        };
        let now = |rounds: &[Round]| {
            rounds.iter().filter_map(|round| round.values(&label, &self.keys)).collect::<Vec<_>>()
        };
        let mut candidate = earlier(|level| Some(&level.candidate));
        candidate.extend(measured.map(|measured| now(&measured.rounds)).unwrap_or_default());
        let against = match &self.reference {
            Reference::Server => {
                let mut rounds = earlier(|level| level.baseline.as_ref());
                let beside = measured.and_then(|measured| measured.beside.as_ref());
                rounds.extend(beside.map(|beside| now(&beside.rounds)).unwrap_or_default());
                // Of an interrupted block there may be one side only.
                rounds.truncate(candidate.len());
                candidate.truncate(rounds.len());
                Against::Pairs(rounds)
            }
            Reference::Stored(baseline) => {
                let sessions =
                    baseline.as_ref().map(|baseline| baseline.sessions(&label)).unwrap_or_default();
                Against::Sessions(sessions.into_iter().map(|rounds| SessionRounds { rounds }).collect())
            }
        };
        LevelEvidence { label, candidate, against }
    }

    /// Adds the newest block to the ledger.
    fn keep(&mut self, measured: &Measurement) -> Result<(), AppError> {
        let (Some((ledgers, ledger)), Some(round)) = (&mut self.ledger, measured.rounds.last()) else {
            return Ok(());
        };
        let beside = measured.beside.as_ref().and_then(|beside| beside.rounds.last());
        let levels = round.levels.iter().filter_map(|(label, _)| {
            let side = |round: &Round| Some(SessionRound::from(&round.values(label, &self.keys)?));
            Some(BlockLevel {
                label: label.clone(),
                candidate: side(round)?,
                baseline: beside.and_then(side),
            })
        });
        ledger.blocks.push(BlockDocument {
            created: measured.created.clone(),
            seed: round.seed.0,
            levels: levels.collect(),
        });
        env!("CARGO_PKG_VERSION").clone_into(&mut ledger.tool);
        ledgers.write(ledger)?;
        Ok(())
    }
}

/// Whether more evidence could not, or need not, change the answer.
fn settled(verdict: &Verdict) -> bool {
    verdict.decision != Decision::Inconclusive
}

/// What differs between the newest stored session's machine and this one, and whether it is long ago.
pub(super) fn against(baseline: &BaselineDocument, environment: &Environment, now: &str) -> Vec<Finding> {
    let Some(newest) = baseline.sessions.last() else { return Vec::new() };
    let mut findings = check_environment(&Environment::from(&newest.environment), environment);
    let age = baseline.max_age().and(newest.age_days(now)).filter(|age| *age > BaselineDocument::STALE_DAYS);
    findings.extend(age.map(|age| Finding {
        severity: Severity::Warning,
        code: "baseline_age".to_owned(),
        message: format!(
            "the newest stored session is {} days old, and the machine may have changed since",
            age.floor()
        ),
        hint: Some(Hint::new(
            "measure the main branch every night, and store the result: llm-loadtest baseline save",
        )),
        level: None,
        round: None,
    }));
    findings
}

/// The evidence of this question, where the question has a name. Only who names the head says that it is the same one again:
/// a job may well judge several servers of one commit.
fn ledger(
    resolved: &Resolved,
    server: &Server,
    reference: &Reference,
) -> Result<Option<(Ledgers, LedgerDocument)>, AppError> {
    let plan = &resolved.plan;
    let base = match reference {
        Reference::Server => resolved.outputs.base.clone(),
        Reference::Stored(None) => return Ok(None),
        Reference::Stored(Some(baseline)) => {
            let ids: Vec<&str> = baseline.sessions.iter().map(|session| session.id.as_str()).collect();
            Some(ids.join(","))
        }
    };
    let (Some(head), Some(base)) = (resolved.outputs.head.as_deref(), base) else { return Ok(None) };
    // A simulated server is what its address says, planted changes and all, and a started one is what was started.
    let base = if server.restarts() { format!("{base}; {}", sides(plan)) } else { base };
    let base = base.as_str();
    let key = server::key(plan, server);
    let ledgers = home::evidence(&resolved.outputs).ledgers()?;
    let Some(found) = ledgers.find(&key, head, base)? else {
        let ledger = LedgerDocument {
            format: Format::current(Kind::Ledger),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            definitions: DEFINITIONS.to_owned(),
            key,
            head: head.to_owned(),
            base: base.to_owned(),
            environment: (&server.environment).into(),
            blocks: Vec::new(),
        };
        return Ok(Some((ledgers, ledger)));
    };
    let path = ledgers.path(&key, head, base);
    let apart = check_environment(&Environment::from(&found.environment), &server.environment);
    let moved = apart.into_iter().find(|finding| finding.severity == Severity::Invalid);
    let other = (found.definitions != DEFINITIONS).then(|| "it follows other metric definitions".to_owned());
    if let Some(reason) = moved.map(|finding| finding.message).or(other) {
        return Err(AppError::usage(
            format!("the evidence in {} cannot be added to: {reason}", path.display()),
            "go on where it was gathered, or delete the file to start over here",
        ));
    }
    Ok(Some((ledgers, found)))
}

/// The addresses of both sides, and what is started there.
fn sides(plan: &RunPlan) -> String {
    let side = |urls: &[String], launch: Option<&Launch>| match launch.map(|launch| &launch.starter) {
        None => urls.join(","),
        Some(Starter::Command(line)) => line.clone(),
        Some(Starter::Image(image)) => format!("{} {}", image.name, image.args.join(" ")),
    };
    let baseline = plan
        .baseline
        .as_ref()
        .map(|baseline| side(&baseline.base_urls, baseline.launch.as_ref()))
        .unwrap_or_default();
    format!("{} against {baseline}", side(&plan.target.base_urls, plan.target.launch.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::{SessionDocument, sample};

    #[test]
    fn a_real_machines_old_baseline_is_read_with_care() {
        let run = sample::run();
        let mut baseline =
            BaselineDocument::empty(run.fingerprint.clone(), run.plan.workload.clone(), "0.1.0");
        let environment = sample::environment();
        let found = |baseline: &BaselineDocument, now: &str| {
            let all = against(baseline, &environment, now);
            all.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>()
        };
        assert!(found(&baseline, "2026-02-01T00:00:00Z").is_empty());
        baseline.sessions.push(SessionDocument::from_run(&run, "a", None));
        assert!(found(&baseline, "2026-01-16T03:04:00Z").is_empty());
        let old = ["the newest stored session is 20 days old, and the machine may have changed since"];
        assert_eq!(found(&baseline, "2026-01-23T00:00:00Z"), old);
        baseline.sessions[0].environment.network_path = "simulated".to_owned();
        assert!(found(&baseline, "2026-06-01T00:00:00Z").iter().all(|message| !message.contains("days old")));
    }
}
