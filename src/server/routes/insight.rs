//! What follows from results: an analysis in words, and how many of which GPU a load needs.

use axum::Extension;
use axum::extract::{Path, State};

use super::{json, result};
use crate::app::{self, AnalyzeAsk};
use crate::document::v1::RecommendAskDocument;
use crate::document::v1::service::{AnalysisAskDocument, KeyScope};
use crate::server::bodies::Json;
use crate::server::house::{House, Shared};
use crate::server::identity::Identity;
use crate::server::problem::{Answer, Problem};

/// Results that calibrate one recommendation.
const MEASURED_MAX: usize = 16;

/// `POST /api/v1/benchmarks/{id}/analyze`
pub(in crate::server) async fn analyze(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(id): Path<String>,
    Json(ask): Json<AnalysisAskDocument>,
) -> Answer {
    let AnalysisAskDocument { language, baseline, model } = ask;
    let analyst = house.analyst.as_ref().filter(|_| model);
    if model {
        // A model's answer costs somebody something.
        identity.needs(KeyScope::Run)?;
        if analyst.is_none() {
            return Err(Problem::of("model", "model: this server was started without one")
                .hint("its operator names one: serve --analyst-server URL --analyst-model NAME"));
        }
    }
    let run = result(&house, &id).await?;
    let baseline = match &baseline {
        Some(id) => Some(result(&house, id).await?),
        None => None,
    };
    let ask = AnalyzeAsk { run: &run, baseline: baseline.as_ref(), language };
    Ok(json(&app::analyze(ask, analyst).await))
}

/// `POST /api/v1/recommend`
pub(in crate::server) async fn recommend(
    State(house): State<Shared>,
    Json(ask): Json<RecommendAskDocument>,
) -> Answer {
    if ask.measured.len() > MEASURED_MAX {
        return Err(Problem::of("measured", format!("measured: at most {MEASURED_MAX} results calibrate")));
    }
    let mut measured = Vec::new();
    for id in &ask.measured {
        measured.push(result(&house, id).await?);
    }
    Ok(json(&House::aside(move || app::recommend_with(&ask, &measured)).await??))
}
