//! Databases that are newer, damaged, locked, full, opened by many at once, or gone for a moment.

use std::fs;

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

use super::{Stage, everywhere, kept, postgres, sqlite};
use crate::document::v1::sample;
use crate::document::v1::service::StateDocument::Finished;
use crate::host::files::write_atomic;
use crate::store::{Database, DatabaseError, Place};

fn words(error: &DatabaseError) -> String {
    format!("{error} (hint: {})", error.hint())
}

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

async fn failing(stage: &Stage) -> String {
    let error = Database::open(&stage.place).await.unwrap_err();
    words(&error).replace(&stage.folder.path().display().to_string(), "DIR")
}

#[test]
fn a_newer_schema_is_declined_and_nothing_changes() {
    everywhere(async |stage| {
        let database = stage.open().await;
        database.insert(&kept(1, Finished)).await.unwrap();
        let set = |version: i64| {
            let query = format!("UPDATE about SET value = {version} WHERE name = 'schema'");
            sqlx::query(AssertSqlSafe(query)).execute(&database.writes)
        };
        set(99).await.unwrap();
        let error = Database::open(&stage.place).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Newer { found: 99, known: 1, .. }), "{error}");
        assert!(error.hint().to_string().contains("update"), "{error}");
        set(1).await.unwrap();
        assert!(stage.open().await.find("b00001").await.unwrap().is_some());
    });
}

#[test]
fn many_open_a_new_database_at_once() {
    everywhere(async |stage| {
        let opened = (0..8).map(|_| {
            let place = stage.place.clone();
            tokio::spawn(async move { Database::open(&place).await })
        });
        for opened in opened.collect::<Vec<_>>() {
            opened.await.unwrap().unwrap();
        }
    });
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let stage = sqlite();
    let path = stage.folder.path().join("deep/er/history.db");
    write_atomic(&path, &[b'x'; 9000]).unwrap();
    let words = now(failing(&stage));
    insta::assert_snapshot!(words, @"sqlite:DIR/deep/er/history.db is not a database, or it is damaged: file is not a database (hint: restore sqlite:DIR/deep/er/history.db from a backup, or name another file; docs/STORE.md says how)");
    assert_eq!(fs::read(&path).unwrap(), [b'x'; 9000]);
}

#[test]
fn a_damaged_file_is_told() {
    let stage = sqlite();
    now(async {
        let database = stage.open().await;
        for minute in 0..200 {
            database.insert(&kept(minute, Finished)).await.unwrap();
        }
        database.writes.close().await;
        database.reads.close().await;
    });
    let path = stage.folder.path().join("deep/er/history.db");
    let mut bytes = fs::read(&path).unwrap();
    let from = 4096 * 8;
    bytes[from..].fill(0xa5);
    write_atomic(&path, &bytes).unwrap();
    now(async {
        let database = stage.open().await;
        let mut failures = 0;
        for minute in 0..200 {
            match database.find(&format!("b{minute:05}")).await {
                Ok(_) => {}
                Err(DatabaseError::Corrupt { .. }) => failures += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(failures > 0);
    });
}

#[test]
fn a_place_without_access_is_told() {
    let stage = sqlite();
    write_atomic(&stage.folder.path().join("deep"), b"a file").unwrap();
    let words = now(failing(&stage));
    insta::assert_snapshot!(words, @"cannot open sqlite:DIR/deep/er/history.db: Not a directory (os error 20) (hint: give this user access to the folder of sqlite:DIR/deep/er/history.db)");
    let nowhere = Place { objects: "ftp://host/x".to_owned(), ..sqlite().place };
    let error = now(Database::open(&nowhere)).unwrap_err();
    assert!(matches!(error, DatabaseError::ObjectsUrl { .. }), "{error}");
}

#[test]
fn a_locked_file_is_waited_for_and_then_told() {
    let stage = sqlite();
    now(async {
        let database = stage.open().await;
        let mut other = AnyConnection::connect(&stage.place.url).await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        // Readers go on, from what was there before.
        assert_eq!(database.find("b00001").await.unwrap(), None);
        let error = database.insert(&kept(1, Finished)).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Locked { .. }) && error.is_passing(), "{error}");
        other.execute("ROLLBACK").await.unwrap();
        database.insert(&kept(1, Finished)).await.unwrap();
    });
}

#[test]
fn a_full_database_keeps_what_it_has() {
    let stage = sqlite();
    now(async {
        let database = stage.open().await;
        database.insert(&kept(1, Finished)).await.unwrap();
        // As a full disk does, this ends the growth of the file.
        let most = |pages: u32| {
            let pragma = AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
            sqlx::raw_sql(pragma).execute(&database.writes)
        };
        most(1).await.unwrap();
        let mut failure = None;
        for minute in 2..500 {
            if let Err(error) = database.insert(&kept(minute, Finished)).await {
                failure = Some((minute, error));
                break;
            }
        }
        let (minute, error) = failure.unwrap();
        assert!(matches!(error, DatabaseError::Full { .. }), "{error}");
        let missing = database.find(&format!("b{minute:05}")).await.unwrap();
        assert_eq!(missing, None, "half a benchmark");
        for earlier in 1..minute {
            assert!(database.find(&format!("b{earlier:05}")).await.unwrap().is_some(), "{earlier}");
        }
        most(1_000_000).await.unwrap();
        database.put_result("b00001", &sample::run()).await.unwrap();
    });
}

#[test]
fn connections_that_were_cut_are_made_anew() {
    now(async {
        let Some(stage) = postgres().await else { return };
        let database = stage.open().await;
        database.insert(&kept(1, Finished)).await.unwrap();
        let baselines = database.baselines();
        assert!(baselines.list().unwrap().is_empty());
        let mut other = AnyConnection::connect(&stage.place.url).await.unwrap();
        let schema = stage.place.url.rsplit('=').next().unwrap();
        let cut = format!(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE application_name = '{schema}' AND pid <> pg_backend_pid()"
        );
        other.execute(AssertSqlSafe(cut)).await.unwrap();
        assert!(database.find("b00001").await.unwrap().is_some());
        database.insert(&kept(2, Finished)).await.unwrap();
        assert!(baselines.list().unwrap().is_empty());
    });
}
