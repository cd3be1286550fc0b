//! The stored sessions that a verdict rests on: how many, how old, and how far they moved among themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::six;
use super::{BaselineDocument, JudgementDocument, RuleDocument, VerdictDocument};
use crate::gate::RoundValues;
use crate::record::{MetricKey, Unit};
use crate::stats::Series;

/// Sessions below which a drift could not be told from noise.
const DRIFT_SESSIONS: usize = 6;

/// What stored sessions say of themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredDocument {
    pub sessions: u64,
    /// When the newest was measured, RFC 3339.
    pub newest: String,
    /// Days from then to the verdict; null where sessions do not age.
    pub age_days: Option<f64>,
    /// Null below six sessions.
    pub drift: Option<DriftDocument>,
}

/// How the worst gating number moved over the sessions: the newest third of them against the oldest third.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftDocument {
    pub level: String,
    pub metric: String,
    pub change: f64,
    /// Points of a share rather than a relative change.
    pub absolute: bool,
}

impl StoredDocument {
    /// What `window` is to a verdict formed at `now` (RFC 3339); none where it holds no session.
    pub fn new(window: &BaselineDocument, now: &str, verdict: &VerdictDocument) -> Option<Self> {
        let newest = window.sessions.last()?;
        let compared = |cell: &&JudgementDocument| {
            matches!(cell.rule, RuleDocument::Tolerance { .. }) && cell.baseline.is_some()
        };
        let worst = verdict.cells.iter().find(compared);
        Some(Self {
            sessions: window.sessions.len() as u64,
            newest: newest.created.clone(),
            age_days: window.max_age().and(newest.age_days(now)).map(six),
            drift: worst.and_then(|cell| drift(window, cell)),
        })
    }
}

/// The level of a third is the mean of its sessions' medians.
fn drift(window: &BaselineDocument, worst: &JudgementDocument) -> Option<DriftDocument> {
    let key: MetricKey = worst.metric.parse().ok()?;
    let sessions = window.sessions(&worst.level);
    let median = |rounds: &Vec<RoundValues>| {
        let values = rounds.iter().filter_map(|round| round.values.get(&key).copied());
        Series::new(values).map(|series| series.median())
    };
    let medians: Vec<f64> = sessions.iter().filter_map(median).collect();
    if medians.len() < DRIFT_SESSIONS {
        return None;
    }
    let third = medians.len() / 3;
    let old = Series::new(medians[..third].iter().copied())?.mean();
    let new = Series::new(medians[medians.len() - third..].iter().copied())?.mean();
    let absolute = key.metric.unit() == Unit::Ratio;
    let change = if absolute { new - old } else { new / old - 1.0 };
    change.is_finite().then(|| DriftDocument {
        level: worst.level.clone(),
        metric: worst.metric.clone(),
        change: six(change),
        absolute,
    })
}

#[cfg(test)]
impl StoredDocument {
    /// Six sessions of a real machine, the newest three weeks old.
    pub(crate) fn sample() -> Self {
        Self {
            sessions: 6,
            newest: "2025-12-12T15:04:05Z".to_owned(),
            age_days: Some(21.5),
            drift: Some(DriftDocument {
                level: "c=32".to_owned(),
                metric: "ttft_p95".to_owned(),
                change: 0.031,
                absolute: false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::{SessionDocument, sample};
    use crate::gate::Decision;

    const NOW: &str = "2026-03-01T00:00:00Z";

    /// Sessions of a real machine, a day apart, whose TTFT p95 is this.
    fn window(values: &[f64]) -> BaselineDocument {
        let run = sample::run();
        let mut baseline =
            BaselineDocument::empty(run.fingerprint.clone(), run.plan.workload.clone(), "0.1.0");
        baseline.sessions = values
            .iter()
            .enumerate()
            .map(|(day, value)| {
                let mut session = SessionDocument::from_run(&run, &day.to_string(), None);
                session.created = format!("2026-02-{:02}T00:00:00Z", day + 1);
                for round in session.levels.iter_mut().flat_map(|level| &mut level.rounds) {
                    round.values.insert("ttft_p95".to_owned(), *value);
                }
                session
            })
            .collect();
        baseline
    }

    fn stored(window: &BaselineDocument) -> StoredDocument {
        let verdict = sample::gate(Decision::Pass).verdict.unwrap();
        StoredDocument::new(window, NOW, &verdict).unwrap()
    }

    #[test]
    fn a_window_has_an_age_and_from_six_sessions_on_a_drift() {
        let few = stored(&window(&[400.0; 5]));
        assert_eq!((few.sessions, few.age_days, few.drift), (5, Some(24.0), None));
        assert_eq!(few.newest, "2026-02-05T00:00:00Z");
        // The outer thirds decide, whatever lies between.
        let many = stored(&window(&[390.0, 410.0, 900.0, 100.0, 430.0, 450.0]));
        let drift = many.drift.unwrap();
        assert_eq!((drift.metric.as_str(), drift.level.as_str(), drift.change), ("ttft_p95", "c=32", 0.1));
        assert!(!drift.absolute);
        assert_eq!(stored(&window(&[0.0; 6])).drift, None, "nothing has no relative change");
    }

    #[test]
    fn a_simulated_machine_does_not_age() {
        let mut window = window(&[400.0]);
        window.sessions[0].environment.network_path = "simulated".to_owned();
        assert_eq!(stored(&window).age_days, None);
        window.sessions.clear();
        let verdict = sample::gate(Decision::Pass).verdict.unwrap();
        assert_eq!(StoredDocument::new(&window, NOW, &verdict), None);
    }
}
