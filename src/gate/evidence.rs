//! Everything a verdict may rest on.

use super::RoundValues;

/// Candidate rounds and what they are held against, level by level.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub levels: Vec<LevelEvidence>,
    pub kind: EvidenceKind,
}

/// Where the other side comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceKind {
    /// Sessions of a stored baseline; none at all when there is no baseline.
    StoredBaseline,
    /// `compare A B`: A is the only session of every level.
    TwoResults,
}

/// One level: the candidate's rounds and the stored sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelEvidence {
    /// The level's label, `c=32`.
    pub label: String,
    pub candidate: Vec<RoundValues>,
    /// Comparable sessions only, in any order.
    pub sessions: Vec<SessionRounds>,
}

/// The rounds of one job on one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRounds {
    pub rounds: Vec<RoundValues>,
}
