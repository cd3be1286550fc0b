//! `analyze` through the command line: by rules, and with models that tell the truth, lie, babble or fail.

use serde_json::Value;

use crate::stage::{Stage, canned, schema};

/// A result of three levels.
fn measured() -> Stage {
    let stage = Stage::new();
    let line = "run --server sim:fast --concurrency 1,4,16 --num-prompts 60 --goodput ttft:500 --seed 1 --quiet";
    stage.run(&line.split(' ').collect::<Vec<_>>()).says(0, &[]);
    stage
}

const RESULT: &str = "llm-loadtest-results/result.json";

fn json(stage: &Stage, more: &[&str]) -> Value {
    stage.run(&[&["analyze", RESULT, "--format", "json", "-o", "a.json"], more].concat()).says(0, &[]);
    stage.json("a.json")
}

/// A server whose model says this.
fn model(words: &str) -> String {
    let content =
        serde_json::json!({"choices": [{"message": {"role": "assistant", "content": words}}]}).to_string();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{content}",
        content.len()
    );
    canned(Box::leak(answer.into_boxed_str()))
}

#[test]
fn a_result_is_told_by_rules_in_both_languages() {
    let stage = measured();
    stage.run(&["analyze", RESULT]).says(0, &[]).prints(&[
        "Bottleneck",
        "c=16",
        "Kleinrock",
        "$ llm-loadtest ",
    ]);
    stage.run(&["analyze", RESULT, "--language", "ko"]).says(0, &[]).prints(&["병목", "무릎점", "다음 실험"]);
    let markdown = stage.run(&["analyze", RESULT, "--format", "markdown", "--baseline", RESULT]);
    markdown.says(0, &[]).prints(&["### Bottleneck", "```sh", "Against the baseline"]);
    let document = json(&stage, &[]);
    assert!(jsonschema::validator_for(&schema("analysis.schema.json")).unwrap().is_valid(&document));
    assert_eq!(document["analyst"], Value::Null);
    stage.run(&["analyze", "nowhere.json"]).says(2, &["nowhere.json"]);
    stage.run(&["analyze", RESULT, "--model", "m"]).says(2, &["--server"]);
    let unset = ["analyze", RESULT, "--model", "m", "--server", "sim:", "--api-key-env", "NO_SUCH_KEY"];
    stage.run(&unset).says(2, &["NO_SUCH_KEY", "hint:"]);
}

#[test]
fn numbers_of_a_model_are_looked_for_in_the_result() {
    let stage = measured();
    let result = stage.json(RESULT);
    let level = &result["levels"][2];
    let p95 = level["metrics"]["ttft"]["p95"].as_f64().unwrap();
    let output = level["values"]["output_throughput"].as_f64().unwrap();
    let words = format!(
        "At c=16 TTFT p95 is {p95:.1} ms, or {:.4} s; output is {output:.0} tokens/s. GPU memory is 93.7 GB and power 12,345 W.",
        p95 / 1e3
    );
    let document = json(&stage, &["--model", "m", "--server", &model(&words)]);
    let analyst = &document["analyst"];
    assert_eq!(analyst["unfounded"], serde_json::json!(["93.7", "12,345"]), "{analyst}");
    assert_eq!((&analyst["figures_checked"], &analyst["figures_unfounded"]), (&6.into(), &2.into()));
    assert!(analyst["text"].as_str().unwrap().contains("93.7 [?] GB and power 12,345 [?] W"), "{analyst}");
}

#[test]
fn a_model_that_babbles_is_checked_and_one_that_fails_leaves_the_rules() {
    let stage = measured();
    let babble = json(&stage, &["--model", "sim-fast", "--server", "sim:fast"]);
    assert!(!babble["analyst"]["text"].as_str().unwrap().is_empty());
    assert!(babble["analyst"]["figures_checked"].is_u64());
    for (server, why) in [
        ("http://127.0.0.1:1".to_owned(), "wrote nothing"),
        (
            canned("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"),
            "it answered 401: no",
        ),
        (canned("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"), "holds no text"),
    ] {
        let ended = stage.run(&["analyze", RESULT, "--model", "m", "--server", &server]);
        ended.says(0, &[]).prints(&["Bottleneck", why, "by rules alone"]);
    }
}
