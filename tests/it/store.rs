//! `--store`: baselines and evidence in a database, through the binary.

use crate::stage::{Ended, Stage, ended};

const PLAN: &str = "\
targets:
  - name: simulator
    base_url: sim:h100-70b
workloads:
  - name: small
    target: simulator
    input_len: 128
    output_len: 8
    concurrency: 48
    num_prompts: 48
    warmup: 4
gate:
  rounds: 3
  tolerances: {tpot_p50: 60%, e2e_p50: 60%}
";
const STORE: [&str; 2] = ["--store", "sqlite:kept/history.db"];
const NAME: &str = "small--sim-70b--sim-h100-70b";

fn with(stage: &Stage, words: &[&str]) -> Ended {
    stage.run(&[words, &STORE].concat())
}

#[test]
fn a_database_takes_the_place_of_the_folders() {
    let stage = Stage::new();
    stage.write("loadtest.yaml", PLAN);
    let head = ["gate", "--head", "c0ffee", "--seed", "3"];
    with(&stage, &["gate", "--require-baseline"])
        .says(2, &["sqlite:kept/history.db holds no usable baseline"]);
    with(&stage, &["gate"]).says(0, &["stored as the first session", "sqlite:kept/history.db/baselines/"]);
    with(&stage, &head).says(0, &["baseline: 1 stored session"]);
    with(&stage, &head).says(0, &["evidence: 3 rounds of earlier gates count"]);
    with(&stage, &["gate", "--seed", "5"]).says(0, &["baseline: 1 stored session"]);
    with(&stage, &["baseline", "save", "llm-loadtest-results/result.json"]).prints(&["stored in sqlite:"]);
    assert!(!stage.path("baselines").exists() && !stage.path("llm-loadtest-results/ledger").exists());

    with(&stage, &["baseline", "list"]).prints(&[NAME, "2 sessions"]);
    with(&stage, &["baseline", "promote", NAME, "none"]).says(2, &["there is no session 'none'"]);
    with(&stage, &["baseline", "prune"]).prints(&["removed 0 sessions"]);
    with(&stage, &["history"]).says(0, &[]).prints(&["TTFT p95"]);
    let offer = with(&stage, &["baseline", "save", "--pull-request", "llm-loadtest-results/result.json"]);
    offer.says(2, &["a pull request changes files", "hint:"]);

    // The same from the environment; without it the folder is asked, which is empty.
    let listed = |store: &str| {
        ended(&stage.command(&["baseline", "list"]).env("LLM_LOADTEST_STORE", store).output().unwrap())
    };
    listed(STORE[1]).says(0, &[]).prints(&[NAME]);
    listed("").says(0, &[]).prints(&["baselines holds no baseline yet"]);
}

#[test]
fn a_password_is_shown_nowhere_and_what_is_wrong_is_told_before_any_load() {
    let stage = Stage::new();
    stage.write("loadtest.yaml", PLAN);
    let url = "postgres://ann:s3cret@127.0.0.1:1/nights";
    for words in [&["gate"][..], &["baseline", "list"], &["history"], &["info"], &["info", "--json"]] {
        let end = ended(&stage.command(words).env("LLM_LOADTEST_STORE", url).output().unwrap());
        assert!(!format!("{}{}", end.stdout, end.stderr).contains("s3cret"), "{words:?}: {}", end.stdout);
        if words[0] != "info" {
            end.says(3, &["cannot open postgres://ann:***@127.0.0.1:1/nights", "PGPASSWORD"]);
        }
    }
    stage.run(&["gate", "--store", "nights.db"]).says(2, &["begins with neither sqlite: nor postgres://"]);
    stage.write("nights.db", "not a database, but a text of some length, which nobody should write over");
    stage.run(&["gate", "--store", "sqlite:nights.db"]).says(3, &["is not a database, or it is damaged"]);
    assert!(stage.read("nights.db").starts_with("not a database"));
}
