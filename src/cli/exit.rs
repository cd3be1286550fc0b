//! Exit codes: the only place where an answer becomes a number.

use crate::app::{AppError, Side};
use crate::config::FailOn;
use crate::document::v1::OutcomeDocument;
use crate::gate::Decision;

/// How the program ends. Published in `--help` and README.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// The command did what it was asked; a gate passed, or could not decide under the default policy.
    Success = 0,
    /// A regression, an objective that was missed, a search whose SLOs no load holds, or an alarm of `history`.
    GateFailed = 1,
    /// Flags, files or their contents.
    Usage = 2,
    /// Server, disk or network.
    Environment = 3,
    /// Invalid, inconclusive with `--strict`, or a search that showed nothing.
    NotDecided = 4,
    /// Stopped by a signal, after the partial result was written.
    Interrupted = 130,
}

impl Exit {
    /// The code of a verdict. Inconclusive is loud, and red only where the user says `--strict`.
    pub(super) fn of(decision: Decision, strict: bool) -> Self {
        match decision {
            Decision::Pass => Self::Success,
            Decision::Fail => Self::GateFailed,
            Decision::Inconclusive if !strict => Self::Success,
            Decision::Inconclusive | Decision::Invalid => Self::NotDecided,
        }
    }

    /// The code that stands for several verdicts: a failure before what was not decided.
    pub(super) fn worst(exits: impl Iterator<Item = Self>) -> Self {
        let rank = |exit: &Self| match exit {
            Self::GateFailed => 2,
            Self::NotDecided => 1,
            _ => 0,
        };
        exits.max_by_key(rank).unwrap_or(Self::Success)
    }

    /// The code of a verdict in a workflow's step.
    pub(super) fn of_step(decision: Decision, fail_on: FailOn, strict: bool) -> Self {
        match fail_on {
            FailOn::Never => Self::Success,
            FailOn::Regression => Self::of(decision, strict),
            FailOn::Inconclusive => Self::of(decision, true),
        }
    }

    /// The code of a search: SLOs that no load holds are missed.
    pub(super) fn found(outcome: OutcomeDocument) -> Self {
        match outcome {
            OutcomeDocument::Found | OutcomeDocument::AtLeast => Self::Success,
            OutcomeDocument::NoneHolds => Self::GateFailed,
            OutcomeDocument::Open => Self::NotDecided,
        }
    }

    pub(super) fn code(self) -> u8 {
        self as u8
    }
}

impl From<&AppError> for Exit {
    fn from(error: &AppError) -> Self {
        match error.side {
            Side::Usage => Self::Usage,
            Side::Environment => Self::Environment,
            Side::Interrupted => Self::Interrupted,
        }
    }
}

#[cfg(test)]
mod tests {
    use OutcomeDocument::{AtLeast, Found, NoneHolds, Open};

    use super::*;

    #[test]
    fn every_search_has_its_code() {
        assert_eq!(
            [Found, AtLeast, NoneHolds, Open].map(|outcome| Exit::found(outcome).code()),
            [0, 0, 1, 4]
        );
    }

    #[test]
    fn every_verdict_has_its_code() {
        let codes = |strict| {
            [Decision::Pass, Decision::Fail, Decision::Inconclusive, Decision::Invalid]
                .map(|decision| Exit::of(decision, strict).code())
        };
        let steps = |fail_on| {
            [Decision::Pass, Decision::Fail, Decision::Inconclusive, Decision::Invalid]
                .map(|decision| Exit::of_step(decision, fail_on, false).code())
        };
        assert_eq!(steps(FailOn::Regression), [0, 1, 0, 4]);
        assert_eq!(steps(FailOn::Inconclusive), [0, 1, 4, 4]);
        assert_eq!(steps(FailOn::Never), [0, 0, 0, 0]);
        assert_eq!(codes(false), [0, 1, 0, 4]);
        assert_eq!(codes(true), [0, 1, 4, 4]);
        let worst = |exits: &[Exit]| Exit::worst(exits.iter().copied()).code();
        assert_eq!(worst(&[Exit::Success, Exit::NotDecided, Exit::GateFailed, Exit::NotDecided]), 1);
        assert_eq!([worst(&[Exit::Success, Exit::NotDecided]), worst(&[Exit::Success; 2])], [4, 0]);
        assert_eq!(
            [Found, AtLeast, NoneHolds, Open].map(|outcome| Exit::found(outcome).code()),
            [0, 0, 1, 4]
        );
        assert_eq!([Exit::Usage.code(), Exit::Environment.code(), Exit::Interrupted.code()], [2, 3, 130]);
    }
}
