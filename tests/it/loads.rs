//! Shapes of load through the binary: traces, stages, ramps, caps, shards, a common start.

use serde_json::Value;

use crate::stage::Stage;

const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
                     2023-11-16 18:15:46.6805900,37,4\n2023-11-16 18:15:47.0805900,39,9\n\
                     2023-11-16 18:15:47.2805900,12,0\n2023-11-16 18:15:47.2805900,52,3\n\
                     2023-11-16 18:15:48.6805900,8,2\n";

/// Measured rows by index.
fn rows(stage: &Stage, folder: &str) -> Vec<Value> {
    let text = stage.read(&format!("{folder}/requests.jsonl"));
    let mut rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.sort_by_key(|row| row["index"].as_u64());
    rows
}

fn run(stage: &Stage, folder: &str, arguments: &[&str]) -> String {
    let common = ["run", "--server", "sim:fast", "--warmup", "0", "--output", folder];
    let ended = stage.run(&[&common[..], arguments].concat());
    ended.says(0, &["wrote"]);
    ended.stderr
}

#[test]
fn a_trace_is_replayed_and_its_shards_are_the_whole() {
    let stage = Stage::new();
    stage.write("azure.csv", TRACE);
    let replay = ["--trace", "azure.csv", "--time-scale", "5x"];
    let said = run(&stage, "whole", &replay);
    let words = "replaying an Azure LLM inference trace of 4 requests over 2.0s; 1 more without a token";
    assert!(said.contains(words), "{said}");
    let whole = rows(&stage, "whole");
    let asked: Vec<Value> = whole.iter().map(|row| row["tokens"]["prompt_asked"].clone()).collect();
    assert_eq!(asked, [37, 39, 52, 8]);
    assert!(whole.iter().all(|row| row["tokens"]["prompt_asked"] == row["tokens"]["prompt"]));
    assert!(whole.iter().all(|row| row["tokens"]["output_asked"] == row["tokens"]["output"]));
    let since = |row: &Value| row["due_ms"].as_f64().unwrap() - whole[0]["due_ms"].as_f64().unwrap();
    let due: Vec<f64> = whole.iter().map(|row| (since(row) * 1e3).round() / 1e3).collect();
    assert_eq!(due, [0.0, 80.0, 120.0, 400.0]);
    let result = stage.json("whole/result.json");
    assert_eq!(
        (&result["levels"][0]["label"], &result["plan"]["shard"]),
        (&"replay x5".into(), &Value::Null)
    );

    let mut joined = Vec::new();
    for shard in ["0/2", "1/2"] {
        let said = run(&stage, "part", &[&replay[..], &["--shard", shard]].concat());
        assert!(said.contains(&format!("this is shard {shard} (counted from 0)")), "{said}");
        let part = stage.json("part/result.json");
        assert_eq!(part["fingerprint"], result["fingerprint"], "the shards are one load");
        assert_eq!(part["plan"]["shard"]["count"], 2);
        joined.extend(rows(&stage, "part"));
    }
    joined.sort_by_key(|row| row["index"].as_u64());
    let what = |rows: &[Value]| -> Vec<(Value, Value)> {
        rows.iter().map(|row| (row["index"].clone(), row["tokens"].clone())).collect()
    };
    assert_eq!(what(&joined), what(&whole));
}

#[test]
fn a_trace_that_cannot_be_read_names_file_line_and_column() {
    let stage = Stage::new();
    stage.write("t.csv", "time_s,input_tokens\n1,2\n2,two\n");
    let line = ["run", "--server", "sim:fast", "--trace"];
    stage.run(&[&line[..], &["t.csv"]].concat()).says(2, &["t.csv: line 3, input_tokens: 'two'", "--trace"]);
    stage.run(&[&line[..], &["none.csv"]].concat()).says(2, &["none.csv", "--trace"]);
    stage.write("t.csv", "time_s,input_tokens\n1,2\n");
    stage.run(&[&line[..], &["t.csv", "--trace-from", "9s"]].concat()).says(2, &["--trace-from"]);
}

#[test]
fn stages_send_what_they_integrate_to() {
    let stage = Stage::new();
    let small = ["--input-len", "8", "--output-len", "2"];
    run(&stage, "out", &[&["--stages", "20@0.5s, 20..100@0.5s, 0@0.2s, 100@0.1s"][..], &small].concat());
    let level = &stage.json("out/result.json")["levels"][0];
    assert_eq!((&level["offered"], &level["succeeded"]), (&Value::from(50), &Value::from(50)));
    let plan = &stage.json("out/result.json")["plan"]["workload"]["levels"][0];
    assert_eq!(plan["stages"], "20@0.5s,20..100@0.5s,0@0.2s,100@0.1s");
}

#[test]
fn max_concurrency_queues_arrivals_and_counts_their_wait() {
    let stage = Stage::new();
    let line =
        ["--request-rate", "200", "--max-concurrency", "1", "--num-prompts", "30", "--server", "sim:h100-8b"];
    let small = ["--input-len", "8", "--output-len", "2", "--warmup", "0", "--output", "out"];
    stage.run(&[&["run"][..], &line, &small].concat()).says(0, &["wrote"]);
    let level = &stage.json("out/result.json")["levels"][0];
    assert_eq!((&level["offered"], &level["concurrency"]["peak"]), (&Value::from(30), &Value::from(1)));
    let (from_due, alone) = (&level["metrics"]["ttft_from_due"]["p50"], &level["metrics"]["ttft"]["p50"]);
    assert!(from_due.as_f64().unwrap() > 2.0 * alone.as_f64().unwrap(), "{level}");
}

#[test]
fn an_orchestrator_names_the_shard_and_all_start_together() {
    let stage = Stage::new();
    let line =
        ["run", "--server", "sim:fast", "--concurrency", "4", "--num-prompts", "8", "--output-len", "1"];
    let mut job = stage.command(&[&line[..], &["--start-at", "+300ms"]].concat());
    job.env("JOB_COMPLETION_INDEX", "1").env("JOB_COMPLETIONS", "4");
    crate::stage::ended(&job.output().unwrap()).says(0, &["shard 1/4", "waiting", "--start-at"]);
    let result = stage.json("llm-loadtest-results/result.json");
    assert_eq!((&result["levels"][0]["offered"], &result["plan"]["shard"]["index"]), (&2.into(), &1.into()));
    let mut info = stage.command(&["info", "--server", "sim:fast", "--concurrency", "4"]);
    info.env("SLURM_PROCID", "0").env("SLURM_NTASKS", "4").env("SLURM_STEP_ID", "0");
    crate::stage::ended(&info.output().unwrap()).prints(&["0/4", "environment SLURM_PROCID"]);
    stage
        .run(&[&line[..], &["--start-at", "2026-01-01T00:00:00Z"]].concat())
        .says(2, &["--start-at was", "choose a later time"]);
    stage.run(&[&line[..], &["--shard", "0/9"]].concat()).says(2, &["--shard 0/9", "clients"]);
}

#[test]
fn a_shard_is_no_evidence_about_the_whole() {
    let stage = Stage::new();
    let load = ["--concurrency", "4", "--num-prompts", "8", "--output-len", "1", "--shard", "1/2"];
    run(&stage, "part", &load);
    let part = "part/result.json";
    stage.run(&["compare", part, part]).says(2, &["part/result.json is one of 2 shards", "merge"]);
    stage.run(&["baseline", "save", part]).says(2, &["one of 2 shards"]);
    assert!(!stage.path("baselines").exists());
    stage.run(&[&["gate", "--server", "sim:fast"][..], &load].concat()).says(2, &["shard 1/2", "`run`"]);
}
