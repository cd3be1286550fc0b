//! What is known of a machine's noise from day to day before this workload has days of its own.

use super::error::AppError;
use crate::config::{GatePolicy, Origin, Resolved};
use crate::document::v1::{BaselineDocument, DEFINITIONS, Key};
use crate::gate::{ENOUGH_SESSIONS, SessionRounds, session_noise};
use crate::host::RealClock;
use crate::record::{MetricKey, Unit};
use crate::store::Store;

/// A noise between days, and where it was seen.
pub(super) struct Seen {
    /// Relative sd.
    pub(super) noise: f64,
    baselines: usize,
}

impl Seen {
    /// One line for the reader.
    pub(super) fn sentence(&self, hardware: &str) -> String {
        format!(
            "noise from day to day: {:.1}%, as {} of {hardware} with {ENOUGH_SESSIONS} sessions or more show; --assumed-noise says otherwise",
            self.noise * 100.0,
            if self.baselines == 1 {
                "another baseline".to_owned()
            } else {
                format!("{} other baselines", self.baselines)
            }
        )
    }
}

/// The noise between sessions that other workloads have shown on this machine: the root of the mean variance over their gated
/// latencies and rates. None where the user has declared one, where this baseline has enough sessions, or where nothing is known.
pub(super) fn of_machine(
    store: &Store,
    resolved: &Resolved,
    own: &BaselineDocument,
) -> Result<Option<Seen>, AppError> {
    let said =
        resolved.values.iter().any(|entry| entry.key == "assumed-noise" && entry.origin != Origin::Default);
    if said || own.sessions.len() >= ENOUGH_SESSIONS {
        return Ok(None);
    }
    let another = |key: &Key| key.hardware == own.key.hardware && *key != own.key;
    let listed = store.list()?.into_iter().filter_map(|item| item.baseline.ok());
    let variances: Vec<Vec<f64>> = listed
        .filter(|found| found.definitions == DEFINITIONS && another(&found.key))
        .map(|found| found.window(&RealClock::wall(), found.max_age()))
        .map(|found| of_baseline(&found, &resolved.plan.gate))
        .filter(|variances| !variances.is_empty())
        .collect();
    let all: Vec<f64> = variances.iter().flatten().copied().collect();
    Ok((!all.is_empty()).then(|| Seen {
        noise: (all.iter().sum::<f64>() / all.len() as f64).sqrt(),
        baselines: variances.len(),
    }))
}

/// Variances between the sessions of one baseline, a value for each level and gated number.
fn of_baseline(baseline: &BaselineDocument, policy: &GatePolicy) -> Vec<f64> {
    let relative = |key: &&MetricKey| key.metric.unit() != Unit::Ratio;
    let keys: Vec<MetricKey> = policy.tolerances.keys().filter(relative).copied().collect();
    let mut variances = Vec::new();
    for label in baseline.labels() {
        let sessions = baseline.sessions(&label);
        let sessions: Vec<SessionRounds> =
            sessions.into_iter().map(|rounds| SessionRounds { rounds }).collect();
        let noises = keys.iter().filter_map(|key| session_noise(&sessions, *key));
        variances.extend(
            noises.filter(|noise| noise.count as usize >= ENOUGH_SESSIONS).map(|noise| noise.sd.powi(2)),
        );
    }
    variances
}
