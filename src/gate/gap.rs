//! Why a number is not judged, and the way out.

use super::words::count;
use crate::record::{Metric, MetricKey, Stat};

/// Requests (or samples) that must lie beyond a quantile before it is judged.
const BEYOND: u64 = 20;

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Gap {
    /// Neither side has this number: it does not apply to this measurement.
    NotMeasured,
    /// Too few samples beyond the quantile in the smallest round.
    Thin {
        need: u64,
        have: u64,
        offered: u64,
        in_baseline: bool,
    },
    /// Some candidate rounds (from 1) lack the number.
    MissingInRounds(Vec<usize>),
    NotInBaseline,
    /// A value at or below zero, of which no ratio can be taken.
    NotPositive,
    OneCandidateRound,
    OneBaselineRound,
}

impl Gap {
    /// One clause for the cell and the headline.
    pub(super) fn reason(&self, key: MetricKey) -> String {
        match self {
            Self::NotMeasured => format!("this measurement has no {}", key.title()),
            Self::Thin { need, have, in_baseline, .. } => {
                let stat = key.title().rsplit(' ').next().unwrap_or_default().to_owned();
                let what = if pooled(key.metric) { "samples" } else { "requests" };
                let side = if *in_baseline { "a baseline round" } else { "this round" };
                format!("{stat} needs {} {what} a round; {side} has {}", count(*need), count(*have))
            }
            Self::MissingInRounds(rounds) => {
                let rounds: Vec<String> = rounds.iter().map(ToString::to_string).collect();
                format!("no value in round {}", rounds.join(", "))
            }
            Self::NotInBaseline => "the baseline has no such value".to_owned(),
            Self::NotPositive => "a value of zero cannot be compared as a ratio".to_owned(),
            Self::OneCandidateRound => "a single round says nothing about its own noise".to_owned(),
            Self::OneBaselineRound => {
                "the baseline has a single round a session, which says nothing about its own noise".to_owned()
            }
        }
    }

    /// One sentence: what to do about it.
    pub(super) fn remedy(&self, key: MetricKey) -> String {
        let name = key.title();
        match self {
            Self::NotMeasured => format!(
                "Measure {name} (streaming for token times, --slo for goodput), or take it out of the gate."
            ),
            Self::Thin {
                need,
                have,
                offered,
                in_baseline,
            } => {
                let prompts = (need * (*offered).max(*have)).div_ceil((*have).max(1));
                let again = if *in_baseline { " and save the baseline again" } else { "" };
                format!("Raise --num-prompts to {prompts}{again} to judge {name}.")
            }
            Self::MissingInRounds(_) => format!("Look at the failed requests of these rounds: {name} had no sample."),
            Self::NotInBaseline => {
                format!("Save a baseline that holds {name}: llm-loadtest baseline save.")
            }
            Self::NotPositive => format!("Gate another statistic than {name}."),
            Self::OneCandidateRound => "Raise --rounds to 3 or more.".to_owned(),
            Self::OneBaselineRound => {
                "Save a baseline of 3 or more rounds (--rounds 3, then llm-loadtest baseline save), or store 5 sessions.".to_owned()
            }
        }
    }
}

/// Samples that a round needs before the statistic is judged: 20 beyond the quantile, on its thinner side.
pub(super) fn samples_needed(stat: Stat) -> u64 {
    match stat {
        Stat::Quantile(q) => {
            let tail = u64::from(q.min(1000_u16.saturating_sub(q))).max(1);
            (BEYOND * 1000).div_ceil(tail)
        }
        Stat::Mean | Stat::Value => 1,
    }
}

fn pooled(metric: Metric) -> bool {
    matches!(metric, Metric::Itl | Metric::Icl)
}
