//! The history of a baseline: its nights, and the course of its numbers, as `llm-loadtest history` writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{self, Format, Kind};
use super::number::six;
use super::{
    BaselineDocument, DecisionDocument, EffectDocument, Key, RuleDocument, RunDocument, StatusDocument,
};
use crate::gate::{self, Change, RoundValues, Segment, Trend, Worse};
use crate::protocol::Api;
use crate::record::{Metric, MetricKey};

/// The nights of one workload, model and hardware.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryDocument {
    pub format: Format,
    /// `llm-loadtest` version that wrote the file.
    pub tool: String,
    /// RFC 3339.
    pub created: String,
    /// Name of the baseline, as `baseline list` prints it.
    pub name: String,
    pub key: Key,
    /// Every stored session, oldest first. All other indices count these, from 0.
    pub nights: Vec<NightDocument>,
    /// One for each number and level.
    pub trends: Vec<TrendDocument>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NightDocument {
    pub id: String,
    /// RFC 3339.
    pub created: String,
    pub commit: Option<String>,
}

/// One number at one level over the nights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrendDocument {
    pub metric: String,
    pub level: String,
    /// Median of each night's rounds; null where it was not measured.
    pub values: Vec<Option<f64>>,
    /// Stretches between changes.
    pub segments: Vec<SegmentDocument>,
    pub changes: Vec<ChangeDocument>,
    /// Null: tonight is as usual, or there are too few nights.
    pub alarm: Option<AlarmDocument>,
    /// Nights still needed before there can be an alarm.
    pub needed: u64,
    /// Changes are differences of shares instead of ratios.
    pub absolute: bool,
}

/// A stretch of one level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentDocument {
    /// First and last night.
    pub from: usize,
    pub to: usize,
    pub median: f64,
}

/// A night on which the level moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDocument {
    /// First night of the new level, and last of the old one.
    pub first: usize,
    pub before: usize,
    /// Relative unless the trend is absolute: 0.12 is 12 % more.
    pub change: f64,
    pub is_worse: bool,
    /// 1 − p of the permutation test.
    pub confidence: f64,
    /// The first night of the new level lies between these, about nine times in ten.
    pub earliest: usize,
    pub latest: usize,
}

/// Tonight is worse than usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmDocument {
    /// First night that is worse, and the last good one.
    pub since: usize,
    pub before: usize,
    pub change: f64,
    /// What pairs of the last good build and tonight's say; null where none were measured.
    pub pairs: Option<PairedAnswer>,
}

/// The answer of a paired gate about an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairedAnswer {
    pub answer: AnswerOfPairs,
    /// The change between the two builds, with the interval that the gate used; null where it could not be judged.
    pub effect: Option<EffectDocument>,
}

/// Whether the build is what became worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOfPairs {
    Confirmed,
    /// The builds do not differ by as much: the environment changed.
    Refuted,
    Undecided,
}

impl HistoryDocument {
    /// The history of these numbers at these levels; numbers that no night has are left out.
    pub fn new(
        baseline: &BaselineDocument,
        name: &str,
        created: &str,
        tool: &str,
        keys: &[MetricKey],
        levels: &[String],
    ) -> Self {
        let accepted = baseline.first_session();
        let trends = levels.iter().flat_map(|level| {
            let nights = baseline.nights(level);
            let trend = move |key: &MetricKey| gate::trend(&nights, *key, accepted);
            let count = baseline.sessions.len();
            keys.iter()
                .filter_map(trend)
                .map(move |trend| TrendDocument::new(&trend, level, count))
                .collect::<Vec<_>>()
        });
        Self {
            format: Format::current(Kind::History),
            tool: tool.to_owned(),
            created: created.to_owned(),
            name: name.to_owned(),
            key: baseline.key.clone(),
            nights: baseline
                .sessions
                .iter()
                .map(|session| NightDocument {
                    id: session.id.clone(),
                    created: session.created.clone(),
                    commit: session.commit.clone(),
                })
                .collect(),
            trends: trends.collect(),
        }
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        format::write(self)
    }

    /// With what a paired gate of these alarms found.
    #[must_use]
    pub fn confirmed(mut self, gate: &RunDocument) -> Self {
        for trend in &mut self.trends {
            let answer = paired(gate, &trend.level, &trend.metric);
            if let Some(alarm) = &mut trend.alarm {
                alarm.pairs = Some(answer);
            }
        }
        self
    }

    /// The trends that tonight is an alarm of.
    pub fn alarms(&self) -> impl Iterator<Item = (&TrendDocument, &AlarmDocument)> {
        self.trends.iter().filter_map(|trend| Some((trend, trend.alarm.as_ref()?)))
    }
}

fn paired(gate: &RunDocument, level: &str, metric: &str) -> PairedAnswer {
    let verdict = gate.verdict.as_ref().filter(|verdict| verdict.decision != DecisionDocument::Invalid);
    let cell = verdict.and_then(|verdict| {
        let cells = verdict.cells.iter().filter(|cell| cell.level == level && cell.metric == metric);
        cells.into_iter().find(|cell| matches!(cell.rule, RuleDocument::Tolerance { .. }))
    });
    let answer = match cell.map(|cell| &cell.status) {
        Some(StatusDocument::Fail) => AnswerOfPairs::Confirmed,
        Some(StatusDocument::Pass | StatusDocument::PassSlower) => AnswerOfPairs::Refuted,
        _ => AnswerOfPairs::Undecided,
    };
    PairedAnswer { answer, effect: cell.and_then(|cell| cell.effect) }
}

impl BaselineDocument {
    /// Index of the promoted session, from which on comparisons look; 0 where none is.
    pub fn first_session(&self) -> usize {
        let promoted = self.sessions.iter().position(|session| Some(&session.id) == self.promoted.as_ref());
        promoted.unwrap_or(0)
    }

    /// The rounds of one level in every session, oldest first; none in a session that did not measure it.
    pub fn nights(&self, label: &str) -> Vec<Vec<RoundValues>> {
        let rounds = |session: &super::SessionDocument| {
            let levels = session.levels.iter().filter(|level| level.label == label);
            levels.flat_map(|level| &level.rounds).map(RoundValues::from).collect()
        };
        self.sessions.iter().map(rounds).collect()
    }

    /// Every level that any session measured, in the order in which they appear.
    pub fn labels(&self) -> Vec<String> {
        let mut labels: Vec<String> = Vec::new();
        for level in self.sessions.iter().flat_map(|session| &session.levels) {
            if !labels.contains(&level.label) {
                labels.push(level.label.clone());
            }
        }
        labels
    }

    /// The numbers that a gate of this workload judges unless told otherwise.
    pub fn usual_keys(&self) -> Vec<MetricKey> {
        let is_open = self.workload.levels.iter().any(|level| level.concurrency.is_none());
        let p95 =
            |closed: Metric, open: Metric| MetricKey::quantile(if is_open { open } else { closed }, 950);
        let first = [p95(Metric::Ttft, Metric::TtftFromDue), MetricKey::quantile(Metric::Tpot, 950)];
        let generates = Api::named(&self.workload.api).is_none_or(Api::generates);
        let throughput = if generates { Metric::OutputThroughput } else { Metric::RequestThroughput };
        let rest = [p95(Metric::E2e, Metric::E2eFromDue), MetricKey::value(throughput)];
        let goodput = (!self.workload.slos.is_empty()).then(|| MetricKey::value(Metric::Goodput));
        first.into_iter().filter(|_| self.workload.stream).chain(rest).chain(goodput).collect()
    }
}

impl TrendDocument {
    fn new(trend: &Trend, level: &str, count: usize) -> Self {
        let Trend { key, nights, segments, changes, alarm, needed, absolute } = trend;
        let mut values = vec![None; count];
        for (session, value) in nights {
            if let Some(place) = values.get_mut(*session) {
                *place = Some(six(*value));
            }
        }
        Self {
            metric: key.to_string(),
            level: level.to_owned(),
            values,
            segments: segments.iter().map(SegmentDocument::from).collect(),
            changes: changes.iter().map(ChangeDocument::from).collect(),
            alarm: alarm.as_ref().map(AlarmDocument::from),
            needed: *needed as u64,
            absolute: *absolute,
        }
    }
}

impl From<&Segment> for SegmentDocument {
    fn from(segment: &Segment) -> Self {
        let Segment { from, to, value } = segment;
        Self { from: *from, to: *to, median: six(*value) }
    }
}

impl From<&Change> for ChangeDocument {
    fn from(found: &Change) -> Self {
        let Change { first, before, change, is_worse, confidence, between } = found;
        Self {
            first: *first,
            before: *before,
            change: six(*change),
            is_worse: *is_worse,
            confidence: six(*confidence),
            earliest: between.0,
            latest: between.1,
        }
    }
}

impl From<&Worse> for AlarmDocument {
    fn from(worse: &Worse) -> Self {
        let Worse { since, before, change } = worse;
        Self { since: *since, before: *before, change: six(*change), pairs: None }
    }
}
