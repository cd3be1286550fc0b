//! One number at one level: gathered, compared, not yet decided.

use super::compare::{NoError, Sides, against_limit, against_pairs, against_sessions, typical};
use super::gap::{Gap, samples_needed};
use super::scale::Scale;
use super::{Against, Judgement, LevelEvidence, RoundValues, Rule, SessionRounds, Status};
use crate::config::{Bound, GatePolicy, Objective};
use crate::record::{MetricKey, Unit};
use crate::stats::{Contrast, Series};

/// A judgement in the making, and how it stands.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) judgement: Judgement,
    pub(super) scale: Scale,
    pub(super) standing: Standing,
}

/// What can be said about a cell before the whole family is known.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// Tested against a difference of scores.
    Tested(Tested),
    /// Judged by a plain look at every round, without an interval.
    Plain { met: bool },
    /// Cannot be judged.
    Open { gap: Gap, blocks: bool },
    /// Shown only.
    Reported { contrast: Option<Contrast> },
}

/// What a test is read from.
#[derive(Debug, Clone)]
pub(super) struct Tested {
    pub(super) contrast: Contrast,
    pub(super) allowance: f64,
    /// Of each block, or of each round from the limit: what sign-flip tests need; empty against stored sessions.
    pub(super) differences: Vec<f64>,
}

/// A contrast, the baseline's typical value, and the differences of blocks where there are blocks.
struct Compared {
    contrast: Contrast,
    base: f64,
    /// The candidate's typical value where it is not the median of its rounds.
    now: Option<f64>,
    differences: Vec<f64>,
}

/// A gating cell against the other side.
pub(super) fn tolerance(level: &LevelEvidence, key: MetricKey, tolerance: f64, policy: &GatePolicy) -> Cell {
    let scale = Scale::of(key.metric);
    let mut cell = Cell::new(level, key, Rule::Tolerance(tolerance), scale);
    cell.standing = match compare(level, key, scale, policy) {
        Ok(compared) => {
            cell.judgement.set(&compared);
            Standing::Tested(Tested {
                contrast: compared.contrast,
                allowance: scale.allowance(tolerance),
                differences: compared.differences,
            })
        }
        // A default tolerance that does not apply leaves the family; anything else must not vanish silently.
        Err(gap) => Standing::Open { blocks: !matches!(gap, Gap::NotMeasured | Gap::Thin { .. }), gap },
    };
    cell
}

/// A gating cell against a fixed limit: the candidate's rounds only.
pub(super) fn objective(level: &LevelEvidence, objective: Objective, policy: &GatePolicy) -> Cell {
    let scale = Scale::beyond(objective.key.metric, objective.bound);
    let mut cell = Cell::new(level, objective.key, Rule::Objective(objective), scale);
    cell.standing =
        hold(level, objective, scale, policy).unwrap_or_else(|gap| Standing::Open { gap, blocks: true });
    cell
}

/// A cell that is shown; none when the candidate has no such number.
pub(super) fn report(level: &LevelEvidence, key: MetricKey, policy: &GatePolicy) -> Option<Cell> {
    let scale = Scale::of(key.metric);
    let mut cell = Cell::new(level, key, Rule::Report, scale);
    cell.judgement.now?;
    // Thin quantiles are compared too: the spread of rounds and sessions holds their noise, and nothing hangs on them.
    let compared = weigh(level, key, scale, policy).ok();
    if let Some(compared) = &compared {
        cell.judgement.set(compared);
    }
    cell.standing = Standing::Reported { contrast: compared.map(|compared| compared.contrast) };
    Some(cell)
}

impl Cell {
    fn new(level: &LevelEvidence, key: MetricKey, rule: Rule, scale: Scale) -> Self {
        let values = |rounds: &[RoundValues]| -> Vec<f64> {
            rounds.iter().filter_map(|round| round.values.get(&key).copied()).collect()
        };
        let rounds = values(&level.candidate);
        let baseline_rounds = match (&level.against, rule) {
            (Against::Pairs(rounds), Rule::Tolerance(_) | Rule::Report) => values(rounds),
            _ => Vec::new(),
        };
        let samples = level.candidate.iter().map(|round| round.samples_of(key.metric)).min();
        Self {
            judgement: Judgement {
                level: level.label.clone(),
                key,
                rule,
                status: Status::Reported,
                baseline: None,
                now: middle(&rounds, scale),
                effect: None,
                detectable: None,
                p_fail: None,
                p_pass: None,
                rounds,
                baseline_rounds,
                samples: samples.unwrap_or(0),
                test: None,
            },
            scale,
            standing: Standing::Reported { contrast: None },
        }
    }

    /// The round (from 1) and value that a plain rule is decided by.
    pub(super) fn worst_round(&self) -> Option<(usize, f64)> {
        let Standing::Plain { .. } = self.standing else {
            return None;
        };
        let scored = self.judgement.rounds.iter().enumerate();
        scored
            .filter_map(|(index, &value)| Some((self.scale.score(value)?, index + 1, value)))
            .max_by(|(left, ..), (right, ..)| left.total_cmp(right))
            .map(|(_, round, value)| (round, value))
    }
}

impl Judgement {
    fn set(&mut self, compared: &Compared) {
        self.baseline = Some(compared.base);
        self.now = compared.now.or(self.now);
    }
}

/// The scores of both sides.
struct Scores {
    candidate: Series,
    sessions: Vec<Series>,
    /// Requests of the smallest round.
    smallest: u64,
}

/// The two sides of a level, however the other one was measured.
fn weigh(level: &LevelEvidence, key: MetricKey, scale: Scale, policy: &GatePolicy) -> Result<Compared, Gap> {
    if let Against::Pairs(baseline) = &level.against {
        return paired(level, baseline, key, scale);
    }
    let scores = gather(level, key, scale)?;
    let (contrast, base) = contrast(&scores, scale, policy)?;
    Ok(Compared { contrast, base, now: None, differences: Vec::new() })
}

/// Block by block.
fn paired(
    level: &LevelEvidence,
    baseline: &[RoundValues],
    key: MetricKey,
    scale: Scale,
) -> Result<Compared, Gap> {
    match (measured(&level.candidate, key), measured(baseline, key)) {
        (false, false) => return Err(Gap::NotMeasured),
        (true, false) => return Err(Gap::NotInBaseline),
        (_, true) => {}
    }
    let (now, base) = (scores(&level.candidate, key, scale)?, scores(baseline, key, scale)?);
    let differences: Vec<f64> = now.iter().zip(&base).map(|(now, base)| now - base).collect();
    let smallest = level.candidate.iter().chain(baseline).map(|round| round.offered).min();
    let contrast =
        against_pairs(&differences, scale.sd_floor(smallest.unwrap_or(0))).ok_or(Gap::OneCandidateRound)?;
    let middle = |scores: Vec<f64>| scale.value(scores.iter().sum::<f64>() / scores.len() as f64);
    Ok(Compared { contrast, base: middle(base), now: Some(middle(now)), differences })
}

/// Both sides, where both have the number in every round. Sessions that lack it are left out.
fn gather(level: &LevelEvidence, key: MetricKey, scale: Scale) -> Result<Scores, Gap> {
    let holding = sessions_holding(level, key);
    if holding.is_empty() && !measured(&level.candidate, key) {
        return Err(Gap::NotMeasured);
    }
    let candidate = series(&level.candidate, key, scale)?;
    if holding.is_empty() {
        return Err(Gap::NotInBaseline);
    }
    let sessions = holding.iter().map(|session| series(&session.rounds, key, scale));
    let mut sessions = sessions.collect::<Result<Vec<_>, _>>()?;
    // A fixed order of summation makes the result the same, to the last bit, for every order of sessions.
    sessions.sort_by(|left, right| {
        let order = left.sorted().partial_cmp(right.sorted());
        order.unwrap_or(std::cmp::Ordering::Equal)
    });
    let stored = holding.iter().flat_map(|session| &session.rounds);
    let offered = level.candidate.iter().chain(stored).map(|round| round.offered);
    Ok(Scores { candidate, sessions, smallest: offered.min().unwrap_or(0) })
}

/// The contrast of the sides, and the baseline's typical value.
fn contrast(scores: &Scores, scale: Scale, policy: &GatePolicy) -> Result<(Contrast, f64), Gap> {
    let base = typical(&scores.sessions);
    let middle = f64::midpoint(scores.candidate.median(), base);
    let sides = Sides {
        candidate: &scores.candidate,
        sessions: &scores.sessions,
        floor: scale.sd_floor(scores.smallest),
        session_noise: scale.session_noise(policy.assumed_noise, middle),
    };
    match against_sessions(sides) {
        Ok(contrast) => Ok((contrast, scale.value(base))),
        Err(NoError::OneCandidateRound) => Err(Gap::OneCandidateRound),
        Err(NoError::OneBaselineRound) => Err(Gap::OneBaselineRound),
    }
}

/// As `weigh`, for a number that is to be gated: a quantile needs samples beyond it in every round.
fn compare(
    level: &LevelEvidence,
    key: MetricKey,
    scale: Scale,
    policy: &GatePolicy,
) -> Result<Compared, Gap> {
    let compared = weigh(level, key, scale, policy);
    // Too few samples are said before too few rounds.
    if matches!(compared, Ok(_) | Err(Gap::OneCandidateRound | Gap::OneBaselineRound)) {
        enough(level.candidate.iter(), key, false)?;
        match &level.against {
            Against::Pairs(rounds) => enough(rounds.iter(), key, true)?,
            Against::Sessions(_) | Against::Result(_) => {
                let stored = sessions_holding(level, key).into_iter().flat_map(|session| &session.rounds);
                enough(stored, key, true)?;
            }
        }
    }
    compared
}

fn sessions_holding(level: &LevelEvidence, key: MetricKey) -> Vec<&SessionRounds> {
    let holds = |session: &&SessionRounds| {
        !session.rounds.is_empty() && session.rounds.iter().all(|round| round.values.contains_key(&key))
    };
    level.against.sessions().iter().filter(holds).collect()
}

/// Whether any of the rounds has the number.
fn measured(rounds: &[RoundValues], key: MetricKey) -> bool {
    rounds.iter().any(|round| round.values.contains_key(&key))
}

/// How the candidate's rounds stand to a limit.
fn hold(
    level: &LevelEvidence,
    objective: Objective,
    scale: Scale,
    policy: &GatePolicy,
) -> Result<Standing, Gap> {
    let Objective { key, bound, limit } = objective;
    if !measured(&level.candidate, key) {
        return Err(Gap::NotMeasured);
    }
    enough(level.candidate.iter(), key, false)?;
    let rounds = series(&level.candidate, key, scale)?;
    if at_end_of_range(key, bound, limit) {
        let mut values = level.candidate.iter().filter_map(|round| round.values.get(&key));
        return Ok(Standing::Plain { met: values.all(|&value| meets(value, bound, limit)) });
    }
    let goal = scale.score(limit).ok_or(Gap::NotPositive)?;
    let smallest = level.candidate.iter().map(|round| round.offered).min();
    match against_limit(&rounds, goal, scale.sd_floor(smallest.unwrap_or(0))) {
        Some(contrast) => {
            let differences = match level.against {
                Against::Pairs(_) => {
                    scores(&level.candidate, key, scale)?.iter().map(|score| score - goal).collect()
                }
                Against::Sessions(_) | Against::Result(_) => Vec::new(),
            };
            Ok(Standing::Tested(Tested { contrast, allowance: 0.0, differences }))
        }
        // Who asks for one round asks for a plain look; who asked for more and got one may not be told that it is enough.
        None if policy.looks.last() == 1 => {
            Ok(Standing::Plain { met: meets(scale.value(rounds.median()), bound, limit) })
        }
        None => Err(Gap::OneCandidateRound),
    }
}

/// A limit at the end of a share's range can be met but never be shown to be surpassed: it is a rule for every round.
fn at_end_of_range(key: MetricKey, bound: Bound, limit: f64) -> bool {
    let at_end = match bound {
        Bound::AtLeast => limit >= 1.0,
        Bound::AtMost => limit <= 0.0,
    };
    key.metric.unit() == Unit::Ratio && at_end
}

fn meets(value: f64, bound: Bound, limit: f64) -> bool {
    match bound {
        Bound::AtMost => value <= limit,
        Bound::AtLeast => value >= limit,
    }
}

/// The scores of all rounds, sorted.
fn series(rounds: &[RoundValues], key: MetricKey, scale: Scale) -> Result<Series, Gap> {
    Series::new(scores(rounds, key, scale)?).ok_or(Gap::NotMeasured)
}

/// The scores of all rounds, in their order.
fn scores(rounds: &[RoundValues], key: MetricKey, scale: Scale) -> Result<Vec<f64>, Gap> {
    let values: Vec<Option<f64>> = rounds.iter().map(|round| round.values.get(&key).copied()).collect();
    let missing = values.iter().enumerate().filter(|(_, value)| value.is_none());
    let missing: Vec<usize> = missing.map(|(index, _)| index + 1).collect();
    if !missing.is_empty() {
        return Err(Gap::MissingInRounds(missing));
    }
    let scores: Option<Vec<f64>> = values.into_iter().flatten().map(|value| scale.score(value)).collect();
    scores.ok_or(Gap::NotPositive)
}

fn enough<'a>(
    rounds: impl Iterator<Item = &'a RoundValues>,
    key: MetricKey,
    in_baseline: bool,
) -> Result<(), Gap> {
    let need = samples_needed(key.stat);
    let thinnest = rounds.min_by_key(|round| round.samples_of(key.metric));
    match thinnest.map(|round| (round.samples_of(key.metric), round.offered)) {
        Some((have, offered)) if have < need => Err(Gap::Thin { need, have, offered, in_baseline }),
        _ => Ok(()),
    }
}

/// The median on the metric's own scale, so that it agrees with the change that is shown.
fn middle(rounds: &[f64], scale: Scale) -> Option<f64> {
    let scores: Option<Vec<f64>> = rounds.iter().map(|&value| scale.score(value)).collect();
    let on_scale = scores.and_then(Series::new).map(|scores| scale.value(scores.median()));
    on_scale.or_else(|| Some(Series::new(rounds.iter().copied())?.median()))
}
