//! What a page or a probe asks first: who looks, which settings and models there are, GPUs, metrics, health.

use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use super::json;
use crate::app::GpuEye;
use crate::app::service::{Admission, Refusal, admission, models as models_of};
use crate::config::{SETTINGS, Setting, Shape};
use crate::document::v1::service::{
    BenchmarkAsk, ModelsDocument, SettingRow, SettingValue, SettingsDocument, ViewerDocument,
};
use crate::server::house::{House, Shared};
use crate::server::identity::{Identity, keys_needed};
use crate::server::problem::{Answer, Problem};
use crate::server::query::Asked;
use crate::server::{meters, openapi};

const TEXT: &str = "text/plain; charset=utf-8";
/// The version of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /api/v1/viewer`
pub(in crate::server) async fn viewer(
    State(house): State<Shared>,
    Extension(identity): Extension<Identity>,
) -> Answer {
    Ok(json(&ViewerDocument {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        scope: identity.scope,
        keys_needed: keys_needed(&house).await?,
        key: identity.key,
        targets: house.targets.shown(),
        analyst: house.analyst.is_some(),
    }))
}

/// `GET /api/v1/settings`
pub(in crate::server) async fn settings() -> Answer {
    let taken =
        |setting: &&Setting| matches!(admission(setting.key), Some(Admission::Open | Admission::Address));
    Ok(json(&SettingsDocument { settings: SETTINGS.iter().filter(taken).map(row).collect() }))
}

fn row(setting: &Setting) -> SettingRow {
    let Setting { key, group, shape, help, value, default, aliases: _, off: _, short: _, file: _, secret: _ } =
        setting;
    let choices = match shape {
        Shape::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
        _ => Vec::new(),
    };
    SettingRow {
        key: (*key).to_owned(),
        group: group.title().to_owned(),
        help: (*help).to_owned(),
        value: (*value).to_owned(),
        default: default.map(str::to_owned),
        choices,
        switch: *shape == Shape::Switch,
        repeats: shape.repeats(),
    }
}

/// `GET /api/v1/models`
pub(in crate::server) async fn models(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let server = asked.needed("server")?.to_owned();
    let mut ask = BenchmarkAsk::default();
    ask.settings.insert("server".to_owned(), SettingValue::Text(server.clone()));
    if let Some(api) = asked.owned("api") {
        ask.settings.insert("api".to_owned(), SettingValue::Text(api));
    }
    let resolved = house.plan(&ask, &house.folder("models")).await?;
    if resolved.plan.target.base_urls.len() > 1 {
        return Err(Refusal::of("server", "server: several are named", "ask one of them").into());
    }
    let models = models_of(&resolved).await?;
    Ok(json(&ModelsDocument { server, models }))
}

/// `GET /api/v1/gpus`
pub(in crate::server) async fn gpus() -> Answer {
    Ok(json(&House::aside(|| GpuEye::open(None).look()).await?))
}

/// `GET /api/v1/openapi.json`
pub(in crate::server) async fn openapi() -> Answer {
    Ok(json(&openapi::document()))
}

/// `GET /metrics`
pub(in crate::server) async fn metrics(State(house): State<Shared>) -> Answer {
    Ok(text(PROMETHEUS, meters::page(&house).await?))
}

/// `GET /health`
pub(in crate::server) async fn health() -> Answer {
    Ok(text(TEXT, "ok\n".to_owned()))
}

/// `GET /ready`
pub(in crate::server) async fn ready(State(house): State<Shared>) -> Answer {
    house.database.ready().await?;
    let unstored = house.queue.unstored().len();
    if unstored > 0 {
        return Err(Problem::new(
            axum::http::StatusCode::SERVICE_UNAVAILABLE,
            format!("{unstored} benchmarks that ended could not be stored yet"),
        )
        .hint("look into this server's log; their files stay in its data folder until they are stored"));
    }
    Ok(text(TEXT, "ready\n".to_owned()))
}

fn text(kind: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
