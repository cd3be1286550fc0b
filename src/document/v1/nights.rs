//! Nightly baselines with a known truth, for the tests of this room and of the rooms above.

use super::{BaselineDocument, HistoryDocument, SessionDocument, sample};
use crate::base::Seed;

/// Forty nights with a noise of 1 %: TTFT falls by 15 % on the 14th and rises by 10 % on the 36th.
pub(crate) fn baseline() -> BaselineDocument {
    let run = sample::run();
    let mut baseline = BaselineDocument::empty(run.fingerprint.clone(), run.plan.workload.clone(), "0.1.0");
    let mut chance = Seed(8).child("nights").chance();
    for at in 0..40_usize {
        let commit = format!("c{at:03}{}", "0".repeat(36));
        let mut session = SessionDocument::from_run(&run, &format!("s{}", at + 1), Some(&commit));
        session.created = format!("2026-{:02}-{:02}T02:00:00Z", 1 + at / 28, 1 + at % 28);
        let moved = if at < 13 { 1.0 } else { 0.85 } * if at < 35 { 1.0 } else { 1.1 };
        for round in session.levels.iter_mut().flat_map(|level| &mut level.rounds) {
            let noise = (0.01 * chance.normal()).exp();
            for (name, value) in &mut round.values {
                let is_ratio = ["goodput", "success_rate", "error_rate"].contains(&name.as_str());
                if !is_ratio {
                    *value *= noise * if name.starts_with("ttft") { moved } else { 1.0 };
                }
            }
        }
        baseline.sessions.push(session);
    }
    baseline
}

/// Their history.
pub(crate) fn history() -> HistoryDocument {
    history_of(&baseline())
}

/// The history of what a gate judges, at every level.
pub(crate) fn history_of(baseline: &BaselineDocument) -> HistoryDocument {
    let (keys, levels) = (baseline.usual_keys(), baseline.labels());
    HistoryDocument::new(baseline, "chat--model--h100", "2026-02-13T03:00:00Z", "0.1.0", &keys, &levels)
}
