//! Parts of a run: workloads of their own, drawn by weight.

use super::Workload;
use crate::base::Seed;
use crate::record::Slo;

/// One workload of a run; a run without a mix has a single part.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub name: String,
    /// How many of the visits are this part's, in comparison with the others. Invariant: finite and above zero.
    pub weight: f64,
    pub workload: Workload,
    /// Limits that its requests must meet.
    pub slos: Vec<Slo>,
    /// Fields in which its requests differ from the run's, a JSON object as text; null takes a field out.
    pub body: Option<String>,
}

impl Part {
    /// A run's only part.
    pub fn only(name: impl Into<String>, workload: Workload, slos: Vec<Slo>) -> Self {
        Self { name: name.into(), weight: 1.0, workload, slos, body: None }
    }
}

/// The servers of a run, and which of them a request goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Servers {
    /// At least 1.
    pub count: u16,
    /// Where the count starts.
    pub first: u16,
    pub strategy: UrlStrategy,
}

impl Servers {
    pub const ONE: Self = Self { count: 1, first: 0, strategy: UrlStrategy::RoundRobin };

    /// The server of a turn of a visit.
    pub(super) fn of(self, visit: u64, turn: u32) -> u16 {
        let step = match self.strategy {
            UrlStrategy::RoundRobin => visit.wrapping_add(u64::from(turn)),
            UrlStrategy::Session => visit,
        };
        (step.wrapping_add(u64::from(self.first)) % u64::from(self.count.max(1))) as u16
    }
}

/// How requests are spread over several server addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlStrategy {
    /// Request by request, the turns of a conversation included.
    RoundRobin,
    /// Visit by visit: a conversation stays with its server.
    Session,
}

impl UrlStrategy {
    pub fn id(self) -> &'static str {
        match self {
            Self::RoundRobin => "round-robin",
            Self::Session => "session",
        }
    }
}

/// Draws one of the weights: its position. 0 where there is nothing to choose.
pub(super) fn pick(weights: impl Iterator<Item = f64> + Clone, seed: Seed) -> usize {
    let total: f64 = weights.clone().sum();
    let mut left = seed.chance().unit() * total;
    let mut last = 0;
    for (at, weight) in weights.enumerate() {
        last = at;
        if left < weight {
            break;
        }
        left -= weight;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_hold_over_seeds() {
        let weights = [3.0, 1.0, 0.5, 5.5];
        for seed in 0..10 {
            let mut counts = [0_f64; 4];
            let draws = 4_000;
            for index in 0..draws {
                counts[pick(weights.into_iter(), Seed(seed).at(index))] += 1.0;
            }
            let chi: f64 = counts
                .iter()
                .zip(weights)
                .map(|(count, weight)| {
                    let expected = draws as f64 * weight / 10.0;
                    (count - expected).powi(2) / expected
                })
                .sum();
            // The 99.9th percentile of chi-square with three degrees of freedom.
            assert!(chi < 16.27, "{seed}: {chi}");
        }
    }

    #[test]
    fn a_session_stays_and_turns_alternate() {
        let servers = |strategy| Servers { count: 3, first: 0, strategy };
        let of = |strategy| {
            [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)].map(|(visit, turn)| servers(strategy).of(visit, turn))
        };
        assert_eq!(of(UrlStrategy::Session), [0, 0, 1, 1, 2]);
        assert_eq!(of(UrlStrategy::RoundRobin), [0, 1, 1, 2, 1]);
        assert_eq!(Servers::ONE.of(17, 4), 0);
    }
}
