//! A process that is killed while it writes.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use sqlx::Row as _;

use super::{Stage, kept, sqlite};
use crate::document::v1::sample;
use crate::document::v1::service::StateDocument::Finished;
use crate::host::env;
use crate::host::files::{append, write_atomic};
use crate::store::{Database, Place};

/// Tells this very program, started once more, to be the process that is killed.
const CHILD: &str = "LLM_LOADTEST_TEST_CRASH";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// Not a test: what the test below starts. It writes until it is killed, and notes what was stored.
#[test]
fn the_process_that_is_killed() {
    let Some(folder) = env::vars().get(CHILD).map(std::path::PathBuf::from) else { return };
    runtime().block_on(async {
        let url = format!("sqlite:{}", folder.join("deep/er/history.db").display());
        let objects = folder.join("objects").display().to_string();
        let database = Database::open(&Place { url, objects }).await.unwrap();
        for minute in 0.. {
            let kept = kept(minute, Finished);
            let id = &kept.benchmark.id;
            if database.find(id).await.unwrap().is_some() {
                continue;
            }
            database.insert(&kept).await.unwrap();
            database.put_result(id, &sample::run()).await.unwrap();
            database.put_rows(id, &folder.join("requests.jsonl")).await.unwrap();
            append(&folder.join("stored"), &format!("{id}\n")).unwrap();
        }
    });
}

#[test]
fn what_was_stored_before_a_kill_is_there_after_it() {
    let stage: Stage = sqlite();
    let folder = stage.folder.path();
    write_atomic(&folder.join("requests.jsonl"), b"").unwrap();
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::database::tests::crash::the_process_that_is_killed"])
            .env(CHILD, folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let before = fs::read_to_string(folder.join("stored")).unwrap_or_default().lines().count();
        let stored = || fs::read_to_string(folder.join("stored")).unwrap_or_default();
        while child.try_wait().unwrap().is_none() && stored().lines().count() < before + 5 {
            sleep(Duration::from_millis(10));
        }
        drop(child.kill());
        child.wait().unwrap();
        runtime().block_on(async {
            let database = stage.open().await;
            for id in stored().lines() {
                let found = database.find(id).await.unwrap().unwrap();
                assert_eq!(found.benchmark.rows, Some(0));
                assert!(database.result(id).await.unwrap().is_some());
            }
            let check = sqlx::query("PRAGMA integrity_check").fetch_one(&database.reads).await.unwrap();
            assert_eq!(check.try_get::<String, _>(0).unwrap(), "ok");
            // What was under way is noted, and removed a day later.
            database.prune(&crate::store::Retention::default(), "2100-01-01T00:00:00Z").await.unwrap();
            let known =
                sqlx::query("SELECT COUNT(*) FROM requests").fetch_one(&database.reads).await.unwrap();
            let known: i64 = known.try_get(0).unwrap();
            assert_eq!(stage.objects() as u64, 2 * known.unsigned_abs());
        });
    }
    assert!(fs::read_to_string(folder.join("stored")).unwrap().lines().count() >= 15);
}
