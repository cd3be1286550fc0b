//! After a start: what was queued is queued again, what was running becomes interrupted, and nothing that was measured is lost.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tracing::{info, warn};

use super::error::ServeError;
use super::events::Hub;
use super::house::Shared;
use super::queue::{Job, Queue};
use super::worker::{self, ENDED_FILE};
use crate::app::service::{Refusal, was_masked};
use crate::document::v1::service::{BenchmarkDocument, FailureDocument, StateDocument};
use crate::host::{RealClock, files};
use crate::store::{DatabaseError, Kept};

/// Takes up what an earlier server left.
pub(super) async fn recover(house: &Shared) -> Result<(), ServeError> {
    let unfinished = house.database.unfinished().await?;
    for kept in unfinished {
        match kept.benchmark.state {
            StateDocument::Queued => queue_again(house, kept).await?,
            _ => end(house, kept.benchmark).await?,
        }
    }
    leftovers(house).await;
    // Uploads that were under way belong to nobody any more.
    if let Err(error) = files::remove_folder(&house.upload("")) {
        warn!(%error, "old uploads are left behind");
    }
    Queue::pump(house);
    Ok(())
}

async fn queue_again(house: &Shared, kept: Kept) -> Result<(), DatabaseError> {
    let Kept { benchmark, ask } = kept;
    let lost_secret = was_masked(&ask).then(|| Refusal {
        field: None,
        message: "the server was started anew while this waited, and secrets of an ask are not kept"
            .to_owned(),
        hint: Some("start it again; name a key with api-key-env, which outlives the server".to_owned()),
    });
    let planned = match lost_secret {
        Some(refusal) => Err(refusal),
        None => house.plan(&ask, &house.folder(&benchmark.id)).await,
    };
    match planned {
        Ok(resolved) => {
            info!(benchmark = %benchmark.id, "queued again");
            let hub = Arc::new(Hub::new(benchmark.clone()));
            house.queue.push(Job { id: benchmark.id, ask, resolved, hub });
            Ok(())
        }
        Err(Refusal { message, hint, field: _ }) => {
            let failed = BenchmarkDocument {
                state: StateDocument::Failed,
                ended: Some(RealClock::wall_ms()),
                ahead: None,
                failure: Some(FailureDocument { message, hint }),
                ..benchmark
            };
            house.database.update(&failed).await
        }
    }
}

/// One that ran when the server went: the rows that were written are kept. If it had ended already, its folder says how.
async fn end(house: &Shared, benchmark: BenchmarkDocument) -> Result<(), DatabaseError> {
    let folder = house.folder(&benchmark.id);
    if folder.join(ENDED_FILE).exists() {
        match worker::store_folder(house, &folder).await {
            Ok(_stored) => return Ok(()),
            Err(error) => warn!(benchmark = %benchmark.id, %error, "its end cannot be read"),
        }
    }
    let rows = folder.join("requests.jsonl");
    let kept = if rows.metadata().is_ok_and(|rows| rows.len() > 0) {
        match house.database.put_rows(&benchmark.id, &rows).await {
            Ok(count) => Some(count).filter(|count| *count > 0),
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                warn!(benchmark = %benchmark.id, %error, "its rows cannot be kept");
                None
            }
        }
    } else {
        None
    };
    info!(benchmark = %benchmark.id, rows = kept, "interrupted by the end of the server");
    let interrupted = BenchmarkDocument {
        state: StateDocument::Interrupted,
        ended: Some(RealClock::wall_ms()),
        partial: true,
        rows: kept,
        failure: Some(FailureDocument {
            message: "the server ended while this ran".to_owned(),
            hint: Some("start it again; the rows that were finished are kept".to_owned()),
        }),
        ..benchmark
    };
    house.database.update(&interrupted).await?;
    if let Err(error) = files::remove_folder(&folder) {
        warn!(%error, "its folder is left behind");
    }
    Ok(())
}

/// Folders of benchmarks that ended but could not be stored then.
async fn leftovers(house: &Shared) {
    let Ok(entries) = fs::read_dir(house.running()) else { return };
    for folder in entries.flatten().map(|entry| entry.path()) {
        if folder.join(ENDED_FILE).exists() {
            match worker::store_folder(house, &folder).await {
                Ok(stored) => info!(benchmark = %stored.id, "stored at last"),
                Err(error) => warn!(folder = %shown(&folder), %error, "left as it is"),
            }
        }
    }
}

fn shown(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
