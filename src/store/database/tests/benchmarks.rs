//! Benchmarks, results, lists, keys and retention.

use super::{benchmark, everywhere, kept};
use crate::document::v1::service::{KeyScope, StateDocument};
use crate::document::v1::{Key, sample};
use crate::store::{Database, DatabaseError, Pruned, Retention, Sort, StoredKey, Wanted};

use StateDocument::{Cancelled, Failed, Finished, Queued, Running};

#[test]
fn benchmarks_are_found_changed_and_deleted() {
    everywhere(async |stage| {
        let database = stage.open().await;
        let first = kept(1, Queued);
        database.insert(&first).await.unwrap();
        assert_eq!(database.find("b00001").await.unwrap(), Some(first.clone()));
        assert_eq!(database.find("b00002").await.unwrap(), None);
        let again = database.insert(&first).await.unwrap_err();
        assert!(matches!(again, DatabaseError::Taken { .. }), "{again}");

        let mut changed = benchmark(1, Running);
        changed.title = "Another".to_owned();
        changed.ahead = Some(3);
        database.update(&changed).await.unwrap();
        changed.ahead = None;
        assert_eq!(database.find("b00001").await.unwrap().unwrap().benchmark, changed);
        assert_eq!(database.find("b00001").await.unwrap().unwrap().ask, first.ask);
        let missing = database.update(&benchmark(9, Running)).await.unwrap_err();
        assert_eq!(missing.to_string(), "there is no benchmark 'b00009'");

        for (minute, state) in [(5, Queued), (3, Finished), (2, Queued), (4, Failed)] {
            database.insert(&kept(minute, state)).await.unwrap();
        }
        let waiting = database.unfinished().await.unwrap();
        let waiting: Vec<_> = waiting.iter().map(|kept| kept.benchmark.id.as_str()).collect();
        assert_eq!(waiting, ["b00001", "b00002", "b00005"]);

        // What one opened, another sees.
        let other = stage.open().await;
        assert!(other.delete("b00001").await.unwrap());
        assert!(!database.delete("b00001").await.unwrap());
        assert_eq!(database.find("b00001").await.unwrap(), None);
        database.ready().await.unwrap();
    });
}

#[test]
fn results_are_kept_whole_and_make_histories() {
    everywhere(async |stage| {
        let database = stage.open().await;
        let run = sample::run();
        assert!(matches!(database.put_result("x", &run).await, Err(DatabaseError::Missing { .. })));
        let Key { workload, model, hardware, workload_hash } = run.fingerprint.clone();
        for (minute, state) in [(1, Finished), (2, Finished), (3, Cancelled), (4, Finished), (5, Finished)] {
            let mut kept = kept(minute, state);
            kept.benchmark.workload = Some(workload.clone());
            kept.benchmark.model = Some(model.clone());
            kept.benchmark.hardware = Some(hardware.clone());
            kept.benchmark.workload_hash = Some(workload_hash.clone());
            database.insert(&kept).await.unwrap();
            assert_eq!(database.result(&kept.benchmark.id).await.unwrap(), None);
            // The last one has no result.
            if minute < 5 {
                database.put_result(&kept.benchmark.id, &run).await.unwrap();
                assert_eq!(database.result(&kept.benchmark.id).await.unwrap(), Some(run.clone()));
            }
        }
        let found = database.same_workload(&run.fingerprint, 2).await.unwrap();
        let ids: Vec<_> = found.iter().map(|(benchmark, _)| benchmark.id.as_str()).collect();
        assert_eq!(ids, ["b00002", "b00004"]);
        assert_eq!(found[0].1, run);
        let other = Key { hardware: "h200".to_owned(), ..run.fingerprint.clone() };
        assert!(database.same_workload(&other, 9).await.unwrap().is_empty());
        let workloads = database.workloads().await.unwrap();
        assert_eq!(workloads, [(run.fingerprint.clone(), 4, "2026-01-10T00:05:00.000Z".to_owned())]);
    });
}

async fn walk(database: &Database, wanted: Wanted) -> Vec<String> {
    let (mut ids, mut wanted) = (Vec::new(), wanted);
    loop {
        let page = database.list(&wanted).await.unwrap();
        assert!(page.items.len() <= wanted.limit as usize);
        ids.extend(page.items.into_iter().map(|item| item.id));
        let Some(next) = page.next else {
            assert_eq!(page.total, ids.len() as u64);
            return ids;
        };
        wanted.after = Some(next);
    }
}

#[test]
fn lists_are_walked_in_any_order_and_miss_none() {
    everywhere(async |stage| {
        let database = stage.open().await;
        for minute in 0..40 {
            let state = [Finished, Failed, Queued, Cancelled][minute as usize % 4];
            database.insert(&kept(minute, state)).await.unwrap();
        }
        for sort in Sort::ALL {
            let wanted = Wanted { sort, limit: 7, ..Wanted::default() };
            let rising = walk(&database, wanted.clone()).await;
            let mut unique = rising.clone();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), 40, "{sort:?}");
            let mut falling = walk(&database, Wanted { descending: true, ..wanted.clone() }).await;
            falling.reverse();
            assert_eq!(rising, falling, "{sort:?}");
        }
        let titles = walk(&database, Wanted { sort: Sort::Title, limit: 3, ..Wanted::default() }).await;
        assert_eq!(titles[..4], ["b00000", "b00001", "b00010", "b00011"]);

        let some = |change: fn(&mut Wanted)| {
            let mut wanted = Wanted { limit: 4, ..Wanted::default() };
            change(&mut wanted);
            walk(&database, wanted)
        };
        assert_eq!(some(|wanted| wanted.states = vec![Finished, Queued]).await.len(), 20);
        assert_eq!(some(|wanted| wanted.verdict = Some("pass".to_owned())).await.len(), 10);
        assert_eq!(some(|wanted| wanted.model = Some("org/model-1b".to_owned())).await.len(), 13);
        assert_eq!(some(|wanted| wanted.hardware = Some("h200".to_owned())).await.len(), 0);
        assert_eq!(some(|wanted| wanted.workload = Some("chat".to_owned())).await.len(), 40);
        assert_eq!(some(|wanted| wanted.text = Some("NIGHT 3".to_owned())).await.len(), 11);
        assert_eq!(some(|wanted| wanted.text = Some("abc38".to_owned())).await, ["b00038"]);
        for wild in ["%", "night_3", "\\", "' OR 1=1"] {
            let wanted = Wanted { text: Some(wild.to_owned()), limit: 4, ..Wanted::default() };
            assert!(walk(&database, wanted).await.is_empty(), "{wild}");
        }

        let page = database.list(&Wanted { limit: 0, ..Wanted::default() }).await.unwrap();
        assert_eq!(page.items.len(), 1);
        for (after, sort) in [(page.next, Sort::Title), (Some("?".to_owned()), Sort::Created)] {
            let error = database.list(&Wanted { sort, after, ..Wanted::default() }).await.unwrap_err();
            assert!(matches!(error, DatabaseError::Cursor { .. }), "{error}");
        }
    });
}

#[test]
fn keys_are_found_by_their_hash_until_they_are_revoked() {
    everywhere(async |stage| {
        let database = stage.open().await;
        let key = StoredKey {
            name: "ci".to_owned(),
            scope: KeyScope::Run,
            hash: [7; 32],
            created: "2026-01-10T00:00:00Z".to_owned(),
            revoked: None,
        };
        database.add_key(&key).await.unwrap();
        let same = StoredKey { hash: [8; 32], ..key.clone() };
        assert!(matches!(database.add_key(&same).await, Err(DatabaseError::Taken { .. })));
        assert_eq!(database.key_by_hash(&[7; 32]).await.unwrap(), Some(key.clone()));
        assert_eq!(database.key_by_hash(&[8; 32]).await.unwrap(), None);
        assert_eq!(database.keys().await.unwrap(), std::slice::from_ref(&key));
        assert!(database.revoke_key("ci").await.unwrap());
        assert!(!database.revoke_key("ci").await.unwrap());
        assert!(!database.revoke_key("none").await.unwrap());
        assert!(database.key_by_hash(&[7; 32]).await.unwrap().unwrap().revoked.is_some());
    });
}

#[test]
fn retention_spares_the_newest_of_a_workload_and_what_is_not_over() {
    everywhere(async |stage| {
        let database = stage.open().await;
        // By model: 1 and 4 and 7; 2 and 5; 0, 3 and 6.
        for (minute, state) in [
            (0, Queued),
            (1, Finished),
            (2, Finished),
            (3, Running),
            (4, Finished),
            (5, Failed),
            (6, Failed),
            (7, Cancelled),
        ] {
            database.insert(&kept(minute, state)).await.unwrap();
        }
        let left = async || walk(&database, Wanted { limit: 100, ..Wanted::default() }).await;
        let late = "2026-01-20T12:00:00Z";
        let all = Retention { keep_days: Some(30), keep_count: Some(8), rows_days: Some(30) };
        assert_eq!(database.prune(&all, late).await.unwrap(), Pruned::default());
        assert_eq!(database.prune(&Retention::default(), late).await.unwrap(), Pruned::default());

        let four = Retention { keep_count: Some(4), ..Retention::default() };
        assert_eq!(database.prune(&four, late).await.unwrap(), Pruned { benchmarks: 1, rows: 0 });
        assert_eq!(left().await, ["b00000", "b00002", "b00003", "b00004", "b00005", "b00006", "b00007"]);
        let week = Retention { keep_days: Some(7), ..Retention::default() };
        assert_eq!(database.prune(&week, late).await.unwrap(), Pruned { benchmarks: 3, rows: 0 });
        assert_eq!(left().await, ["b00000", "b00002", "b00003", "b00004"]);
        let odd = database.prune(&week, "yesterday").await.unwrap_err();
        assert!(odd.to_string().contains("'yesterday'"), "{odd}");
    });
}
