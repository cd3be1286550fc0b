//! Results in the store of a server as sessions: of a baseline, and of a history of benchmarks.

use crate::app::documents::whole_load;
use crate::app::error::AppError;
use crate::app::gate::session_id;
use crate::document::v1::import::{self, Given, ImportOptions, Reading};
use crate::document::v1::service::BenchmarkDocument;
use crate::document::v1::{
    BaselineDocument, Format, HistoryDocument, Key, Kind, RunDocument, SessionDocument,
};
use crate::host::RealClock;
use crate::record::MetricKey;

/// Refuses what cannot be a session, and names what can: after its time and seed.
pub fn session_of(document: &RunDocument) -> Result<String, AppError> {
    whole_load(document).map_err(|(why, hint)| AppError::usage(format!("the result {why}"), hint))?;
    Ok(session_id(document))
}

/// Finished benchmarks of one key, oldest first, as if each were a session of one baseline; none where there is none.
pub fn sessions(key: &Key, found: &[(BenchmarkDocument, RunDocument)]) -> Option<BaselineDocument> {
    let (_, newest) = found.last()?;
    let mut baseline = BaselineDocument::empty(key.clone(), newest.plan.workload.clone(), &newest.tool);
    let session = |(benchmark, run): &(BenchmarkDocument, RunDocument)| {
        SessionDocument::from_run(run, &benchmark.id, benchmark.commit.as_deref())
    };
    baseline.sessions = found.iter().map(session).collect();
    Some(baseline)
}

/// The history of a baseline. Empty lists mean what is usual: what a gate judges, and every level.
pub fn history_of(
    baseline: &BaselineDocument,
    name: &str,
    metrics: &[MetricKey],
    levels: &[String],
) -> Result<HistoryDocument, AppError> {
    let known = baseline.labels();
    if let Some(level) = levels.iter().find(|level| !known.contains(level)) {
        let level: String = level.chars().take(80).collect();
        return Err(AppError::usage(
            format!("no session was measured at the level '{level}'"),
            format!("levels are: {}", known.join(", ")),
        ));
    }
    let keys = if metrics.is_empty() { baseline.usual_keys() } else { metrics.to_vec() };
    let levels = if levels.is_empty() { &known } else { levels };
    Ok(HistoryDocument::new(baseline, name, &RealClock::wall(), env!("CARGO_PKG_VERSION"), &keys, levels))
}

/// A result of ours, or another tool's file as one of ours. `path` only names it.
pub fn import_text(
    path: &std::path::Path,
    text: &str,
    options: &ImportOptions,
) -> Result<RunDocument, AppError> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: Format,
    }
    let is_ours = serde_json::from_str::<Head>(text).is_ok_and(|head| head.format.kind == Kind::Run);
    if is_ours {
        return Ok(RunDocument::from_json(path, text)?);
    }
    let reading = Reading { tool: env!("CARGO_PKG_VERSION"), created: &RealClock::wall() };
    Ok(import::import(&[Given { path, text }], options, reading)?)
}
