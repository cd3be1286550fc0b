//! The database, the same bodies over SQLite and PostgreSQL.

mod benchmarks;
mod crash;
mod rows;
mod shelves;
mod trouble;

use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;

use super::{Database, Kept, Place};
use crate::document::v1::service::{
    BenchmarkAsk, BenchmarkDocument, OriginDocument, PurposeDocument, StateDocument,
};
use crate::host::{env, nonce};

const POSTGRES: &str = "LLM_LOADTEST_TEST_POSTGRES";

/// An empty database of its own, and an empty folder for objects.
struct Stage {
    place: Place,
    folder: TempDir,
}

impl Stage {
    async fn open(&self) -> Database {
        Database::open(&self.place).await.unwrap()
    }

    /// Files below the folder of objects.
    fn objects(&self) -> usize {
        count(self.folder.path().join("objects"))
    }
}

fn count(folder: PathBuf) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { count(path) } else { 1 }).sum()
}

fn sqlite() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("deep/er/history.db").display());
    Stage { place: Place { url, objects: folder.path().join("objects").display().to_string() }, folder }
}

/// A schema of its own in the PostgreSQL that the environment names.
async fn postgres() -> Option<Stage> {
    let Some(url) = env::vars().get(POSTGRES).cloned() else {
        #[expect(clippy::print_stderr, reason = "who reads the test's output should know what was left out")]
        {
            eprintln!(
                "{POSTGRES} is not set: PostgreSQL is left out, eval \"$(.ci/postgres start)\" starts one"
            );
        }
        return None;
    };
    sqlx::any::install_default_drivers();
    let schema = format!("t_{}", nonce().unwrap());
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let joint = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{joint}options=-csearch_path%3D{schema}&application_name={schema}");
    Some(Stage { place: Place { url, ..sqlite().place }, folder: tempfile::tempdir().unwrap() }.homed())
}

impl Stage {
    fn homed(mut self) -> Self {
        self.place.objects = self.folder.path().join("objects").display().to_string();
        self
    }
}

/// Runs a test on each database that is there.
fn everywhere(test: impl AsyncFn(Stage)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        test(sqlite()).await;
        if let Some(stage) = postgres().await {
            test(stage).await;
        }
    });
}

/// A benchmark that was created so many minutes into a day.
fn benchmark(minute: u32, state: StateDocument) -> BenchmarkDocument {
    let at = |minute: u32| format!("2026-01-10T{:02}:{:02}:00.000Z", minute / 60, minute % 60);
    BenchmarkDocument {
        id: format!("b{minute:05}"),
        state,
        origin: OriginDocument::Api,
        purpose: PurposeDocument::Run,
        title: format!("Night {minute}"),
        target: "http://localhost:8000".to_owned(),
        model: Some(format!("org/model-{}b", minute % 3)),
        hardware: Some("h100".to_owned()),
        workload: Some("chat".to_owned()),
        workload_hash: Some("c0ffee".to_owned()),
        commit: (minute.is_multiple_of(2)).then(|| format!("abc{minute}")),
        created: at(minute),
        started: Some(at(minute)),
        ended: state.is_over().then(|| at(minute + 1)),
        ahead: None,
        verdict: (minute.is_multiple_of(4)).then(|| "pass".to_owned()),
        partial: false,
        failure: None,
        command: "llm-loadtest run".to_owned(),
        brief: None,
        rows: None,
    }
}

fn kept(minute: u32, state: StateDocument) -> Kept {
    let ask = BenchmarkAsk { title: Some(format!("Night {minute}")), ..BenchmarkAsk::default() };
    Kept { benchmark: benchmark(minute, state), ask }
}
