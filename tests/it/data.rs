//! What is asked, through the binary: files, prefixes, conversations, mixes, models, servers, users who leave.

use serde_json::Value;

use crate::stage::{Simulated, Stage};

const QUICK: [&str; 6] = ["--num-prompts", "40", "--output-len", "4", "--concurrency", "4"];

fn level(stage: &Stage, arguments: &[&str]) -> Value {
    let all = [&["run"][..], arguments, &QUICK].concat();
    stage.run(&all).says(0, &["wrote"]);
    let result = stage.json("llm-loadtest-results/result.json");
    let level = result["levels"][0].clone();
    assert_eq!(level["offered"], level["succeeded"], "{level}");
    level
}

#[test]
fn files_of_every_kind_are_asked_and_said() {
    let stage = Stage::new();
    let pair = r#"{"conversations": [{"from": "human", "value": "what is a tide at sea"}, {"from": "gpt", "value": "a b c d e"}, {"from": "human", "value": "more"}]}"#;
    stage.write("s.json", &format!("[{pair}, {pair}, {{\"conversations\": []}}]"));
    stage.write(
        "m.jsonl",
        r#"{"messages": [{"role": "system", "content": "a b"}, {"role": "user", "content": "c d e"}]}"#,
    );
    stage.write("c.csv", "q,n\none two three,6\n");
    for (arguments, words, prompt, output) in [
        (&["--dataset", "s.json"][..], "holds 2 requests (sharegpt), 1 rows left out", 6, 4),
        (&["--dataset", "m.jsonl"], "holds 1 requests (messages)", 5, 4),
        (
            &["--dataset", "c.csv", "--prompt-column", "q", "--output-column", "n"],
            "holds 1 requests (custom)",
            3,
            6,
        ),
    ] {
        let all = [&["run", "--server", "sim:fast"][..], arguments, &QUICK].concat();
        stage.run(&all).says(0, &[words]);
        let tokens = stage.json("llm-loadtest-results/result.json")["levels"][0]["tokens"].clone();
        assert_eq!(
            (tokens["prompt"].as_u64(), tokens["output"].as_u64()),
            (Some(40 * prompt), Some(40 * output))
        );
    }
    stage.write("wrong.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\", \"output_tokens\": -1}\n");
    let all = [&["run", "--server", "sim:fast", "--dataset", "wrong.jsonl"][..], &QUICK].concat();
    stage.run(&all).says(2, &["wrong.jsonl, line 2", "output_tokens", "-1", "hint:"]);
}

#[test]
fn a_warm_prefix_is_found_and_a_cold_one_is_not() {
    let stage = Stage::new();
    let prefix = ["--server", "sim:fast", "--input-len", "16", "--prefix-len", "160", "--prefix-groups", "3"];
    let warm = level(&stage, &[&prefix[..], &["--cache", "warm"]].concat());
    assert_eq!(
        (&warm["tokens"]["prompt"], &warm["tokens"]["cached"]),
        (&(40 * 176).into(), &(40 * 160).into())
    );
    let cold = level(&stage, &["--server", "sim:fast", "--input-len", "160"]);
    assert_eq!(cold["tokens"]["cached"], 0);
}

#[test]
fn conversations_grow_with_what_was_answered() {
    let stage = Stage::new();
    let level =
        level(&stage, &["--server", "sim:fast", "--input-len", "10", "--turns", "3", "--think-time", "1ms"]);
    assert_eq!(level["offered"], 120);
    // 10, then 10 + 4 + 10, then 10 + 4 + 10 + 4 + 10.
    assert_eq!(level["tokens"]["prompt"], 40 * (10 + 24 + 38));
}

#[test]
fn models_and_servers_share_the_load() {
    let stage = Stage::new();
    let (one, two) = (Simulated::start("fast?models=lora"), Simulated::start("fast?models=lora"));
    let servers = format!("{},{}", one.url, two.url);
    level(&stage, &["--server", &servers, "--models", "sim-fast=1,lora=1", "--input-len", "5"]);
    stage.run(&["run", "--server", "http://127.0.0.1:9", "--models", "a,b"]).says(3, &["127.0.0.1:9"]);
    let missing = format!("{},http://127.0.0.1:9", one.url);
    stage
        .run(&["run", "--server", &missing, "--model", "lora", "--num-prompts", "4"])
        .says(3, &["127.0.0.1:9"]);
    stage.run(&["run", "--server", &one.url, "--model", "nobody"]).says(2, &["nobody"]);
}

#[test]
fn users_who_leave_are_neither_failures_nor_successes() {
    let stage = Stage::new();
    let all =
        [&["run", "--server", "sim:fast", "--cancel-rate", "50%", "--cancel-after", "2tokens"][..], &QUICK]
            .concat();
    stage.run(&all).says(0, &["wrote"]);
    let level = stage.json("llm-loadtest-results/result.json")["levels"][0].clone();
    let gone = level["failures"]["cancelled"].as_u64().unwrap();
    assert!((8..=32).contains(&gone), "{level}");
    assert_eq!(level["succeeded"].as_u64().unwrap() + gone, 40);
    assert_eq!(level["values"]["error_rate"], 0.0);
}

#[test]
fn the_mix_of_the_examples_runs() {
    let stage = Stage::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mix.yaml");
    stage
        .run(&[
            "run",
            "--config",
            file,
            "--workload",
            "both",
            "--rate",
            "40",
            "--num-prompts",
            "60",
            "--output-len",
            "4",
        ])
        .says(0, &["wrote"]);
    let result = stage.json("llm-loadtest-results/result.json");
    let parts = &result["plan"]["workload"]["parts"];
    assert_eq!((&parts[0]["name"], &parts[1]["weight"]), (&"chat".into(), &1.0.into()));
    let objectives = result["levels"][0]["goodput"]["objectives"].as_array().unwrap();
    assert_eq!(objectives.len(), 3, "{objectives:?}");
    assert!(result["levels"][0]["tokens"]["cached"].as_u64().unwrap() > 0);
    let workloads = result["levels"][0]["parts"].as_array().unwrap();
    assert_eq!((&workloads[0]["label"], &workloads[1]["label"]), (&"chat".into(), &"rag".into()));
    let offered: u64 = workloads.iter().map(|part| part["offered"].as_u64().unwrap()).sum();
    assert_eq!(result["levels"][0]["offered"], offered);
    let summary = stage.read("llm-loadtest-results/summary.csv");
    let names: Vec<&str> = summary.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(names, ["both", "chat", "rag"]);
}
