//! The folder of baselines over real files.

use std::fs;
use std::path::Path;

use super::{Ledgers, Store, StoreError};
use crate::base::Hint;
use crate::document::v1::{Key, RunDocument, sample, sample_pairs};
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
    insta::assert_snapshot!(refused(|_| (), "s1"), @"DIR/baselines/chat--org-model-8b--h100.json: the session 's1' is already stored (hint: nothing to do; a result counts once)");
    insta::assert_snapshot!(refused(|run| run.partial = true, "s2"), @"the result was interrupted, so it cannot be a baseline (hint: run again to the end, then save that result)");
    insta::assert_snapshot!(refused(|run| run.findings[0].severity = "invalid".to_owned(), "s2"), @"the result must not be compared, so it cannot be a baseline: 2% of answers were shorter than asked (hint: run again to the end, then save that result)");
    insta::assert_snapshot!(refused(|run| run.levels[0].succeeded = 0, "s2"), @"the result must not be compared, so it cannot be a baseline: no request succeeded (hint: run again to the end, then save that result)");
    insta::assert_snapshot!(refused(|run| run.fingerprint.model = "org.model.8b".to_owned(), "s2"), @"DIR/baselines/chat--org-model-8b--h100.json: the file holds the baseline of workload 'chat', model 'org/model-8b', hardware 'h100' (hint: two names give the same file name: rename the workload or set another --hardware)");
    insta::assert_snapshot!(refused(|run| {
        run.fingerprint.workload_hash = "other".to_owned();
        run.plan.workload.input_tokens = "1024".to_owned();
    }, "s2"), @r#"DIR/baselines/chat--org-model-8b--h100.json: the stored sessions cannot be joined by this result: workload: input_tokens was "512", now "1024" (hint: give the changed workload a new name, or delete DIR/baselines/chat--org-model-8b--h100.json to start a new baseline)"#);
    assert_eq!(fs::read(store.path(&key)).unwrap(), before);
}

#[test]
fn promote_moves_the_pointer_and_prune_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let (store, key) = filled(folder.path(), 6);
    store.promote(&key, Some("s2")).unwrap();
    let error = store.promote(&key, Some("s9")).unwrap_err();
    insta::assert_snapshot!(words(folder.path(), &error), @"DIR/baselines/chat--org-model-8b--h100.json: there is no session 's9'; stored are s1, s2, s3, s4, s5, s6 (hint: list the sessions: llm-loadtest baseline list)");
    assert_eq!(store.prune(&key, NOW).unwrap(), 1);
    assert_eq!(ids(&store, &key), ["s2", "s3", "s4", "s5", "s6"]);
    assert_eq!(store.prune(&key, NOW).unwrap(), 0);
    assert_eq!(store.prune(&key, "2027-01-01T00:00:00Z").unwrap(), 3);
    assert_eq!(ids(&store, &key), ["s2", "s6"], "the promoted one and the newest stay");
    store.promote(&key, None).unwrap();

    let other = Key { model: "none".to_owned(), ..key };
    let error = store.promote(&other, None).unwrap_err();
    insta::assert_snapshot!(words(folder.path(), &error), @"DIR/baselines/chat--none--h100.json: there is no baseline for workload 'chat', model 'none', hardware 'h100' (hint: save one first: llm-loadtest baseline save result.json)");
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
    insta::assert_snapshot!(failing(newer.as_bytes()), @"DIR/baselines/chat--org-model-8b--h100.json: the file has format 9.3 and was written by llm-loadtest 0.1.0; this version reads 1.0 to 1.3 (hint: update llm-loadtest to the version that wrote the file, or a later one)");
    insta::assert_snapshot!(failing(b"{\"format\""), @"DIR/baselines/chat--org-model-8b--h100.json: the JSON ends too early at line 1: the file was cut (hint: run again, or restore the file from version control or the artifact)");
    insta::assert_snapshot!(failing(&[0xff]), @"cannot read DIR/baselines/chat--org-model-8b--h100.json: invalid utf-8 sequence of 1 bytes from index 0 (hint: DIR/baselines/chat--org-model-8b--h100.json is not text; check that this is the file you meant)");
    insta::assert_snapshot!(failing(sample::gate(Decision::Pass).to_json().as_bytes()), @"DIR/baselines/chat--org-model-8b--h100.json: the file is of kind 'llm-loadtest/run', not a baseline (llm-loadtest/baseline) (hint: save a result as a baseline first: llm-loadtest baseline save result.json)");
}

#[test]
fn a_folder_that_is_a_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write_atomic(&folder.path().join("baselines"), b"a file").unwrap();
    let store = Store::open(folder.path().join("baselines"));
    let error = store.append(&run_of_day(1), "s1", None).unwrap_err();
    insta::assert_snapshot!(words(folder.path(), &error), @"cannot read DIR/baselines/chat--org-model-8b--h100.json: Not a directory (os error 20) (hint: a part of DIR/baselines/chat--org-model-8b--h100.json is a file; name a folder)");
    assert!(store.list().is_err());
}

#[test]
fn evidence_stays_with_its_question_and_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let ledgers = Ledgers::open(folder.path().join("ledger"));
    let ledger = sample_pairs::ledger();
    let (key, head, base) = (ledger.key.clone(), ledger.head.as_str(), ledger.base.as_str());
    assert_eq!(ledgers.find(&key, head, base).unwrap(), None);
    assert!(ledgers.matching(|_| true).unwrap().is_empty());
    let path = ledgers.write(&ledger).unwrap();
    assert_eq!(path, ledgers.path(&key, head, base));
    assert_eq!(ledgers.find(&key, head, base).unwrap(), Some(ledger.clone()));
    // Another head, base, load or machine is another question.
    assert_eq!(ledgers.find(&key, "b", base).unwrap(), None);
    assert_eq!(ledgers.find(&key, head, "b").unwrap(), None);
    for other in [
        Key { workload_hash: "other".to_owned(), ..key.clone() },
        Key { hardware: "h200".to_owned(), ..key.clone() },
    ] {
        assert_eq!(ledgers.find(&other, head, base).unwrap(), None);
    }
    assert_eq!(ledgers.matching(|found| *found == key).unwrap(), std::slice::from_ref(&ledger));
    // A file that cannot be read is named, not started over.
    write_atomic(&path, b"{").unwrap();
    let error = ledgers.find(&key, head, base).unwrap_err();
    assert!(error.to_string().contains("cut") && error.is_usage(), "{error}");
}
