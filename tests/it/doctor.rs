//! `doctor` through the binary: a server that is well, one that serves its clients one by one, and none at all.

use serde_json::{Value, json};

use crate::stage::{Stage, schema};

fn checks(text: &str) -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(text).unwrap();
    let validator = jsonschema::validator_for(&schema("doctor.schema.json")).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let read = |check: &Value| (text(&check["name"]), text(&check["standing"]), check["diagnosis"].clone());
    document["checks"].as_array().unwrap().iter().map(read).collect()
}

fn standing(checks: &[(String, String, Value)], name: &str) -> String {
    checks.iter().find(|(known, ..)| known == name).map(|(_, standing, _)| standing.clone()).expect(name)
}

#[test]
fn a_server_that_is_well_is_looked_at_to_its_batch() {
    let stage = Stage::new();
    let text = stage.run(&["doctor", "--server", "sim:h100-8b", "--json"]).says(0, &[]).stdout.clone();
    let found = checks(&text);
    for name in [
        "connect", "health", "models", "metrics", "request", "stream", "usage", "length", "cache", "parallel",
    ] {
        assert_eq!(standing(&found, name), "ok", "{name}: {text}");
    }
    stage.run(&["doctor", "--server", "sim:h100-8b", "--markdown", "doctor.md"]).says(0, &[]).prints(&[
        "nothing wrong",
        "the prefix cache is on",
        "8 clients get",
    ]);
    assert!(stage.read("doctor.md").contains("| parallel | ✅ |"));
}

#[test]
fn a_server_that_works_on_one_request_at_a_time_is_found_out() {
    let stage = Stage::new();
    let args = ["doctor", "--server", "sim:h100-8b?max_batch=1", "--json"];
    let text = stage.run(&args).says(0, &[]).stdout.clone();
    let found = checks(&text);
    assert_eq!(standing(&found, "parallel"), "warning", "{text}");
    let (_, _, diagnosis) = found.iter().find(|(name, ..)| name == "parallel").unwrap();
    assert!(diagnosis["cause"].as_str().unwrap().contains("one request at a time"), "{text}");
}

#[test]
fn faults_are_told_with_symptom_cause_and_remedy() {
    let stage = Stage::new();
    for (server, name, words) in [
        ("sim:h100-8b?usage=off", "usage", "--tokenizer"),
        ("sim:h100-8b?cut=100%", "request", "cut"),
        ("sim:h100-8b?errors=100%", "request", "log"),
        ("sim:h100-8b?start_ms=600000", "health", "wait until it answers 200"),
    ] {
        let ended = stage.run(&["doctor", "--server", server, "--model", "sim-8b", "--json"]);
        let found = checks(&ended.stdout);
        let (_, _, diagnosis) = found.iter().find(|(known, ..)| known == name).unwrap();
        assert_ne!(*diagnosis, json!(null), "{server}: {}", ended.stdout);
        assert!(diagnosis.to_string().contains(words), "{server}: {diagnosis}");
    }
}

#[test]
fn nobody_there_is_an_environment_error_with_its_remedy() {
    let stage = Stage::new();
    stage.run(&["doctor", "--server", "http://127.0.0.1:9"]).says(3, &[]).prints(&[
        "failed   connect",
        "Connection refused",
        "Solution",
        "Verify",
        "skipped  parallel",
    ]);
    stage
        .run(&["doctor", "--server", "http://no-such-host.invalid:1"])
        .says(3, &[])
        .prints(&["failed   dns"]);
    stage.run(&["doctor"]).says(2, &["no server is given"]);
}
