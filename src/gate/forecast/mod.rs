//! What a gate will answer, and what it will cost, before anything is measured.

mod advice;
mod noise;
#[cfg(test)]
mod tests;

pub use noise::{Noise, NoiseSource, pair_noise, session_noise};

use std::collections::BTreeMap;

use super::compare::ENOUGH_SESSIONS;
use super::gap::samples_needed;
use super::scale::Scale;
use crate::base::Nanos;
use crate::config::GatePolicy;
use crate::record::MetricKey;
use crate::stats::{Looks, Outlook, Prospect, rounds_needed, shift_power, shift_resolved};

/// Pairs beyond which nobody will wait.
const PAIRS_MAX: u32 = 1_000;
/// Sessions that a comparison with stored ones uses at most.
const SESSIONS_MAX: u32 = 15;
/// Probability with which a detectable change is found: four times in five.
const DETECT: f64 = 0.8;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub policy: &'a GatePolicy,
    /// Pairs after which the gate looks at its evidence.
    pub looks: &'a Looks,
    /// Levels of load, each of which is gated.
    pub levels: usize,
    /// Requests of the smallest level of a round, where they are counted.
    pub requests: Option<u64>,
    /// Wanted probability of the right answer.
    pub power: f64,
    /// Sd of the difference of one pair, on the metric's scale.
    pub pairs: &'a BTreeMap<MetricKey, Noise>,
    /// Sd between stored sessions, on the metric's scale.
    pub sessions: &'a BTreeMap<MetricKey, Noise>,
    pub cost: Cost,
}

/// What one round takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// With its start, warm-up and end; none where nobody knows.
    pub round: Option<Nanos>,
    pub gpus: u32,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    pub looks: Vec<u32>,
    pub alpha: f64,
    pub power: f64,
    /// Tests that share the chance of a false failure.
    pub family: usize,
    /// One-sided level of each look, for passing and for the first failure.
    pub pass_level: f64,
    pub fail_level: f64,
    pub cells: Vec<CellForecast>,
    /// Pairs until the metric that needs most is decided, on average when nothing changed; none where no noise is known.
    pub mean_pairs: Option<f64>,
    pub cost: Cost,
    /// Which metric limits, and what to do.
    pub advice: Vec<String>,
}

/// One gated metric, at each level.
#[derive(Debug, Clone, PartialEq)]
pub struct CellForecast {
    pub key: MetricKey,
    pub tolerance: f64,
    /// Shares are judged by differences, all else by ratios.
    pub absolute: bool,
    /// Requests a round that its quantile needs, where the plan sends fewer: it would be shown and not judged.
    pub thin: Option<u64>,
    pub pairs: Option<PairForecast>,
    pub sessions: Option<SessionForecast>,
}

/// A metric judged in pairs. Where nothing changed it passes; where the change is twice the tolerance it fails.
#[derive(Debug, Clone, PartialEq)]
pub struct PairForecast {
    pub noise: Noise,
    /// Tolerance over noise.
    pub ratio: f64,
    /// Pairs of a gate with one look that answer with the wanted probability; none beyond a thousand.
    pub to_pass: Option<u32>,
    pub to_fail: Option<u32>,
    /// Look by look, when nothing changed.
    pub unchanged: Outlook,
    /// Look by look, when the change is twice the tolerance.
    pub doubled: Outlook,
    /// The smallest tolerance that an unchanged server passes with the wanted probability.
    pub resolves: f64,
    /// The smallest change, in the bad direction, that fails four times in five.
    pub detects: f64,
    /// The noise at which the wanted probability is reached.
    pub bearable: f64,
}

/// A metric judged against stored sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionForecast {
    pub noise: Noise,
    /// The chance that an unchanged server passes; none with fewer sessions than their noise can be estimated from.
    pub passes: Option<f64>,
    /// The smallest tolerance that an unchanged server passes with the wanted probability.
    pub resolves: Option<f64>,
    /// Stored sessions that reach the wanted probability; none where the fifteen that count do not.
    pub needed: Option<u32>,
}

/// What the gate of a plan will do, metric by metric. Pairs are exact for independent normal differences (`stats::Prospect`);
/// stored sessions by the non-central t of a prediction for one more session.
pub fn forecast(question: Question<'_>) -> Forecast {
    let Question { policy, looks, levels, power, cost, .. } = question;
    let thin = |key: &MetricKey| {
        let need = samples_needed(key.stat);
        question.requests.filter(|&requests| requests < need).map(|_| need)
    };
    let tolerances = policy.tolerances.keys().filter(|key| thin(key).is_none()).count();
    let family = ((tolerances + policy.objectives.len()) * levels).max(1);
    let pass_level = looks.level(policy.alpha);
    let fail_level = looks.level(policy.alpha / family as f64);
    let prospect = Prospect::new(looks, pass_level, fail_level);
    let reach = Reach { passes: prospect.passes_from(power), fails: prospect.fails_from(DETECT) };
    let cell = |(&key, &tolerance): (&MetricKey, &f64)| {
        let scale = Scale::of(key.metric);
        let floor = scale.sd_floor(question.requests.unwrap_or(u64::MAX));
        let believed = |noise: &Noise| Noise { sd: noise.sd.max(floor), ..*noise };
        CellForecast {
            key,
            tolerance,
            absolute: scale.is_absolute(),
            thin: thin(&key),
            pairs: question.pairs.get(&key).map(|noise| {
                let allowance = scale.allowance(tolerance);
                in_pairs(believed(noise), allowance, scale, &prospect, reach, question, family)
            }),
            sessions: question
                .sessions
                .get(&key)
                .map(|noise| by_sessions(believed(noise), tolerance, scale, question)),
        }
    };
    let cells: Vec<CellForecast> = policy.tolerances.iter().map(cell).collect();
    let mean_pairs = cells
        .iter()
        .filter(|cell| cell.thin.is_none())
        .filter_map(|cell| cell.pairs.as_ref().map(|pairs| pairs.unchanged.mean_pairs()))
        .reduce(f64::max);
    let mut forecast = Forecast {
        looks: looks.counts().to_vec(),
        alpha: policy.alpha,
        power,
        family,
        pass_level,
        fail_level,
        cells,
        mean_pairs,
        cost,
        advice: Vec::new(),
    };
    forecast.advice = advice::advice(&forecast, looks, policy.alpha);
    forecast
}

impl Forecast {
    /// GPU minutes of so many pairs.
    pub fn gpu_minutes(&self, pairs: f64) -> Option<f64> {
        self.cost.round.map(|round| pairs * 2.0 * round.secs() / 60.0 * f64::from(self.cost.gpus))
    }

    /// Pairs at the last look.
    pub fn budget(&self) -> u32 {
        self.looks.last().copied().unwrap_or_default()
    }
}

/// Distances, in sds of a pair, that the schedule resolves.
#[derive(Clone, Copy)]
struct Reach {
    passes: f64,
    fails: f64,
}

fn in_pairs(
    noise: Noise,
    allowance: f64,
    scale: Scale,
    prospect: &Prospect,
    reach: Reach,
    question: Question<'_>,
    family: usize,
) -> PairForecast {
    let Question { policy, power, .. } = question;
    let ratio = allowance / noise.sd;
    PairForecast {
        noise,
        ratio,
        to_pass: rounds_needed(ratio, policy.alpha, power, PAIRS_MAX),
        to_fail: rounds_needed(ratio, policy.alpha / family as f64, power, PAIRS_MAX),
        unchanged: prospect.at(ratio),
        doubled: prospect.at(-ratio),
        resolves: scale.change(reach.passes * noise.sd).abs(),
        detects: scale.change(allowance + reach.fails * noise.sd).abs(),
        bearable: allowance / reach.passes,
    }
}

/// A candidate against S sessions: the difference has the standard error σ √(1 + 1/S) with S − 1 degrees of freedom.
fn by_sessions(noise: Noise, tolerance: f64, scale: Scale, question: Question<'_>) -> SessionForecast {
    let Question { policy, power, .. } = question;
    let (allowance, alpha) = (scale.allowance(tolerance), policy.alpha);
    let se = |count: f64| noise.sd * (1.0 + 1.0 / count).sqrt();
    let passes = |count: f64| shift_power(count - 1.0, allowance / se(count), alpha);
    let fewest = ENOUGH_SESSIONS as u32;
    let stored = Some(f64::from(noise.count)).filter(|_| noise.count >= fewest);
    SessionForecast {
        noise,
        passes: stored.map(passes),
        resolves: stored
            .map(|count| scale.change(shift_resolved(count - 1.0, alpha, power) * se(count)).abs()),
        needed: (fewest..=SESSIONS_MAX).find(|&count| passes(f64::from(count)) >= power),
    }
}
