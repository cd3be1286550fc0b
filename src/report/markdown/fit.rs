//! Parts of a text, the most important of which survive any limit.

use super::options::Limit;

/// What goes first when there is no room; the last to go comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Verdict, marker and next step: never.
    Must,
    Note,
    Row,
    Fold,
}

/// A text in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) rank: Rank,
    pub(super) text: String,
}

impl Part {
    pub(super) fn must(text: impl Into<String>) -> Self {
        Self { rank: Rank::Must, text: text.into() }
    }

    pub(super) fn note(text: impl Into<String>) -> Self {
        Self { rank: Rank::Note, text: text.into() }
    }

    pub(super) fn row(text: impl Into<String>) -> Self {
        Self { rank: Rank::Row, text: text.into() }
    }

    pub(super) fn fold(text: impl Into<String>) -> Self {
        Self { rank: Rank::Fold, text: text.into() }
    }
}

/// What fits, in order. Of one rank the later ones go first; where any had to go, `missing` says so in its place, given
/// how many they were.
pub(super) fn fit(parts: &[Part], limit: Limit, missing: impl Fn(Rank, u64) -> String) -> String {
    let spent = |rank: Rank| -> usize {
        parts.iter().filter(|part| part.rank == rank).map(|part| limit.length(&part.text)).sum()
    };
    let ranks = [Rank::Note, Rank::Row, Rank::Fold];
    // Room for saying what is missing.
    let said: usize = ranks.iter().map(|rank| limit.length(&missing(*rank, u64::MAX))).sum();
    let mut room = limit.max().saturating_sub(spent(Rank::Must) + said);
    let mut kept: Vec<bool> = parts.iter().map(|part| part.rank == Rank::Must).collect();
    for rank in ranks {
        let mut full = false;
        for (part, kept) in parts.iter().zip(&mut kept).filter(|(part, _)| part.rank == rank) {
            let length = limit.length(&part.text);
            // A fold that is too long says nothing about the next one; a table must not have holes.
            full = length > room || (full && rank == Rank::Row);
            if !full {
                room -= length;
                *kept = true;
            }
        }
    }
    let mut out = String::new();
    for (at, (part, kept_here)) in parts.iter().zip(&kept).enumerate() {
        if *kept_here {
            out.push_str(&part.text);
        }
        if parts[at + 1..].iter().all(|other| other.rank != part.rank) {
            let alike = parts.iter().zip(&kept).filter(|(other, kept)| other.rank == part.rank && !**kept);
            out.extend(
                Some(alike.count() as u64).filter(|gone| *gone > 0).map(|gone| missing(part.rank, gone)),
            );
        }
    }
    out
}
