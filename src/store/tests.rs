//! The folder of baselines over real files.

use std::fs;
use std::path::Path;

use super::{Store, StoreError};
use crate::base::Hint;
use crate::document::v1::{Key, RunDocument, sample};
use crate::gate::Decision;
use crate::host::files::write_atomic;

const NOW: &str = "2026-01-10T00:00:00Z";

fn run_of_day(day: u32) -> RunDocument {
    let mut run = sample::run();
    run.created = format!("2026-01-{day:02}T00:00:00Z");
    run
}

fn filled(folder: &Path, days: u32) -> (Store, Key) {
    let store = Store::open(folder.join("baselines"));
    for day in 1..=days {
        store.append(&run_of_day(day), &format!("s{day}"), Some("abc")).unwrap();
    }
    (store, sample::run().fingerprint)
}

fn ids(store: &Store, key: &Key) -> Vec<String> {
    let baseline = store.find(key).unwrap().unwrap();
    baseline.sessions.into_iter().map(|session| session.id).collect()
}

/// Error and hint without the folder's random name.
fn words(folder: &Path, error: &StoreError) -> String {
    let hint: Hint = error.hint();
    format!("{error} (hint: {hint})").replace(&folder.display().to_string(), "DIR")
}

#[test]
fn sessions_append_oldest_first_and_are_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("missing"));
    let key = sample::run().fingerprint;
    assert!(store.find(&key).unwrap().is_none());
    assert!(store.list().unwrap().is_empty());

    let (store, key) = filled(folder.path(), 3);
    assert_eq!(ids(&store, &key), ["s1", "s2", "s3"]);
    assert!(store.path(&key).ends_with("chat--org-model-8b--h100.json"));
    assert_eq!(store.list().unwrap().len(), 1);
}

#[test]
fn what_would_spoil_a_baseline_is_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = filled(folder.path(), 1);
    let before = fs::read(store.path(&key)).unwrap();
    let refused = |change: fn(&mut RunDocument), id: &str| {
        let mut run = run_of_day(2);
        change(&mut run);
        words(folder.path(), &store.append(&run, id, None).unwrap_err())
    };
    insta::assert_snapshot!(refused(|_| (), "s1"), @"");
    insta::assert_snapshot!(refused(|run| run.partial = true, "s2"), @"");
    insta::assert_snapshot!(refused(|run| run.findings[0].severity = "invalid".to_owned(), "s2"), @"");
    insta::assert_snapshot!(refused(|run| run.levels[0].succeeded = 0, "s2"), @"");
    insta::assert_snapshot!(refused(|run| run.fingerprint.model = "org.model.8b".to_owned(), "s2"), @"");
    insta::assert_snapshot!(refused(|run| {
        run.fingerprint.workload_hash = "other".to_owned();
        run.plan.workload.input_tokens = "1024".to_owned();
    }, "s2"), @"");
    assert_eq!(fs::read(store.path(&key)).unwrap(), before);
}

#[test]
fn promote_moves_the_pointer_and_prune_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = filled(folder.path(), 6);
    store.promote(&key, Some("s2")).unwrap();
    let error = store.promote(&key, Some("s9")).unwrap_err();
    insta::assert_snapshot!(words(folder.path(), &error), @"");
    assert_eq!(store.prune(&key, 2, None, NOW).unwrap(), 3);
    assert_eq!(ids(&store, &key), ["s2", "s5", "s6"]);
    store.promote(&key, None).unwrap();
    assert_eq!(store.prune(&key, 10, Some(4.5), NOW).unwrap(), 2);
    assert_eq!(ids(&store, &key), ["s6"]);
    assert_eq!(store.prune(&key, 10, None, NOW).unwrap(), 0);

    let other = Key {
        model: "none".to_owned(),
        ..key
    };
    let error = store.promote(&other, None).unwrap_err();
    insta::assert_snapshot!(words(folder.path(), &error), @"");
}

#[test]
fn files_that_cannot_be_read_are_named_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = filled(folder.path(), 1);
    let newer = fs::read_to_string(store.path(&key)).unwrap().replace("\"major\": 1", "\"major\": 9");
    let failing = |bytes: &[u8]| {
        write_atomic(&store.path(&key), bytes).unwrap();
        let error = store.append(&run_of_day(2), "s2", None).unwrap_err();
        assert_eq!(fs::read(store.path(&key)).unwrap(), bytes);
        assert!(store.list().unwrap()[0].baseline.is_err());
        words(folder.path(), &error)
    };
    insta::assert_snapshot!(failing(newer.as_bytes()), @"");
    insta::assert_snapshot!(failing(b"{\"format\""), @"");
    insta::assert_snapshot!(failing(&[0xff]), @"");
    insta::assert_snapshot!(failing(sample::gate(Decision::Pass).to_json().as_bytes()), @"");
}

#[test]
fn a_folder_that_is_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write_atomic(&folder.path().join("baselines"), b"a file").unwrap();
    let store = Store::open(folder.path().join("baselines"));
    let error = store.append(&run_of_day(1), "s1", None).unwrap_err();
    insta::assert_snapshot!(words(folder.path(), &error), @"");
    assert!(store.list().is_err());
}
