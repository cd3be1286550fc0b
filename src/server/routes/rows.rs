//! What a result is made of: rows of requests, points and distributions for charts, reports, comparisons.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;

use super::{found, json, result};
use crate::app::{self, Form};
use crate::document::v1::RunDocument;
use crate::document::v1::service::{BenchmarkDocument, ChartsDocument, CompareAsk, OriginDocument};
use crate::server::bodies::{Json, upload};
use crate::server::frame::REPORT_POLICY;
use crate::server::house::{House, Shared};
use crate::server::problem::{Answer, Problem};
use crate::server::query::Asked;
use crate::store::{Kept, PointsAsk, RowsForm};

/// Points that a chart takes where it does not say how many.
const POINTS: u64 = 2_000;
/// Results that are held against one.
const CANDIDATES_MAX: usize = 16;

/// `GET /api/v1/benchmarks/{id}/requests`
pub(in crate::server) async fn rows(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Answer {
    found(&house, &id).await?;
    let (form, kind, ending) = match asked.text("format") {
        Some("parquet") => (RowsForm::Parquet, "application/vnd.apache.parquet", "parquet"),
        _ => (RowsForm::Jsonl, "application/x-ndjson", "jsonl"),
    };
    let pieces = house.database.rows(&id, form).await?.ok_or_else(|| no_rows(&id))?;
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"requests-{id}.{ending}\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// `PUT /api/v1/benchmarks/{id}/requests`
pub(in crate::server) async fn put(
    State(house): State<Shared>,
    Path(id): Path<String>,
    request: Request,
) -> Answer {
    let Kept { benchmark, ask: _ } = found(&house, &id).await?;
    if benchmark.origin != OriginDocument::Upload {
        return Err(Problem::conflict(format!(
            "the rows of {id} are not for others to give: it was not uploaded"
        ))
        .hint("rows go with results that were uploaded: POST /api/v1/import first"));
    }
    let upload = upload(&house, request.into_body()).await?;
    let rows = house.database.put_rows(&id, upload.path()).await.map_err(without_path)?;
    Ok(json(&BenchmarkDocument { rows: Some(rows), ..benchmark }))
}

/// `GET /api/v1/benchmarks/{id}/requests/{row}`
pub(in crate::server) async fn row(
    State(house): State<Shared>,
    Path((id, row)): Path<(String, String)>,
) -> Answer {
    found(&house, &id).await?;
    let number: u64 = row.parse().map_err(|_| no_row(&id, &row))?;
    let row = house.database.row(&id, number).await?.ok_or_else(|| no_row(&id, &row))?;
    Ok(json(&row))
}

/// `GET /api/v1/benchmarks/{id}/points`
pub(in crate::server) async fn points(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Answer {
    let Kept { benchmark, ask: _ } = found(&house, &id).await?;
    let level = match asked.owned("level") {
        Some(level) => level,
        None => first_level(&house, &benchmark).await?,
    };
    let wanted = PointsAsk {
        level,
        from_s: asked.number("from_s"),
        to_s: asked.number("to_s"),
        max: asked.count("max").unwrap_or(POINTS) as u32,
    };
    let points = house.database.points(&id, &wanted).await?.ok_or_else(|| no_rows(&id))?;
    Ok(json(&points))
}

/// `GET /api/v1/benchmarks/{id}/report`
pub(in crate::server) async fn report(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
    Path(id): Path<String>,
) -> Answer {
    let document = result(&house, &id).await?;
    let (form, kind) = match asked.text("format") {
        None | Some("html") => (Form::Html, "text/html; charset=utf-8"),
        Some("markdown") => (Form::Markdown, "text/markdown; charset=utf-8"),
        Some("junit") => (Form::Junit, "application/xml"),
        Some("csv") => (Form::Csv, "text/csv; charset=utf-8"),
        Some("json") => (Form::Json, "application/json"),
        Some("vllm") => (Form::Vllm, "application/json"),
        Some(_) => (Form::Table { colour: false }, "text/plain; charset=utf-8"),
    };
    let text = House::aside(move || app::render(&document, form)).await??;
    let mut response = ([(header::CONTENT_TYPE, kind)], text).into_response();
    if form == Form::Html {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(REPORT_POLICY));
    }
    Ok(response)
}

/// `GET /api/v1/benchmarks/{id}/charts`
pub(in crate::server) async fn charts(State(house): State<Shared>, Path(id): Path<String>) -> Answer {
    let document = result(&house, &id).await?;
    Ok(json(&House::aside(move || ChartsDocument::of(&document)).await?))
}

/// `POST /api/v1/benchmarks/compare`
pub(in crate::server) async fn compare(State(house): State<Shared>, Json(ask): Json<CompareAsk>) -> Answer {
    let CompareAsk { baseline, candidates } = ask;
    if !(1..=CANDIDATES_MAX).contains(&candidates.len()) {
        return Err(Problem::of("candidates", format!("candidates: 1 to {CANDIDATES_MAX} are compared")));
    }
    // Up to 17 results are in memory for it, so that comparisons take turns.
    let _alone = house.large.acquire().await.map_err(|_| Problem::internal("this server ends"))?;
    let old = (found(&house, &baseline).await?.benchmark, result(&house, &baseline).await?);
    let mut others = Vec::new();
    for id in &candidates {
        others.push((found(&house, id).await?.benchmark, result(&house, id).await?));
    }
    let compared = House::aside(move || {
        let candidates = others.iter().map(|(benchmark, new)| (benchmark.clone(), new)).collect();
        app::compare_many((old.0, &old.1), candidates)
    });
    Ok(json(&compared.await?))
}

async fn first_level(house: &House, benchmark: &BenchmarkDocument) -> Result<String, Problem> {
    let document: Option<RunDocument> = house.database.result(&benchmark.id).await?;
    let first = document.and_then(|document| document.levels.into_iter().next());
    first.map(|level| level.label).ok_or_else(|| {
        Problem::of("level", "level: it is needed, because there is no result that names the first one")
    })
}

fn no_rows(id: &str) -> Problem {
    Problem::missing(format!("no rows of {id} are kept"))
        .hint("rows are kept when a benchmark has ended, and until retention removes them")
}

fn no_row(id: &str, row: &str) -> Problem {
    let row: String = row.chars().take(40).collect();
    Problem::missing(format!("{id} has no row '{row}'")).hint("rows count from 0")
}

/// The path of an upload is ours and tells nobody anything.
fn without_path(error: crate::store::DatabaseError) -> Problem {
    match error {
        crate::store::DatabaseError::Row { path: _, line, reason } => Problem::new(
            axum::http::StatusCode::UNPROCESSABLE_ENTITY,
            format!("line {line} is not a row of a run: {reason}"),
        )
        .hint("send the requests.jsonl of the run"),
        other => other.into(),
    }
}
