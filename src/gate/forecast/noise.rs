//! What earlier measurements say about noise.

use crate::gate::scale::Scale;
use crate::gate::{RoundValues, SessionRounds};
use crate::record::MetricKey;
use crate::stats::{Series, pooled_variance};

/// A standard deviation on a metric's scale: relative for latencies and rates (of the logarithm), absolute for shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    pub sd: f64,
    /// Pairs or sessions that it was seen in; 0 where it was only said.
    pub count: u32,
    pub source: NoiseSource,
}

/// Where a noise is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoiseSource {
    /// The user's word.
    Given,
    /// Earlier pairs of rounds.
    Pairs,
    /// Stored sessions.
    Sessions,
}

/// The sd of one pair's difference, pooled over gates: each list holds the pairs of one gate, candidate first, whose mean
/// difference is that gate's own. None where no gate has two pairs with the number.
pub fn pair_noise(gates: &[Vec<(RoundValues, RoundValues)>], key: MetricKey) -> Option<Noise> {
    let scale = Scale::of(key.metric);
    let score = |round: &RoundValues| round.values.get(&key).and_then(|&value| scale.score(value));
    let gates = gates.iter().filter_map(|gate| {
        let pairs =
            gate.iter().filter_map(|(candidate, baseline)| Some(score(candidate)? - score(baseline)?));
        Series::new(pairs).filter(|differences| differences.count() > 1)
    });
    let gates: Vec<Series> = gates.collect();
    let (variance, _) = pooled_variance(&gates)?;
    let count = gates.iter().map(|gate| gate.count() as u32).sum();
    Some(Noise { sd: variance.sqrt(), count, source: NoiseSource::Pairs })
}

/// The sd between the medians of stored sessions of one level; none for fewer than two sessions with the number.
pub fn session_noise(sessions: &[SessionRounds], key: MetricKey) -> Option<Noise> {
    let scale = Scale::of(key.metric);
    let median = |session: &SessionRounds| {
        let scores: Option<Vec<f64>> =
            session.rounds.iter().map(|round| scale.score(*round.values.get(&key)?)).collect();
        Some(Series::new(scores?)?.median())
    };
    let medians = Series::new(sessions.iter().filter_map(median))?;
    Some(Noise { sd: medians.sd()?, count: medians.count() as u32, source: NoiseSource::Sessions })
}
