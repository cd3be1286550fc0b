//! Whole gates over rounds of the generative model: every metric, every look, the product's own verdict.

use std::collections::BTreeMap;

use llm_loadtest::base::Seed;
use llm_loadtest::config::{Entry, GatePolicy, Layers, Origin, Purpose, resolve};
use llm_loadtest::gate::{Against, Decision, Evidence, LevelEvidence, RoundValues, SessionRounds, decide};

use crate::noise::{Measured, Noise, Session, Work, serve};
use crate::world::{Change, Gated, values};

/// Rounds of a stored session.
pub(crate) const STORED_ROUNDS: usize = 5;

/// What the candidate is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    /// A baseline server beside it.
    Paired,
    /// So many stored sessions.
    Stored(usize),
}

/// Rounds of one gate, gathered as far as the last look; the looks decide how many of them are used.
pub(crate) struct Material {
    /// Baseline and candidate round of each block.
    pairs: Vec<[Measured; 2]>,
    /// Rounds of earlier sessions.
    sessions: Vec<Vec<Measured>>,
    seed: Seed,
}

/// A verdict and what it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Played {
    pub(crate) decision: Decision,
    /// Candidate rounds.
    pub(crate) rounds: usize,
}

/// In which order the sides of a block are measured, and what the place costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Order {
    /// A balanced seeded shuffle; otherwise the baseline always comes first.
    pub(crate) balanced: bool,
    /// Log of the time that the first round of a block loses.
    pub(crate) first: f64,
}

impl Order {
    pub(crate) const USUAL: Self = Self { balanced: true, first: 0.0 };
}

impl Material {
    /// Blocks of one session, baseline and candidate from the same server, with shared work inside a block and fresh work for each.
    pub(crate) fn paired(noise: Noise, blocks: usize, order: Order, seed: Seed) -> Self {
        let mut today = Session::open(noise, seed.child("today"));
        let baseline_first = turns(blocks, seed.child("order"));
        let pairs = (0..blocks).map(|block| {
            let seed = seed.child("block").at(block as u64);
            let work = Work::draw(seed);
            let mut round = |label, late: f64| serve(&work, today.next() + late, seed.child(label));
            let (first, second) = (round("first", order.first), round("second", 0.0));
            if baseline_first[block] || !order.balanced { [first, second] } else { [second, first] }
        });
        Self { pairs: pairs.collect(), sessions: Vec::new(), seed }
    }

    /// Earlier sessions, and a candidate's session of its own. Round k has the same work in every session, as one plan gives it.
    pub(crate) fn stored(noise: Noise, sessions: usize, rounds: usize, seed: Seed) -> Self {
        let works: Vec<Work> =
            (0..rounds).map(|round| Work::draw(seed.child("plan").at(round as u64))).collect();
        let session = |rounds: usize, seed: Seed| -> Vec<Measured> {
            let mut day = Session::open(noise, seed);
            let served = works.iter().take(rounds).enumerate();
            served.map(|(round, work)| serve(work, day.next(), seed.at(round as u64))).collect()
        };
        let stored = (0..sessions).map(|day| session(STORED_ROUNDS, seed.child("stored").at(day as u64)));
        let stored = stored.collect();
        let today = session(rounds, seed.child("today"));
        Self { pairs: today.into_iter().map(|round| [round; 2]).collect(), sessions: stored, seed }
    }

    /// Baseline and candidate change places.
    pub(crate) fn swapped(&self) -> Self {
        let pairs = self.pairs.iter().map(|&[base, candidate]| [candidate, base]).collect();
        Self { pairs, sessions: self.sessions.clone(), seed: self.seed }
    }

    /// Mean difference of the scores, candidate minus baseline.
    pub(crate) fn shift(&self, metric: Gated) -> f64 {
        let shifts = self.pairs.iter().map(|[base, candidate]| metric.score(candidate) - metric.score(base));
        shifts.sum::<f64>() / self.pairs.len() as f64
    }

    pub(crate) fn pairs(&self) -> &[[Measured; 2]] {
        &self.pairs
    }

    /// The candidate's rounds in a world.
    pub(crate) fn candidate(&self, change: Change) -> Vec<Measured> {
        let seeded = self.pairs.iter().enumerate();
        seeded.map(|(index, [_, round])| change.apply(round, self.seed.at(index as u64))).collect()
    }

    /// Looks at the evidence as often as the policy says, until it decides.
    pub(crate) fn play(&self, path: Path, change: Change, policy: &GatePolicy) -> Played {
        let candidate: Vec<RoundValues> = self.candidate(change).iter().map(values).collect();
        let sides = |rounds: usize| match path {
            Path::Paired => {
                Against::Pairs(self.pairs[..rounds].iter().map(|[base, _]| values(base)).collect())
            }
            Path::Stored(sessions) => Against::Sessions(
                self.sessions[..sessions]
                    .iter()
                    .map(|rounds| SessionRounds { rounds: rounds.iter().map(values).collect() })
                    .collect(),
            ),
        };
        let mut played = Played { decision: Decision::Inconclusive, rounds: 0 };
        for rounds in policy.looks.counts().iter().map(|&count| count as usize) {
            let level = LevelEvidence {
                label: "c=32".to_owned(),
                candidate: candidate[..rounds].to_vec(),
                against: sides(rounds),
            };
            let decision = decide(&Evidence { levels: vec![level] }, policy, &[]).decision;
            played = Played { decision, rounds };
            if decision != Decision::Inconclusive {
                break;
            }
        }
        played
    }
}

/// For each block whether the baseline goes first: both orders equally often, but for one block of an odd number, in an order
/// drawn by the seed.
fn turns(blocks: usize, seed: Seed) -> Vec<bool> {
    let mut chance = seed.chance();
    let extra = chance.unit() < 0.5;
    let mut turns: Vec<bool> = (0..blocks).map(|block| if block % 2 == 0 { extra } else { !extra }).collect();
    // Pairs of blocks are shuffled, so that every look finds the orders balanced.
    for pair in turns.chunks_mut(2) {
        chance.shuffle(pair);
    }
    turns
}

/// The policy that `gate` has when nothing is said but an SLO.
pub(crate) fn policy(path: Path) -> GatePolicy {
    let mut flags = vec![Entry::new("server", "sim:h100-8b", Origin::Default)];
    if path == Path::Paired {
        flags.push(Entry::new("baseline-server", "sim:h100-8b", Origin::Default));
    }
    let layers = Layers {
        purpose: Purpose::Gate,
        flags,
        environment: BTreeMap::new(),
        env_file: None,
        files: Vec::new(),
    };
    let mut policy = resolve(layers).expect("the defaults are a plan").plan.gate;
    // Goodput gates as soon as there is an SLO.
    policy.tolerances = Gated::ALL.iter().map(|metric| (metric.key(), metric.tolerance())).collect();
    policy
}
