//! Results that were measured elsewhere: ours as they are, other tools' files as one of ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use tracing::info;

use super::benchmarks::new_id;
use crate::app::service::import_text;
use crate::document::v1::RunDocument;
use crate::document::v1::import::ImportOptions;
use crate::document::v1::service::{
    BenchmarkAsk, BenchmarkDocument, OriginDocument, PurposeDocument, StateDocument,
};
use crate::host::RealClock;
use crate::server::bodies::{text, upload};
use crate::server::house::{House, Shared};
use crate::server::identity::Identity;
use crate::server::problem::{Answer, Problem};
use crate::server::query::Asked;
use crate::server::worker::described;
use crate::store::Kept;

/// `POST /api/v1/import`
pub(in crate::server) async fn import(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Extension(asked): Extension<Asked>,
    request: Request,
) -> Answer {
    let upload = upload(&house, request.into_body()).await?;
    let document = {
        let _alone = house.large.acquire().await.map_err(|_| Problem::internal("this server ends"))?;
        let text = text(&upload).await?;
        let name = file_name(asked.text("file"));
        let options = ImportOptions {
            workload: asked.owned("workload"),
            model: asked.owned("model"),
            hardware: asked.owned("hardware"),
            ..ImportOptions::default()
        };
        House::aside(move || import_text(&name, &text, &options)).await??
    };
    let benchmark = imported(new_id()?, &document, &asked);
    let kept = Kept { benchmark, ask: BenchmarkAsk { settings: BTreeMap::new(), ..BenchmarkAsk::default() } };
    house.database.insert(&kept).await?;
    if let Err(error) = house.database.put_result(&kept.benchmark.id, &document).await {
        // Half of it would be worse than nothing; the first error is the one to tell.
        let _gone = house.database.delete(&kept.benchmark.id).await.is_ok();
        return Err(error.into());
    }
    info!(benchmark = %kept.benchmark.id, key = identity.key, "imported");
    let location = format!("/api/v1/benchmarks/{}", kept.benchmark.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(kept.benchmark)).into_response())
}

fn imported(id: String, document: &RunDocument, asked: &Asked) -> BenchmarkDocument {
    let now = RealClock::wall_ms();
    let state = BenchmarkDocument {
        id,
        // What was cut short elsewhere is no reference for anything.
        state: if document.partial { StateDocument::Interrupted } else { StateDocument::Finished },
        origin: if document.imported.is_some() { OriginDocument::Import } else { OriginDocument::Upload },
        purpose: if document.verdict.is_some() { PurposeDocument::Gate } else { PurposeDocument::Run },
        title: asked.owned("title").unwrap_or_else(|| document.name.clone()),
        target: document.plan.target.url.clone(),
        model: None,
        hardware: None,
        workload: None,
        workload_hash: None,
        commit: asked.owned("commit"),
        created: now.clone(),
        started: None,
        ended: Some(now),
        ahead: None,
        verdict: None,
        partial: false,
        failure: None,
        command: String::new(),
        brief: None,
        rows: None,
    };
    described(state, document)
}

/// The last part of a name alone, and none that says where a disk is.
fn file_name(given: Option<&str>) -> PathBuf {
    let name =
        given.and_then(|text| Path::new(text).file_name()).map(|name| name.to_string_lossy().into_owned());
    PathBuf::from(name.unwrap_or_else(|| "upload".to_owned()))
}
