//! Stored baselines: listed, shown, added to, promoted.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use tracing::info;

use super::{found, json, result};
use crate::app::service::session_of;
use crate::base::Hint;
use crate::document::v1::service::{
    BaselineAsk, BaselineBrief, BaselineListDocument, FailureDocument, PromoteAsk, SessionBrief,
};
use crate::document::v1::{BaselineDocument, SessionDocument};
use crate::server::bodies::Json;
use crate::server::house::{House, Shared};
use crate::server::identity::Identity;
use crate::server::problem::{Answer, Problem};
use crate::store::{Listed, StoreError};

/// `GET /api/v1/baselines`
pub(in crate::server) async fn list(State(house): State<Shared>) -> Answer {
    let items = listed(&house).await?.iter().map(brief).collect();
    Ok(json(&BaselineListDocument { items }))
}

/// `GET /api/v1/baselines/{name}`
pub(in crate::server) async fn show(State(house): State<Shared>, Path(name): Path<String>) -> Answer {
    Ok(json(&brief(&named(&house, &name).await?)))
}

/// `POST /api/v1/baselines`
pub(in crate::server) async fn save(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Json(ask): Json<BaselineAsk>,
) -> Answer {
    let BaselineAsk { benchmark, session, commit } = ask;
    check_name("session", session.as_deref())?;
    check_name("commit", commit.as_deref())?;
    let known = found(&house, &benchmark).await?.benchmark;
    let document = result(&house, &benchmark).await?;
    let commit = commit.or(known.commit);
    let key = document.fingerprint.clone();
    let store = house.baselines();
    let id = session_of(&document)?;
    let id = session.unwrap_or(id);
    House::aside(move || store.append(&document, &id, commit.as_deref())).await??;
    info!(benchmark = %benchmark, key = identity.key, "stored as a session of its baseline");
    let item = listed(&house).await?.into_iter().find(|item| is_of(item, &key));
    let item = item.ok_or_else(|| Problem::internal("the session was stored, and is not listed"))?;
    Ok((StatusCode::CREATED, axum::Json(brief(&item))).into_response())
}

/// `POST /api/v1/baselines/{name}/promote`
pub(in crate::server) async fn promote(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
    Path(name): Path<String>,
    Json(ask): Json<PromoteAsk>,
) -> Answer {
    let PromoteAsk { session } = ask;
    check_name("session", session.as_deref())?;
    let key = named(&house, &name).await?.baseline?.key;
    let store = house.baselines();
    House::aside(move || store.promote(&key, session.as_deref())).await??;
    info!(baseline = %name, key = identity.key, "promoted");
    Ok(json(&brief(&named(&house, &name).await?)))
}

pub(super) async fn listed(house: &House) -> Result<Vec<Listed>, Problem> {
    let store = house.baselines();
    Ok(House::aside(move || store.list()).await??)
}

pub(super) async fn named(house: &House, name: &str) -> Result<Listed, Problem> {
    let found = listed(house).await?.into_iter().find(|item| item.name() == name);
    found.ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        Problem::missing(format!("there is no baseline '{name}'")).hint("GET /api/v1/baselines lists them")
    })
}

fn is_of(item: &Listed, key: &crate::document::v1::Key) -> bool {
    item.baseline.as_ref().is_ok_and(|baseline| baseline.key == *key)
}

fn brief(item: &Listed) -> BaselineBrief {
    let name = item.name();
    match &item.baseline {
        Ok(BaselineDocument { key, sessions, promoted, .. }) => BaselineBrief {
            name,
            key: Some(key.clone()),
            sessions: sessions.iter().map(session_brief).collect(),
            promoted: promoted.clone(),
            failure: None,
        },
        Err(error) => {
            let Hint(hint) = error.hint();
            let failure = FailureDocument { message: error.to_string(), hint: Some(hint) };
            BaselineBrief { name, key: None, sessions: Vec::new(), promoted: None, failure: Some(failure) }
        }
    }
}

fn session_brief(session: &SessionDocument) -> SessionBrief {
    SessionBrief { id: session.id.clone(), created: session.created.clone(), commit: session.commit.clone() }
}

fn check_name(field: &str, text: Option<&str>) -> Result<(), Problem> {
    const MAX: usize = 200;
    match text {
        Some(text) if text.is_empty() || text.chars().count() > MAX || text.chars().any(char::is_control) => {
            Err(Problem::of(
                field,
                format!("{field}: it is empty, longer than {MAX} letters, or holds control characters"),
            ))
        }
        _ => Ok(()),
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let Hint(hint) = error.hint();
        let status = match &error {
            StoreError::Stored { .. } | StoreError::NotComparable { .. } => StatusCode::CONFLICT,
            _ if error.is_usage() => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string()).hint(hint)
    }
}
