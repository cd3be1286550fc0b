//! The two sentences of a verdict: what happened, and what to do next.

use super::cell::{Cell, Standing, Tested};
use super::gap::Gap;
use super::{Basis, Rule, Status, words};
use crate::config::Objective;
use crate::stats::Looks;

/// How the decision was reached.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Must not be judged: the reason, and what to do.
    Invalid {
        reason: String,
        next: String,
    },
    /// Fails by rule: the sentences.
    Broken(Vec<String>),
    Fail,
    Undecided,
    /// There is a baseline, and not one of its numbers could be compared.
    NothingCompared,
    Pass,
    /// There is neither a baseline nor an objective.
    NothingAsked,
}

/// Headline and next step.
pub(super) fn explain(outcome: &Outcome, story: &Story<'_>) -> (String, String) {
    match outcome {
        Outcome::Invalid { reason, next } => (format!("Not judged: {reason}"), next.clone()),
        Outcome::Broken(rules) => (
            rules.first().cloned().unwrap_or_default(),
            "Read the server's log for the failed requests; latency is only judged when requests succeed."
                .to_owned(),
        ),
        Outcome::Fail => (story.failure(), story.after_failure()),
        Outcome::Undecided => (story.doubt(), story.after_doubt()),
        Outcome::NothingCompared => (
            "Could not decide: no gated metric could be compared with the baseline".to_owned(),
            story.after_gaps().unwrap_or_else(|| "Gate a metric that both sides have.".to_owned()),
        ),
        Outcome::Pass => (story.success(), story.after_success()),
        Outcome::NothingAsked => story.nothing_asked(),
    }
}

/// ` at c=32` when there are several levels, else nothing.
pub(super) fn place(label: &str, several: bool) -> String {
    if several { format!(" at {label}") } else { String::new() }
}

/// What the sentences are made of.
pub(super) struct Story<'a> {
    /// Sorted, worst first.
    pub(super) gating: &'a [Cell],
    pub(super) basis: &'a Basis,
    pub(super) common_shift: Option<f64>,
    /// Whether there are several levels, so that each must be named.
    pub(super) several: bool,
    /// Level of the intervals, 1 − 2α.
    pub(super) coverage: f64,
    /// When the evidence is looked at.
    pub(super) looks: &'a Looks,
}

impl Story<'_> {
    fn failure(&self) -> String {
        let mut failed = self.gating.iter().filter(|cell| cell.judgement.status == Status::Fail);
        let first = failed.next().map(|cell| self.beyond(cell)).unwrap_or_default();
        match failed.count() {
            0 => first,
            1 => format!("{first}; 1 more metric is beyond its limit"),
            more => format!("{first}; {more} more metrics are beyond their limits"),
        }
    }

    fn after_failure(&self) -> String {
        let shifted = if self.common_shift.is_some() {
            "All gated metrics moved the same way, so check the machine and the baseline first. "
        } else {
            ""
        };
        let compared = self.gating.iter().any(|cell| {
            cell.judgement.status == Status::Fail && matches!(cell.judgement.rule, Rule::Tolerance(_))
        });
        let act = match (compared, self.basis) {
            (true, Basis::TwoResults { .. }) => "Look at what changed between the two results.",
            (true, Basis::Pairs { .. }) => {
                "Fix the regression, or allow it (--tolerance); running it again adds to this evidence and does not replace it."
            }
            (true, _) => "Fix the regression, or accept it: llm-loadtest baseline save.",
            (false, _) => "Fix the server, or change the limit.",
        };
        format!("{shifted}{act}")
    }

    fn doubt(&self) -> String {
        let mut open = self.gating.iter().filter(|cell| {
            matches!(cell.judgement.status, Status::Undecided { .. })
                || matches!(cell.standing, Standing::Open { blocks: true, .. })
        });
        let first = open.next().map(|cell| self.between(cell)).unwrap_or_default();
        let more = match open.count() {
            0 => String::new(),
            more => format!("; {more} more undecided"),
        };
        format!("Could not decide: {first}{more}")
    }

    fn after_doubt(&self) -> String {
        if let Some(remedy) = self.remedy(|blocks| blocks) {
            return remedy;
        }
        let compared = self.gating.iter().any(|cell| {
            matches!(cell.judgement.rule, Rule::Tolerance(_))
                && matches!(cell.judgement.status, Status::Undecided { .. })
        });
        match (self.basis, compared) {
            (Basis::FewSessions { assumed_noise, .. }, true) => format!(
                "Raise --rounds, or store more sessions (llm-loadtest baseline save): from 5 on their own noise replaces the assumed {} from day to day.",
                words::share(*assumed_noise)
            ),
            (Basis::TwoResults { assumed_noise }, true) => format!(
                "Measure both sides with more rounds (--rounds); two results also carry the assumed {} of noise from day to day, which a stored baseline of 5 sessions replaces.",
                words::share(*assumed_noise)
            ),
            (Basis::Pairs { pairs }, true) if *pairs < self.looks.last() as usize => {
                "Run it again with a larger --budget: more pairs are added to these.".to_owned()
            }
            (Basis::Pairs { .. }, true) => {
                "All pairs are used: allow a larger change, send more requests a round (--num-prompts), or quieten the machine; llm-loadtest plan says which helps.".to_owned()
            }
            (Basis::Sessions { .. }, true) => {
                "Raise --rounds, store more sessions (llm-loadtest baseline save), or allow a larger change."
                    .to_owned()
            }
            _ => "Raise --rounds: more rounds narrow the interval.".to_owned(),
        }
    }

    fn success(&self) -> String {
        let slower = self.gating.iter().find(|cell| cell.judgement.status == Status::PassSlower);
        let compared = self.judged().any(|cell| matches!(cell.judgement.rule, Rule::Tolerance(_)));
        let wanted = self.judged().find(|cell| matches!(cell.judgement.rule, Rule::Objective(_)));
        let untold = self.gating.iter().filter(|cell| matches!(cell.standing, Standing::Open { .. }));
        let untold: Vec<String> =
            untold.filter(|cell| cell.judgement.now.is_some()).map(|cell| self.name(cell)).collect();
        let text = match (compared, wanted) {
            (true, None) => "No serving regression beyond limits".to_owned(),
            (true, Some(_)) => "No serving regression beyond limits, and every objective is met".to_owned(),
            (false, Some(closest)) => format!("Every objective is met (closest: {})", self.beyond(closest)),
            (false, None) => "Nothing is beyond its limit".to_owned(),
        };
        let seen = match (slower, self.coarsest()) {
            (Some(cell), _) => format!(", though {}", self.beyond(cell)),
            (None, Some(coarsest)) => format!(" (could have detected {coarsest})"),
            (None, None) => String::new(),
        };
        let untold =
            if untold.is_empty() { String::new() } else { format!("; not judged: {}", untold.join(", ")) };
        format!("{text}{seen}{untold}")
    }

    fn after_success(&self) -> String {
        if let Some(remedy) = self.after_gaps() {
            return remedy;
        }
        if self
            .gating
            .iter()
            .any(|cell| matches!(cell.standing, Standing::Plain { .. }) && cell.judgement.rounds.len() == 1)
        {
            return "One round has no interval: raise --rounds to 3 or more to see how sure this is."
                .to_owned();
        }
        match self.basis {
            Basis::FewSessions { assumed_noise, .. } => format!(
                "Store more sessions (llm-loadtest baseline save): from 5 on their own noise replaces the assumed {} from day to day.",
                words::share(*assumed_noise)
            ),
            Basis::None => "Store this result as the first baseline: llm-loadtest baseline save.".to_owned(),
            Basis::Sessions { .. } | Basis::TwoResults { .. } | Basis::Pairs { .. } => {
                "Nothing to do.".to_owned()
            }
        }
    }

    fn nothing_asked(&self) -> (String, String) {
        if *self.basis == Basis::None {
            return (
                "Nothing was judged: there is no baseline and no objective; this result becomes the first baseline".to_owned(),
                "Store it with llm-loadtest baseline save, or set an objective such as ttft_p95 < 500ms.".to_owned(),
            );
        }
        (
            "Nothing was judged: neither a tolerance nor an objective is set".to_owned(),
            "Set a tolerance for a metric, or an objective such as ttft_p95 < 500ms.".to_owned(),
        )
    }

    /// The way out of the cells that were not judged.
    fn after_gaps(&self) -> Option<String> {
        self.remedy(|_| true)
    }

    /// The remedy that helps most: of several thin quantiles, the one that asks for the most requests.
    fn remedy(&self, wanted: impl Fn(bool) -> bool) -> Option<String> {
        let open = self.gating.iter().filter_map(|cell| match &cell.standing {
            Standing::Open { gap, blocks } if wanted(*blocks) && (*blocks || *gap != Gap::NotMeasured) => {
                Some((gap, cell.judgement.key))
            }
            _ => None,
        });
        let effort = |gap: &Gap| match gap {
            Gap::Thin { need, .. } => *need,
            _ => u64::MAX,
        };
        open.max_by_key(|(gap, _)| effort(gap)).map(|(gap, key)| gap.remedy(key))
    }

    /// `TTFT p95 is 22 % slower than the baseline (limit 15 %)`, or `TTFT p99 is 612 ms, limit 500 ms`.
    fn beyond(&self, cell: &Cell) -> String {
        let judgement = &cell.judgement;
        let name = self.name(cell);
        match (judgement.rule, judgement.effect, judgement.now) {
            (Rule::Objective(Objective { key, limit, .. }), _, Some(now)) => {
                // A plain rule is broken by one round, which the median would hide.
                let (now, place) = match cell.worst_round() {
                    Some((round, worst))
                        if judgement.status == Status::Fail && judgement.rounds.len() > 1 =>
                    {
                        (worst, format!(" in round {round}"))
                    }
                    _ => (now, String::new()),
                };
                let (now, limit) = words::value_and_limit(key.metric, now, limit);
                format!("{name} is {now}{place}, limit {limit}")
            }
            (Rule::Tolerance(limit), Some(effect), _) => {
                let (amount, limit) = words::amount_and_limit(effect.change, limit, effect.absolute);
                let direction = words::direction(judgement.key, effect.change);
                format!("{name} is {amount} {direction} than the baseline (limit {limit})")
            }
            _ => name,
        }
    }

    /// `TTFT p95 +9 % (90 % CI −4 … +23 %), limit +15 %`, or why the cell was not judged.
    fn between(&self, cell: &Cell) -> String {
        let judgement = &cell.judgement;
        let name = self.name(cell);
        if let Status::NotJudged(reason) = &judgement.status {
            return format!("{name} was not judged: {reason}");
        }
        let (Standing::Tested(Tested { allowance, .. }), Some(effect)) = (&cell.standing, judgement.effect)
        else {
            return name;
        };
        let level = words::share(self.coverage);
        if let Rule::Objective(Objective { key, limit, .. }) = judgement.rule {
            let metric = key.metric;
            let base = |change: f64| {
                let value = if effect.absolute { limit + change } else { limit * (1.0 + change) };
                words::value(metric, value)
            };
            let now = judgement.now.map(|now| words::value(metric, now)).unwrap_or_default();
            return format!(
                "{name} is {now} ({level} CI {} … {}), limit {}",
                base(effect.low),
                base(effect.high),
                words::value(metric, limit)
            );
        }
        format!(
            "{name} {} ({level} CI {}), limit {}",
            words::signed(effect.change, effect.absolute),
            words::interval(&effect),
            words::signed(cell.scale.change(*allowance), effect.absolute)
        )
    }

    /// The gating metric whose change would have been seen last.
    fn coarsest(&self) -> Option<String> {
        let cells = self.judged().filter(|cell| matches!(cell.judgement.rule, Rule::Tolerance(_)));
        let relative = cells.clone().filter(|cell| !cell.scale.is_absolute());
        let size = |cell: &&Cell| cell.judgement.detectable.unwrap_or(0.0).abs();
        let by_size = |left: &&Cell, right: &&Cell| size(left).total_cmp(&size(right));
        let cell = relative.max_by(by_size).or_else(|| cells.max_by(by_size))?;
        let change = cell.judgement.detectable?;
        let sign = if change > 0.0 { "≥" } else { "≤" };
        Some(format!("{} {sign} {}", self.name(cell), words::signed(change, cell.scale.is_absolute())))
    }

    fn judged(&self) -> impl Iterator<Item = &Cell> + Clone {
        self.gating.iter().filter(|cell| !matches!(cell.standing, Standing::Open { .. }))
    }

    fn name(&self, cell: &Cell) -> String {
        format!("{}{}", cell.judgement.key.title(), place(&cell.judgement.level, self.several))
    }
}
