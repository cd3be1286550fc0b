//! Histories: of baselines, and of every finished benchmark of one workload, model and hardware.

use std::str::FromStr as _;

use axum::Extension;
use axum::extract::State;

use super::baselines::{listed, named};
use super::json;
use crate::app::service::{history_of, sessions};
use crate::document::v1::service::{HistoryEntry, HistoryIndexDocument, HistorySource};
use crate::document::v1::{BaselineDocument, Key};
use crate::record::MetricKey;
use crate::server::house::{House, Shared};
use crate::server::problem::{Answer, Problem};
use crate::server::query::Asked;

/// Nights of a history of benchmarks, at most; the newest ones.
const NIGHTS_MAX: u32 = 200;
/// What names of such histories begin with; no baseline's does.
const PREFIX: &str = "benchmarks:";

/// `GET /api/v1/history`
pub(in crate::server) async fn history(
    State(house): State<Shared>,
    Extension(asked): Extension<Asked>,
) -> Answer {
    let Some(name) = asked.owned("name") else { return Ok(json(&index(&house).await?)) };
    let baseline = match name.strip_prefix(PREFIX) {
        Some(_) => of_benchmarks(&house, &name).await?,
        None => named(&house, &name).await?.baseline?,
    };
    let metrics = asked.text("metric").map(metrics).transpose()?.unwrap_or_default();
    let levels: Vec<String> = asked.owned("level").into_iter().collect();
    let document = House::aside(move || history_of(&baseline, &name, &metrics, &levels)).await??;
    Ok(json(&document))
}

async fn index(house: &House) -> Result<HistoryIndexDocument, Problem> {
    let baselines = listed(house).await?.into_iter().filter_map(|item| {
        let name = item.name();
        let baseline = item.baseline.ok()?;
        Some(HistoryEntry {
            name,
            source: HistorySource::Baseline,
            sessions: baseline.sessions.len() as u64,
            newest: baseline.sessions.last()?.created.clone(),
            key: baseline.key,
        })
    });
    let workloads = house.database.workloads().await?;
    let benchmarks = workloads.into_iter().map(|(key, sessions, newest)| HistoryEntry {
        name: name_of(&key),
        source: HistorySource::Benchmarks,
        key,
        sessions,
        newest,
    });
    let mut items: Vec<HistoryEntry> = baselines.chain(benchmarks).collect();
    items.sort_by(|one, two| two.newest.cmp(&one.newest));
    Ok(HistoryIndexDocument { items })
}

/// Finished benchmarks as if each were a session of one baseline.
async fn of_benchmarks(house: &House, name: &str) -> Result<BaselineDocument, Problem> {
    let workloads = house.database.workloads().await?;
    let missing = || Problem::missing("there is no such history").hint("GET /api/v1/history lists them");
    let (key, ..) = workloads.into_iter().find(|(key, ..)| name_of(key) == name).ok_or_else(missing)?;
    let found = house.database.same_workload(&key, NIGHTS_MAX).await?;
    House::aside(move || sessions(&key, &found)).await?.ok_or_else(missing)
}

fn name_of(key: &Key) -> String {
    let Key { workload, model, hardware, workload_hash } = key;
    let hash: String = workload_hash.chars().take(12).collect();
    format!("{PREFIX}{workload}|{model}|{hardware}|{hash}")
}

fn metrics(text: &str) -> Result<Vec<MetricKey>, Problem> {
    text.split(',')
        .map(|word| {
            MetricKey::from_str(word.trim()).map_err(|_| {
                Problem::of(
                    "metric",
                    format!("metric: there is no '{}'", word.chars().take(60).collect::<String>()),
                )
                .hint("for example ttft_p95 or output_throughput")
            })
        })
        .collect()
}
