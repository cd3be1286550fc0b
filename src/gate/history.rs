//! The course of a number over many sessions: where its level moved, whether tonight is an alarm, and how far back a
//! comparison may look.

use super::RoundValues;
use super::scale::Scale;
use crate::base::Seed;
use crate::record::MetricKey;
use crate::stats::{ChangePoint, ChangePolicy, CusumPolicy, Series, alarm, change_points};

/// Nights below which the detectors stay silent.
const LEAST: usize = 12;

/// One number at one level, night by night. Nights are sessions, by their index; those without the number are not in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    pub key: MetricKey,
    /// The session and its value, the median of its rounds; oldest first, not empty.
    pub nights: Vec<(usize, f64)>,
    /// What lies between two changes; not empty.
    pub segments: Vec<Segment>,
    pub changes: Vec<Change>,
    pub alarm: Option<Worse>,
    /// Nights that are still needed before there can be an alarm.
    pub needed: usize,
    /// Changes are differences of shares, not ratios.
    pub absolute: bool,
}

/// A stretch of one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// First and last session.
    pub from: usize,
    pub to: usize,
    /// Median of its nights.
    pub value: f64,
}

/// A night on which the level moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// First session of the new level, and the last of the old one.
    pub first: usize,
    pub before: usize,
    /// The change of the metric: +0.12 is 12 % more, or 12 points of a share.
    pub change: f64,
    pub is_worse: bool,
    /// 1 − p of the permutation test.
    pub confidence: f64,
    /// The first session of the new level lies within these, about nine times in ten.
    pub between: (usize, usize),
}

/// Tonight's alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worse {
    /// First session that is worse, and the last one before it.
    pub since: usize,
    pub before: usize,
    /// The change of the metric, estimated from the run of worse nights.
    pub change: f64,
}

/// Where the sessions that a comparison may use begin, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Cut {
    /// The first session that may be used.
    pub session: usize,
    pub key: MetricKey,
    pub level: String,
    pub change: f64,
    pub absolute: bool,
}

/// The trend of a number over `nights`, each the rounds of one session at one level; none where no session has it.
/// `accepted` is the session from which on people accept the level: what was before is shown but raises no alarm.
///
/// Alarms look at the nights after `accepted`, or after the newest change that is too old to be raised any more.
pub fn trend(nights: &[Vec<RoundValues>], key: MetricKey, accepted: usize) -> Option<Trend> {
    let scale = Scale::of(key.metric);
    let measured: Vec<(usize, f64)> = nights
        .iter()
        .enumerate()
        .filter_map(|(session, rounds)| Some((session, night(rounds, key, scale)?)))
        .collect();
    let (newest, _) = measured.last()?;
    let scores: Vec<f64> = measured.iter().map(|(_, score)| *score).collect();
    let found = moves(&scores, key);
    let session = |index: usize| measured.get(index).map_or(*newest, |(session, _)| *session);
    let policy = CusumPolicy::default();
    let chosen = measured.iter().take_while(|(session, _)| *session < accepted).count();
    let settled =
        found.iter().map(|change| change.index).rfind(|index| index + policy.recent <= scores.len());
    let start = chosen.max(settled.unwrap_or(0));
    let raised = alarm(&scores[start..], &policy);
    Some(Trend {
        key,
        nights: measured.iter().map(|&(session, score)| (session, scale.value(score))).collect(),
        segments: segments(&scores, &found)
            .into_iter()
            .map(|(from, to, score)| Segment {
                from: session(from),
                to: session(to),
                value: scale.value(score),
            })
            .collect(),
        changes: found
            .iter()
            .map(|point| Change {
                first: session(point.index),
                before: session(point.index - 1),
                change: scale.change(point.shift),
                is_worse: point.shift > 0.0,
                confidence: point.confidence,
                between: (session(point.between.0), session(point.between.1)),
            })
            .collect(),
        alarm: raised.map(|raised| {
            let (since, shift) = place(start + raised.since, raised.shift, &found);
            Worse {
                since: session(since),
                before: session(since.saturating_sub(1)),
                change: scale.change(shift),
            }
        }),
        needed: (policy.least + policy.run).saturating_sub(scores.len() - start),
        absolute: scale.is_absolute(),
    })
}

/// Where an alarm's nights begin, and how much worse they are. The sum often starts to rise by chance before the level does;
/// where a change for the worse was found since then, its place is the better one.
fn place(since: usize, shift: f64, found: &[ChangePoint]) -> (usize, f64) {
    let inside = found.iter().rfind(|point| point.shift > 0.0 && point.between.1 >= since);
    inside.map_or((since, shift), |point| (point.index, point.shift))
}

/// The newest change of any of these numbers at any level: sessions before it are of another machine or another code, and
/// no measure of today's. None while there are too few sessions to tell, or where nothing changed. `levels` are labels with
/// the rounds of each session; sessions before `from` are not looked at.
pub fn cut(levels: &[(String, Vec<Vec<RoundValues>>)], keys: &[MetricKey], from: usize) -> Option<Cut> {
    let newest = |(level, nights): &(String, Vec<Vec<RoundValues>>), key: MetricKey| {
        let scale = Scale::of(key.metric);
        let measured: Vec<(usize, f64)> = nights
            .iter()
            .enumerate()
            .skip(from)
            .filter_map(|(session, rounds)| Some((session, night(rounds, key, scale)?)))
            .collect();
        let scores: Vec<f64> = measured.iter().map(|(_, score)| *score).collect();
        let point = moves(&scores, key).pop()?;
        Some(Cut {
            session: measured.get(point.index)?.0,
            key,
            level: level.clone(),
            change: scale.change(point.shift),
            absolute: scale.is_absolute(),
        })
    };
    let all = levels.iter().flat_map(|level| keys.iter().filter_map(move |key| newest(level, *key)));
    all.max_by_key(|cut| cut.session)
}

/// The score of a session: the median over its rounds. None where no round has the number, or one has no score.
fn night(rounds: &[RoundValues], key: MetricKey, scale: Scale) -> Option<f64> {
    let values = rounds.iter().filter_map(|round| round.values.get(&key));
    let scores: Option<Vec<f64>> = values.map(|value| scale.score(*value)).collect();
    Some(Series::new(scores?)?.median())
}

fn moves(scores: &[f64], key: MetricKey) -> Vec<ChangePoint> {
    if scores.len() < LEAST {
        return Vec::new();
    }
    change_points(scores, &ChangePolicy::default(), Seed(1).child("history").child(&key.to_string()))
}

/// First and last night of each segment and its median score.
fn segments(scores: &[f64], found: &[ChangePoint]) -> Vec<(usize, usize, f64)> {
    let starts = std::iter::once(0).chain(found.iter().map(|point| point.index));
    let ends = found.iter().map(|point| point.index).chain(std::iter::once(scores.len()));
    starts
        .zip(ends)
        .filter_map(|(from, end)| {
            let middle = Series::new(scores[from..end].iter().copied())?.median();
            Some((from, end.checked_sub(1)?, middle))
        })
        .collect()
}
