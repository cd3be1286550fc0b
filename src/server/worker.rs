//! One benchmark from its start to the store, on a thread and a runtime of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::house::{House, Shared};
use super::queue::{Job, Reason};
use super::relay::Relay;
use crate::app::service::{Refusal, addresses};
use crate::app::{self, AppError, Side};
use crate::config::Resolved;
use crate::document::v1::service::{
    BenchmarkAsk, BenchmarkDocument, BriefDocument, FailureDocument, PurposeDocument, StateDocument,
};
use crate::document::v1::{DecisionDocument, RunDocument, SIZE_MAX, VerdictDocument};
use crate::engine::Stop;
use crate::host::{RealClock, files};
use crate::report;
use crate::store::DatabaseError;

/// The file that says how a benchmark ended, beside its result and rows: with it they can be stored after a crash, too.
pub(super) const ENDED_FILE: &str = "benchmark.json";
/// Between two tries to store what ended.
const STORE_AGAIN: Duration = Duration::from_secs(5);

/// Measures a job and stores what came of it. Returns when it is stored, or kept in its folder until it can be.
pub(super) async fn run(house: &Shared, job: Job, stop: Stop) {
    let Job { id, ask, resolved, hub } = job;
    let begun = BenchmarkDocument {
        state: StateDocument::Running,
        started: Some(RealClock::wall_ms()),
        ahead: None,
        ..hub.state()
    };
    if let Err(error) = house.database.update(&begun).await {
        // What is measured is worth more than a state that is a little late.
        warn!(benchmark = %id, %error, "the store does not take the start");
    }
    hub.set_state(begun);
    info!(benchmark = %id, "started");
    let outcome = match still_allowed(house, &resolved).await {
        Ok(()) => {
            let relay = Relay::new(Arc::clone(&hub), Arc::clone(&house.meters));
            measure(ask.clone(), resolved, relay, stop).await
        }
        Err(Refusal { message, hint, field: _ }) => {
            Outcome { document: None, error: Some(AppError::usage(message, hint.unwrap_or_default())) }
        }
    };
    let reason = house.queue.reason(&id);
    let ended = ended(hub.state(), &outcome, reason);
    info!(benchmark = %id, state = ended.state.id(), verdict = ended.verdict.as_deref(), "ended");
    let stored = keep(house, ended, outcome.document).await;
    hub.set_state(stored);
}

/// What came of a measurement: a result, an error, or a result that could not be written or held against anything.
struct Outcome {
    document: Option<RunDocument>,
    error: Option<AppError>,
}

/// A name may stand for another address by the time its turn comes.
async fn still_allowed(house: &House, resolved: &Resolved) -> Result<(), Refusal> {
    for (setting, url) in addresses(&resolved.plan) {
        house.targets.check(setting, &url).await?;
    }
    Ok(())
}

/// Measures on a thread of its own: the load's neighbours on a runtime are to be few.
async fn measure(ask: BenchmarkAsk, resolved: Resolved, mut relay: Relay, stop: Stop) -> Outcome {
    let failed = |message: String, hint: &str| Outcome {
        document: None,
        error: Some(AppError::environment(message, hint)),
    };
    let (tell, told) = oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let outcome = match runtime {
            Ok(runtime) => runtime.block_on(async {
                match ask.purpose {
                    PurposeDocument::Run => app::run(&resolved, &mut relay, &stop).await,
                    PurposeDocument::Gate => {
                        let judged = app::gate(&resolved, ask.commit.as_deref(), &mut relay, &stop).await;
                        judged.map(|judged| judged.document)
                    }
                }
            }),
            Err(error) => Err(AppError::environment(
                format!("cannot start: {error}"),
                "raise the limit of open files (ulimit -n)",
            )),
        };
        // Who waits for it is there until it came.
        let _sent = tell
            .send(match outcome {
                Ok(document) => Outcome { document: Some(document), error: None },
                Err(error) => Outcome { document: relay.into_measured(), error: Some(error) },
            })
            .is_ok();
    };
    match std::thread::Builder::new().name("benchmark".to_owned()).spawn(work) {
        // A panic drops the sender, and the thread says why on stderr.
        Ok(_thread) => told.await.unwrap_or_else(|_| {
            failed(
                "the measurement ended unexpectedly".to_owned(),
                "look into this server's log, and report a bug",
            )
        }),
        Err(error) => {
            failed(format!("cannot start a thread: {error}"), "raise the limit of processes (ulimit -u)")
        }
    }
}

/// How it ended.
fn ended(state: BenchmarkDocument, outcome: &Outcome, reason: Option<Reason>) -> BenchmarkDocument {
    let stopped = reason.map(|reason| match reason {
        Reason::Cancelled => StateDocument::Cancelled,
        Reason::Interrupted => StateDocument::Interrupted,
    });
    let state = BenchmarkDocument { ended: Some(RealClock::wall_ms()), ahead: None, ..state };
    let Outcome { document, error } = outcome;
    let failure = error.as_ref().map(|AppError { message, hint, side: _ }| FailureDocument {
        message: message.clone(),
        hint: hint.as_ref().map(|hint| hint.0.clone()),
    });
    match (document, error) {
        (Some(document), _) => {
            let cut = stopped.filter(|_| document.partial);
            let end = cut.unwrap_or(StateDocument::Finished);
            BenchmarkDocument { state: end, failure, ..described(state, document) }
        }
        (None, Some(error)) if error.side == Side::Interrupted && stopped.is_some() => {
            BenchmarkDocument { state: stopped.unwrap_or(StateDocument::Failed), partial: true, ..state }
        }
        (None, _) => BenchmarkDocument { state: stopped.unwrap_or(StateDocument::Failed), failure, ..state },
    }
}

/// What a result says of its benchmark.
pub(super) fn described(state: BenchmarkDocument, document: &RunDocument) -> BenchmarkDocument {
    let known = |text: &str| Some(text.to_owned()).filter(|text| text != "unknown");
    BenchmarkDocument {
        model: known(&document.fingerprint.model),
        hardware: Some(document.fingerprint.hardware.clone()),
        workload: Some(document.fingerprint.workload.clone()),
        workload_hash: Some(document.fingerprint.workload_hash.clone()),
        verdict: document.verdict.as_ref().map(|verdict| verdict_id(verdict).to_owned()),
        partial: document.partial,
        brief: Some(BriefDocument::of(document)),
        command: if document.imported.is_some() { String::new() } else { report::command::line(document) },
        ..state
    }
}

/// Stores how it ended, its result and its rows. What cannot be stored stays in its folder and in memory, and is tried again and again.
async fn keep(house: &Shared, ended: BenchmarkDocument, document: Option<RunDocument>) -> BenchmarkDocument {
    let folder = house.folder(&ended.id);
    leave_word(&folder, &ended);
    match store(house, &folder, ended.clone(), document.as_ref()).await {
        Ok(stored) => stored,
        Err(error) => {
            error!(benchmark = %ended.id, %error, hint = %error.hint(), "not stored yet; its files stay in its folder and are tried again");
            house.queue.keep_unstored(ended.clone());
            tokio::spawn(store_later(Arc::clone(house), ended.clone(), document));
            ended
        }
    }
}

/// Says in its folder how it ended, for the next start.
fn leave_word(folder: &Path, ended: &BenchmarkDocument) {
    if let Ok(text) = serde_json::to_string(ended)
        && let Err(error) = files::write_atomic(&folder.join(ENDED_FILE), text.as_bytes())
    {
        warn!(benchmark = %ended.id, %error, "its end is not on the disk");
    }
}

/// Tries until the store takes it, or the server ends; then the next start finds the folder.
async fn store_later(house: Shared, ended: BenchmarkDocument, document: Option<RunDocument>) {
    let folder = house.folder(&ended.id);
    loop {
        tokio::time::sleep(STORE_AGAIN).await;
        if !folder.join(ENDED_FILE).exists() {
            leave_word(&folder, &ended);
        }
        match store(&house, &folder, ended.clone(), document.as_ref()).await {
            Ok(stored) => {
                info!(benchmark = %stored.id, state = stored.state.id(), "stored at last");
                house.queue.is_stored(&stored.id);
                return;
            }
            Err(error) => warn!(benchmark = %ended.id, %error, "still not stored"),
        }
    }
}

/// Stores what a folder holds of a benchmark that ended.
pub(super) async fn store_folder(house: &House, folder: &Path) -> Result<BenchmarkDocument, AppError> {
    let unreadable = |why: String| AppError::environment(why, "the folder is left as it is");
    let text = files::read_text(&folder.join(ENDED_FILE), SIZE_MAX)?;
    let ended: BenchmarkDocument = serde_json::from_str(&text)
        .map_err(|error| unreadable(format!("{}: {error}", folder.join(ENDED_FILE).display())))?;
    let result = folder.join("result.json");
    let document = if result.exists() { Some(app::read_result(&result)?) } else { None };
    Ok(store(house, folder, ended, document.as_ref()).await?)
}

/// Result first, state last: a state that is over never lacks its result.
async fn store(
    house: &House,
    folder: &Path,
    mut ended: BenchmarkDocument,
    document: Option<&RunDocument>,
) -> Result<BenchmarkDocument, DatabaseError> {
    if let Some(document) = document {
        house.database.put_result(&ended.id, document).await?;
    }
    let rows = folder.join("requests.jsonl");
    if rows.metadata().is_ok_and(|rows| rows.len() > 0) {
        ended.rows = Some(house.database.put_rows(&ended.id, &rows).await?).filter(|rows| *rows > 0);
    }
    house.database.update(&ended).await?;
    if let Err(error) = files::remove_folder(folder) {
        warn!(benchmark = %ended.id, %error, "its folder is left behind");
    }
    Ok(ended)
}

/// The word of a verdict, as lists and metrics have it.
fn verdict_id(verdict: &VerdictDocument) -> &'static str {
    match verdict.decision {
        DecisionDocument::Pass => "pass",
        DecisionDocument::Fail => "fail",
        DecisionDocument::Inconclusive => "inconclusive",
        DecisionDocument::Invalid => "invalid",
    }
}
