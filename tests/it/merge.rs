//! Shards become one result, through the command line.

use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::stage::{Simulated, Stage, ended};

/// A result with its rows, as shard `index` of `count`.
fn shard(stage: &Stage, folder: &str, index: u32, count: u32) {
    let mut run = whole(stage);
    run["plan"]["shard"] = json!({"index": index, "count": count});
    stage.write(&format!("{folder}/result.json"), &run.to_string());
    stage.write(&format!("{folder}/requests.jsonl"), &stage.read("llm-loadtest-results/requests.jsonl"));
}

/// The result without what a busy machine found about itself.
fn whole(stage: &Stage) -> Value {
    let mut run = stage.json("llm-loadtest-results/result.json");
    run["findings"] = json!([]);
    run
}

fn measured() -> Stage {
    let stage = Stage::new();
    let line =
        "run --server sim:fast --concurrency 2,4 --num-prompts 40 --output-len 8 --stream --goodput ttft:500";
    stage.run(&line.split(' ').collect::<Vec<_>>()).says(0, &[]);
    stage
}

#[test]
fn one_shard_of_one_is_the_run_itself() {
    let stage = measured();
    shard(&stage, "shards/0", 0, 1);
    stage.run(&["merge", "shards"]).says(0, &["merged/result.json"]).prints(&["c=2", "c=4"]);
    let (run, merged) = (stage.json("llm-loadtest-results/result.json"), stage.json("merged/result.json"));
    for (level, same) in levels(&run).zip(levels(&merged)) {
        for key in ["offered", "succeeded", "histograms", "tokens", "failures", "label"] {
            assert_eq!(level[key], same[key], "{key}");
        }
        assert_eq!(level["window"]["start_s"], same["window"]["start_s"]);
        // Rows hold microseconds, so instants may move by one.
        let edge = |level: &Value| level["steady"]["window"]["start_s"].as_f64().unwrap();
        assert!((edge(level) - edge(same)).abs() < 1e-5, "{level} {same}");
        assert_eq!(level["concurrency"]["peak"], same["concurrency"]["peak"]);
    }
    assert_eq!(merged["plan"]["shard"], Value::Null);
    let lines = |name: &str| {
        let text = stage.read(name);
        let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.sort_by_key(|line| (line["level"].to_string(), line["index"].as_u64()));
        lines
    };
    assert_eq!(lines("llm-loadtest-results/requests.jsonl"), lines("merged/requests.jsonl"));
    let sent: Vec<f64> = stage
        .read("merged/requests.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["sent_ms"].as_f64().unwrap())
        .collect();
    assert!(sent.is_sorted() && sent.len() == 80);
    assert!(stage.read("merged/summary.csv").starts_with("workload,"));

    stage.write("whole.json", &whole(&stage).to_string());
    stage.run(&["compare", "whole.json", "merged/result.json"]).says(0, &[]);
    // The old result is in the way of a second merge's search, and no shard.
    stage.run(&["merge", "shards", "--output", "shards/merged", "--quiet"]).says(0, &[]);
    stage.run(&["merge", "shards", "--output", "shards/merged", "--quiet"]).says(0, &[]).prints(&[]);
    stage
        .run(&["merge", "merged", "--output", "again"])
        .says(2, &["merged/result.json", "is no shard", "--shard"]);
}

fn levels(run: &Value) -> impl Iterator<Item = &Value> {
    run["rounds"][0]["levels"].as_array().unwrap().iter()
}

#[test]
fn bad_shards_are_named() {
    let stage = measured();
    stage.run(&["merge"]).says(2, &["SHARD"]);
    stage.run(&["merge", "nowhere"]).says(2, &["nowhere", "hint:"]);
    stage.write("empty/nothing", "");
    stage.run(&["merge", "empty"]).says(2, &["empty", "result.json"]);
    shard(&stage, "shards/1", 1, 3);
    shard(&stage, "shards/2", 2, 3);
    stage.run(&["merge", "shards"]).says(2, &["0/3 is missing", "--partial"]);
    assert!(!stage.path("merged").exists(), "nothing is written before the shards are checked");
    // Both hold all rows of one run, which two shards never do.
    stage.run(&["merge", "shards", "--partial"]).says(2, &["request 0", "1/3", "2/3"]);
    std::fs::remove_file(stage.path("shards/2/requests.jsonl")).unwrap();
    stage.run(&["merge", "shards", "--partial"]).says(0, &[]).prints(&["0/3 is missing", "requests.jsonl"]);
    assert_eq!(stage.json("merged/result.json")["partial"], true);

    stage.run(&["merge", "shards/1/result.json", "shards/1"]).says(2, &["given twice"]);
    stage.run(&["merge", "shards", "--partial", "--output", "shards/1"]).says(2, &["overwrite", "--output"]);
    stage.write("shards/1/requests.jsonl", "{\"index\": 1}\n");
    stage.run(&["merge", "shards", "--partial"]).says(2, &["requests.jsonl:1", "missing field"]);
    stage.write("shards/1/result.json", "{}");
    stage.run(&["merge", "shards", "--partial"]).says(2, &["shards/1/result.json", "not a result"]);
}

/// What was asked when: index, prompt and output tokens, and microseconds from the level's start to its due time.
fn asked(stage: &Stage, folder: &str) -> Vec<(u64, u64, u64, Option<i64>)> {
    let run = stage.json(&format!("{folder}/result.json"));
    let start = run["rounds"][0]["levels"][0]["window"]["start_s"].as_f64().unwrap() * 1e6;
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let tokens = |name: &str| row["tokens"][name].as_u64().unwrap();
        let due = row["due_ms"].as_f64().map(|ms| (ms * 1e3 - start).round() as i64);
        (row["index"].as_u64().unwrap(), tokens("prompt_asked"), tokens("output_asked"), due)
    };
    stage.read(&format!("{folder}/requests.jsonl")).lines().map(row).collect()
}

/// Runs the line whole and as three shards at the same time, and merges them.
fn whole_and_shards(stage: &Stage, line: &str) {
    let run = |more: &[&str]| {
        let words = [&line.split(' ').collect::<Vec<_>>(), more].concat();
        let mut command = stage.command(&words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    ended(&run(&["--output", "whole"]).wait_with_output().unwrap()).says(0, &[]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let start = (now + 3).to_string();
    let shards: Vec<_> = ["0/3", "1/3", "2/3"]
        .into_iter()
        .map(|shard| {
            let output = format!("shards/{}", &shard[..1]);
            run(&["--output", &output, "--shard", shard, "--start-at", &start])
        })
        .collect();
    for shard in shards {
        ended(&shard.wait_with_output().unwrap()).says(0, &[]);
    }
    stage.run(&["merge", "shards"]).says(0, &[]);
}

#[test]
fn merged_shards_ask_what_the_whole_run_asks() {
    let server = Simulated::start("fast");
    for load in ["--rate 60 --num-prompts 90", "--concurrency 6 --num-prompts 60"] {
        let stage = Stage::new();
        let line = format!(
            "run --server {} {load} --seed 3 --input-len 50:200 --output-len 4:12 --stream --quiet",
            server.url
        );
        whole_and_shards(&stage, &line);
        let mut whole = asked(&stage, "whole");
        whole.sort_unstable();
        let mut shards: Vec<_> =
            ["shards/0", "shards/1", "shards/2"].iter().flat_map(|folder| asked(&stage, folder)).collect();
        shards.sort_unstable();
        assert_eq!(shards.len(), whole.len());
        for (shard, whole) in shards.iter().zip(&whole) {
            assert_eq!((shard.0, shard.1, shard.2), (whole.0, whole.1, whole.2));
            // Start and due time are rounded to the microsecond apart.
            assert!(shard.3.unwrap_or(0).abs_diff(whole.3.unwrap_or(0)) <= 2, "{shard:?} {whole:?}");
        }
        let mut merged = asked(&stage, "merged");
        merged.sort_unstable();
        assert_eq!(
            merged.iter().map(|row| row.0).collect::<Vec<_>>(),
            (0..whole.len() as u64).collect::<Vec<_>>()
        );
        let (whole, merged) = (stage.json("whole/result.json"), stage.json("merged/result.json"));
        assert_eq!(merged["levels"][0]["offered"], whole["levels"][0]["offered"]);
        assert_eq!(merged["levels"][0]["tokens"]["output"], whole["levels"][0]["tokens"]["output"]);
        assert_eq!(merged["fingerprint"], whole["fingerprint"]);
        assert_eq!(merged["partial"], false);
        assert!(merged["rounds"][0]["levels"][0]["steady"].is_object(), "{merged}");
    }
}
