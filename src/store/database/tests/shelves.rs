//! Baselines and evidence in a database that many write to at once.

use std::thread;

use super::everywhere;
use crate::base::Secret;
use crate::document::v1::{BlockDocument, sample, sample_pairs};
use crate::store::{DatabaseError, Home, StoreError};

const WRITERS: u64 = 16;

#[test]
fn sessions_of_many_writers_are_all_stored() {
    everywhere(async |stage| {
        // Some share a connection, as the requests of a server do, and each has one of its own besides, as the runners of a fleet.
        let shared = stage.open().await;
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = if writer % 2 == 0 {
                    shared.baselines()
                } else {
                    Home::Database(Secret::new(&stage.place.url)).baselines().unwrap()
                };
                thread::spawn(move || store.append(&sample::run(), &format!("s{writer}"), None).map(|_| ()))
            })
            .collect();
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
        let store = shared.baselines();
        let key = sample::run().fingerprint;
        let mut ids: Vec<String> =
            store.find(&key).unwrap().unwrap().sessions.into_iter().map(|session| session.id).collect();
        ids.sort();
        let mut wanted: Vec<String> = (0..WRITERS).map(|writer| format!("s{writer}")).collect();
        wanted.sort();
        assert_eq!(ids, wanted);

        let again = store.append(&sample::run(), "s3", None).unwrap_err();
        assert!(matches!(again, StoreError::Stored { .. }), "{again}");
        store.promote(&key, Some("s7")).unwrap();
        assert!(store.prune(&key, "2027-01-01T00:00:00Z").unwrap() > 0);
        assert!(store.has(&key).unwrap());
        let listed = store.list().unwrap();
        assert_eq!((listed.len(), listed[0].name().as_str()), (1, "chat--org-model-8b--h100"));
        assert_eq!(listed[0].baseline.as_ref().unwrap().promoted.as_deref(), Some("s7"));
        let path = store.path(&key).display().to_string();
        assert!(path.ends_with("/baselines/chat--org-model-8b--h100.json") && !path.contains('?'), "{path}");
    });
}

#[test]
fn evidence_of_many_writers_is_all_kept() {
    everywhere(async |stage| {
        let shared = stage.open().await;
        let ledger = sample_pairs::ledger();
        let block = |seed: u64| BlockDocument { seed, ..ledger.blocks[0].clone() };
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let ledgers = if writer % 2 == 0 {
                    shared.ledgers()
                } else {
                    Home::Database(Secret::new(&stage.place.url)).ledgers().unwrap()
                };
                let mut mine = ledger.clone();
                mine.blocks = vec![block(1000), block(writer)];
                thread::spawn(move || ledgers.write(&mine).map(|_| ()))
            })
            .collect();
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
        let ledgers = shared.ledgers();
        let found = ledgers.find(&ledger.key, &ledger.head, &ledger.base).unwrap().unwrap();
        let mut seeds: Vec<u64> = found.blocks.iter().map(|block| block.seed).collect();
        seeds.sort_unstable();
        assert_eq!(seeds, (0..WRITERS).chain([1000]).collect::<Vec<_>>());
        assert_eq!(ledgers.matching(|key| *key == ledger.key).unwrap(), [found]);
    });
}

#[test]
fn a_database_that_cannot_be_reached_is_told_without_its_password() {
    let home = Home::Database(Secret::new("postgres://ann:s3cret@127.0.0.1:1/x"));
    let error = home.baselines().unwrap().list().unwrap_err();
    assert_eq!(home.to_string(), "postgres://ann:***@127.0.0.1:1/x");
    let words = format!("{error} {error:?} {} {home:?}", error.hint());
    assert!(words.contains("cannot open postgres://ann:***@127.0.0.1:1/x"), "{words}");
    assert!(!words.contains("s3cret") && !error.is_usage(), "{words}");
    let odd = Home::Database(Secret::new("mysql://ann:s3cret@x")).baselines().unwrap_err();
    assert!(matches!(odd, DatabaseError::Url { .. }) && odd.is_usage(), "{odd}");
    assert!(!odd.to_string().contains("s3cret"), "{odd}");
}
