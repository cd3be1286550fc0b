//! Servers that end in the middle, gently or not.

use serde_json::json;

use super::client::Served;
use super::{long, small};

#[test]
fn after_kill_9_what_ran_is_interrupted_with_its_rows_and_what_waited_runs() {
    let server = Served::start(&[]);
    let first = server.run(&long());
    let second = server.run(&small());
    let secret = server.run(&json!({ "server": "sim:fast", "header": "Authorization: Bearer x" }));
    server.until(&first, &["running"]);
    // Rows reach the disk as they end.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let (folder, _) = server.end("-KILL");

    let server = Served::within(folder, &[], &[]);
    let interrupted = server.until(&first, &["interrupted"]);
    let rows = interrupted["rows"].as_u64().unwrap();
    assert!(rows > 20, "{interrupted}");
    assert_eq!(interrupted["partial"], true);
    let kept = server.get(&format!("/api/v1/benchmarks/{first}/requests")).is(200).text();
    assert_eq!(kept.lines().count() as u64, rows);
    server.until(&second, &["finished"]);
    let lost = server.until(&secret, &["failed"]);
    assert!(lost["failure"]["message"].as_str().is_some_and(|message| message.contains("secrets")), "{lost}");
    assert_eq!(std::fs::read_dir(server.data().join("running")).unwrap().count(), 0);
}

#[test]
fn a_signal_stores_what_was_measured_and_says_that_it_was_cut() {
    let server = Served::start(&[]);
    let first = server.run(&long());
    let second = server.run(&small());
    server.until(&first, &["running"]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    let (folder, code) = server.end("-TERM");
    assert_eq!(code, Some(130));

    let server = Served::within(folder, &[], &[]);
    let interrupted = server.until(&first, &["interrupted"]);
    assert!(interrupted["brief"]["offered"].as_u64().is_some_and(|offered| offered > 5), "{interrupted}");
    assert_eq!(interrupted["partial"], true);
    server.get(&format!("/api/v1/benchmarks/{first}/report?format=table")).is(200);
    server.until(&second, &["finished"]);
    let (_folder, code) = server.end("-INT");
    assert_eq!(code, Some(0));
}

#[test]
fn what_cannot_be_stored_waits_in_its_folder() {
    let server = Served::start(&[]);
    let id = server.run(&json!({ "server": "sim:fast", "duration": "2s", "rate": 50, "output-len": 8 }));
    server.until(&id, &["running"]);
    // The object store is gone: a file stands where its folder was.
    let objects = server.data().join("objects");
    std::fs::remove_dir_all(&objects).ok();
    std::fs::write(&objects, "in the way").unwrap();
    server.until(&id, &["finished"]);
    let problem = server.get("/ready").is(503).json();
    assert!(problem["detail"].is_string());
    server.get("/health").is(200);
    assert!(server.data().join("running").join(&id).join("result.json").exists());
    let (folder, _) = server.end("-KILL");

    std::fs::remove_file(folder.path().join("llm-loadtest-data/objects")).unwrap();
    let server = Served::within(folder, &[], &[]);
    let stored = server.until(&id, &["finished"]);
    assert!(stored["rows"].as_u64().is_some_and(|rows| rows > 50), "{stored}");
    server.get(&format!("/api/v1/benchmarks/{id}/report?format=table")).is(200);
    server.get("/ready").is(200);
}
