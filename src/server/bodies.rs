//! Bodies of requests: bounded in size and in time, read as JSON, as text or straight into a file.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::house::House;
use super::problem::Problem;
use crate::document::v1::SIZE_MAX;
use crate::host::files;

/// More than any ask: a configuration file among it.
pub(super) const JSON_MAX: usize = 1024 * 1024;
/// For the whole of a small body.
const JSON_TIME: Duration = Duration::from_secs(10);
/// Between two pieces of a large one.
const PIECE_TIME: Duration = Duration::from_secs(30);
/// For the whole of a large one: 256 MiB at 1 Mbit/s would take 36 minutes, and nobody waits for that.
const FILE_TIME: Duration = Duration::from_mins(10);
/// Pieces on their way to the disk.
const PIECES_WAITING: usize = 16;

/// A body of JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = timeout(JSON_TIME, whole(request.into_body())).await.map_err(|_| slow())??;
        parse(&bytes).map(Json)
    }
}

/// JSON as a type; the error says where it stops being that.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        let detail = if bytes.is_empty() {
            "the body is empty".to_owned()
        } else {
            format!("the body is not what is asked for: {error}")
        };
        let status = if error.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        Problem::new(status, detail).hint("GET /api/v1/openapi.json has the schema of every body")
    })
}

async fn whole(body: Body) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| broken())?;
        if bytes.len() + piece.len() > JSON_MAX {
            return Err(too_large(JSON_MAX as u64));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// A file of somebody else's that is gone when this is dropped.
pub(super) struct Upload(PathBuf);

impl Upload {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // What stays behind is removed at the next start.
        let _removed = std::fs::remove_file(&self.0).is_ok();
    }
}

/// Writes a body to a file of its own while it arrives.
pub(super) async fn upload(house: &House, body: Body) -> Result<Upload, Problem> {
    let name = crate::host::nonce().map_err(|error| Problem::internal(error.to_string()))?;
    let path = house.upload(&name);
    let upload = Upload(path.clone());
    let (send, mut pieces) = mpsc::channel::<Bytes>(PIECES_WAITING);
    let writing = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::create(&path)?;
        while let Some(piece) = pieces.blocking_recv() {
            file.write_all(&piece)?;
        }
        file.flush()
    });
    let arrived = timeout(FILE_TIME, pass_on(body, send)).await.map_err(|_| slow()).and_then(|done| done);
    let written = writing.await.map_err(|_| Problem::internal("the upload could not be written"))?;
    written.map_err(|error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, format!("the upload cannot be written: {error}"))
            .hint("free some space in this server's data folder")
    })?;
    arrived.map(|()| upload)
}

async fn pass_on(body: Body, send: mpsc::Sender<Bytes>) -> Result<(), Problem> {
    let mut size = 0;
    let mut pieces = body.into_data_stream();
    loop {
        let Some(piece) = timeout(PIECE_TIME, pieces.next()).await.map_err(|_| slow())? else {
            return Ok(());
        };
        let piece = piece.map_err(|_| broken())?;
        size += piece.len() as u64;
        if size > SIZE_MAX {
            return Err(too_large(SIZE_MAX));
        }
        if send.send(piece).await.is_err() {
            // The disk is at fault, and whoever writes says how.
            return Ok(());
        }
    }
}

/// The text of an upload.
pub(super) async fn text(upload: &Upload) -> Result<String, Problem> {
    let path = upload.path().to_owned();
    let read = House::aside(move || files::read_text(&path, SIZE_MAX)).await?;
    read.map_err(|error| {
        // Its path is ours, and tells nobody anything.
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the body cannot be read: {}", error.source))
    })
}

fn slow() -> Problem {
    Problem::of_status(StatusCode::REQUEST_TIMEOUT)
}

fn broken() -> Problem {
    Problem::bad("the body ended too early")
}

fn too_large(most: u64) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {} MiB", most >> 20))
}
