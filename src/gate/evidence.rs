//! Everything a verdict may rest on.

use super::RoundValues;

/// Candidate rounds and what they are held against, level by level.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub levels: Vec<LevelEvidence>,
}

/// One level: the candidate's rounds and the other side.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelEvidence {
    /// The level's label, `c=32`.
    pub label: String,
    pub candidate: Vec<RoundValues>,
    pub against: Against,
}

/// Where the other side comes from: the same kind for every level of a gate.
#[derive(Debug, Clone, PartialEq)]
pub enum Against {
    /// Comparable sessions of a stored baseline, in any order; none at all where there is no baseline.
    Sessions(Vec<SessionRounds>),
    /// `compare A B`: the rounds of A, one session.
    Result(SessionRounds),
    /// A baseline server beside the candidate's: the baseline round of each block, as many as candidate rounds and in their
    /// order.
    Pairs(Vec<RoundValues>),
}

impl Against {
    /// The sessions, where sessions are what stands there.
    pub(super) fn sessions(&self) -> &[SessionRounds] {
        match self {
            Self::Sessions(sessions) => sessions,
            Self::Result(session) => std::slice::from_ref(session),
            Self::Pairs(_) => &[],
        }
    }

    /// Every round of the other side.
    pub(super) fn rounds(&self) -> impl Iterator<Item = &RoundValues> {
        let pairs: &[RoundValues] = if let Self::Pairs(rounds) = self { rounds } else { &[] };
        self.sessions().iter().flat_map(|session| &session.rounds).chain(pairs)
    }
}

/// The rounds of one job on one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRounds {
    pub rounds: Vec<RoundValues>,
}
