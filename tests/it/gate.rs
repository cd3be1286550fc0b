//! `gate` and the commands on files through the binary: every verdict with its exit code.

use std::process::Stdio;
use std::time::Duration;

use crate::stage::{Ended, Stage, ended};

/// Wide tolerances and few rounds: what is tested is the way through, not the sensitivity.
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
const SLOWER: &str = "sim:h100-70b?itl=+400%&ttft=+400%";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("loadtest.yaml", PLAN);
    stage
}

fn gate(stage: &Stage, more: &[&str]) -> Ended {
    stage.run(&[&["gate", "--junit", "junit.xml", "--markdown", "comment.md"][..], more].concat())
}

fn baseline_file(stage: &Stage) -> String {
    let mut names =
        std::fs::read_dir(stage.path("baselines")).unwrap().map(|entry| entry.unwrap().file_name());
    let name = names.next().expect("one baseline").to_string_lossy().into_owned();
    assert!(names.next().is_none());
    format!("baselines/{name}")
}

#[test]
fn a_first_run_becomes_the_baseline_and_later_runs_are_judged() {
    let stage = stage();
    gate(&stage, &["--require-baseline"]).says(2, &["no usable baseline", "hint:"]);
    gate(&stage, &[]).says(0, &["baseline: none", "stored as the first session"]);
    let stored = stage.read(&baseline_file(&stage));
    gate(&stage, &["--seed", "7"])
        .says(0, &["baseline: 1 stored session"])
        .prints(&["No serving regression"]);
    assert!(stage.read("comment.md").contains("✅"));
    gate(&stage, &["--server", SLOWER]).says(1, &[]).prints(&["slower"]);
    let comment = stage.read("comment.md");
    assert!(comment.contains("❌") && comment.contains("slower"), "{comment}");
    assert!(stage.read("junit.xml").contains("<failure"));
    assert_eq!(stage.read(&baseline_file(&stage)), stored, "judging changed the baseline");
    let again = stage.run(&["report", "llm-loadtest-results/result.json", "--format", "markdown"]);
    assert_eq!(again.says(0, &[]).stdout, comment);
}

#[test]
fn objectives_need_no_baseline_and_every_code_is_reached() {
    let stage = stage();
    let with = |objective: &str, more: &[&str]| {
        gate(&stage, &[&["--no-save-baseline", "--objective", objective][..], more].concat())
    };
    with("e2e_p50 < 60s", &[]).says(0, &[]).prints(&["E2E p50"]);
    with("e2e_p50 < 1ms", &[]).says(1, &[]).prints(&["E2E p50"]);
    with("success_rate >= 95%", &["--server", "sim:h100-70b?errors=40%"]).says(1, &[]);
    with("ttft_p99 < 60s", &[]).says(0, &[]).prints(&["p99"]);
    with("ttft_p99 < 60s", &["--strict"]).says(4, &[]);
    with("speed < 3", &[]).says(2, &["speed", "ttft"]);
    assert!(!stage.path("baselines").exists());
}

#[test]
fn an_interrupted_gate_has_no_verdict() {
    let stage = stage();
    let arguments = ["gate", "--num-prompts", "100000", "--objective", "success_rate >= 50%"];
    let child = stage.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    ended(&child.wait_with_output().unwrap()).says(130, &[]).prints(&["interrupted in round 1 of 3"]);
    let result = stage.json("llm-loadtest-results/result.json");
    assert_eq!((&result["partial"], &result["verdict"]["decision"]), (&true.into(), &"invalid".into()));
    assert!(!stage.path("baselines").exists(), "an interrupted run became a baseline");
}

#[test]
fn a_baseline_that_must_not_judge_is_refused_before_any_load() {
    let stage = stage();
    gate(&stage, &[]).says(0, &[]);
    gate(&stage, &["--output-len", "16"]).says(2, &["cannot judge", "output", "hint:"]);
    let (path, text) = (baseline_file(&stage), stage.read(&baseline_file(&stage)));
    stage.write(&path, &text.replacen("\"major\": 1", "\"major\": 2", 1));
    gate(&stage, &[]).says(2, &[&path, "format 2.3", "update llm-loadtest"]);
    stage.write(&path, &text[..text.len() / 2]);
    gate(&stage, &[]).says(2, &[&path, "hint:"]);
    stage.write(&path, "not json");
    gate(&stage, &[]).says(2, &[&path]);
}

/// Gates the plan with a seed, and keeps the result under a name.
fn keep(stage: &Stage, seed: &str, name: &str, server: &str) {
    gate(stage, &["--no-save-baseline", "--seed", seed, "--server", server]);
    std::fs::copy(stage.path("llm-loadtest-results/result.json"), stage.path(name)).unwrap();
}

#[test]
fn files_alone_are_compared_and_rendered() {
    let stage = stage();
    keep(&stage, "1", "a.json", "sim:h100-70b");
    keep(&stage, "2", "b.json", "sim:h100-70b");
    keep(&stage, "3", "c.json", SLOWER);
    stage.run(&["compare", "a.json", "b.json"]).says(0, &[]).prints(&["TPOT p50"]);
    stage.run(&["compare", "a.json", "c.json", "--format", "markdown"]).says(1, &[]).prints(&["❌"]);
    let many = ["compare", "a.json", "b.json", "c.json"];
    stage.run(&many).says(1, &[]).prints(&["# b.json", "# c.json", "TPOT p50"]);
    let listed = stage.run(&[&many[..], &["--format", "json", "-o", "many.json"]].concat());
    listed.says(1, &[]);
    let all: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(stage.path("many.json")).unwrap()).unwrap();
    let decisions: Vec<&str> =
        all.as_array().unwrap().iter().filter_map(|one| one["verdict"]["decision"].as_str()).collect();
    assert_eq!(decisions[1..], ["fail"]);
    stage.run(&[&many[..], &["--format", "junit"]].concat()).says(2, &["one candidate", "hint:"]);
    for (format, words) in [
        ("table", "TPOT"),
        ("markdown", "TPOT"),
        ("junit", "<testsuites"),
        ("json", "\"rounds\""),
        ("csv", "round,"),
    ] {
        stage.run(&["report", "a.json", "--format", format]).says(0, &[]).prints(&[words]);
    }
    stage.run(&["report", "nowhere.json"]).says(2, &["nowhere.json"]);
    stage.run(&["report", "loadtest.yaml"]).says(2, &["loadtest.yaml"]);
}

#[test]
fn baselines_are_stored_listed_promoted_and_pruned() {
    let stage = stage();
    keep(&stage, "1", "a.json", "sim:h100-70b");
    keep(&stage, "2", "b.json", "sim:h100-70b");
    let baseline = |arguments: &[&str]| stage.run(&[&["baseline"][..], arguments].concat());
    baseline(&["list"]).says(0, &[]).prints(&["no baseline yet"]);
    baseline(&["save", "a.json"]).says(0, &[]).prints(&["stored in baselines/"]);
    baseline(&["save", "a.json"]).says(2, &["already"]);
    baseline(&["save", "b.json"]).says(0, &[]);
    let listed = baseline(&["list"]);
    let name = listed.says(0, &[]).prints(&["2 sessions"]).stdout.split(':').next().unwrap();
    let shown = baseline(&["show", name]).stdout;
    let session = shown.lines().nth(2).unwrap().trim().split(": ").next().unwrap();
    baseline(&["promote", name, session]).says(0, &[]).prints(&["start at"]);
    baseline(&["show"]).says(0, &[]).prints(&["promoted"]);
    baseline(&["promote", name, "yesterday"]).says(2, &["yesterday", "hint:"]);
    baseline(&["promote", "nothing", "x"]).says(2, &["nothing"]);
    baseline(&["prune"]).says(0, &[]).prints(&["removed 1 session"]);
}

#[test]
fn a_file_is_written_explained_and_its_errors_are_placed() {
    let stage = Stage::new();
    stage.run(&["init"]).says(0, &["loadtest.yaml"]);
    stage.run(&["init"]).says(2, &["exists", "--force"]);
    stage.run(&["info", "--config", "loadtest.yaml"]).says(0, &[]).prints(&[
        "loadtest.yaml:",
        "default",
        "concurrency",
    ]);
    let mut with_variable = stage.command(&["info", "--seed", "5", "--server", "http://localhost:8000"]);
    with_variable.env("LLM_LOADTEST_WARMUP", "9").env("OPENAI_API_KEY", "sk-hidden");
    let told = ended(&with_variable.output().unwrap());
    told.says(0, &[]).prints(&[
        "flag --seed",
        "environment LLM_LOADTEST_WARMUP",
        "environment OPENAI_API_KEY",
    ]);
    assert!(!told.stdout.contains("sk-hidden"));
    stage.write("bad.yaml", "workloads:\n  - name: x\n    concurency: 4\n");
    stage.run(&["gate", "--config", "bad.yaml"]).says(2, &["bad.yaml:3", "concurency", "concurrency"]);
    stage.write("bad.yaml", "workloads: [\n");
    stage.run(&["gate", "--config", "bad.yaml"]).says(2, &["bad.yaml:"]);
    stage.run(&["gate", "--config", "none.yaml"]).says(2, &["none.yaml"]);
    let schema: serde_json::Value = serde_json::from_str(&stage.run(&["info", "--schema"]).stdout).unwrap();
    assert_eq!(schema, crate::stage::schema("config.schema.json"));
}

#[test]
fn the_line_to_reproduce_finds_the_same_baseline() {
    let stage = stage();
    gate(&stage, &[]).says(0, &[]);
    let comment = stage.read("comment.md");
    let line = comment.lines().find(|line| line.starts_with("llm-loadtest gate")).unwrap();
    // Elsewhere, without the file, only the baselines at hand.
    std::fs::remove_file(stage.path("loadtest.yaml")).unwrap();
    let shell = line.replacen("llm-loadtest", crate::stage::BINARY, 1);
    let output =
        std::process::Command::new("sh").args(["-c", &shell]).current_dir(stage.path("")).output().unwrap();
    ended(&output).says(0, &["baseline: 1 stored session for 'small'"]);
}

/// Pairs with a second simulated server, small and wide: what is tested is the way through.
fn pairs(stage: &Stage, server: &str, more: &[&str]) -> Ended {
    let fixed = ["--baseline-server", "sim:h100-70b", "--server", server, "--rounds", "3,5"];
    gate(stage, &[&fixed[..], more].concat())
}

#[test]
fn pairs_judge_two_servers_and_a_rerun_adds_to_what_is_known() {
    let stage = stage();
    let question = ["--head", "a91b07d", "--base", "4f1c2e9"];
    pairs(&stage, SLOWER, &question)
        .says(
            1,
            &["pairs: a round of each server in turn", "pair 1/5 ", "decided after 3 of at most 5: fail"],
        )
        .prints(&["slower", "3 pairs of rounds"]);
    assert!(!stage.path("baselines").exists(), "a pair needs no stored baseline and leaves none");
    let rows = stage.read("llm-loadtest-results/requests.jsonl");
    for arm in ["baseline", "candidate"] {
        let of_arm = rows.lines().filter(|line| line.contains(&format!("\"arm\":\"{arm}\"")));
        assert_eq!(of_arm.count(), 3 * 48, "{arm}");
    }
    // Asked again, the same evidence gives the same answer, and nothing is measured.
    let again = pairs(&stage, SLOWER, &question);
    again.says(1, &["evidence: 3 pairs of earlier gates count; they decide"]);
    again.prints(&["slower"]);
    assert!(!again.stderr.contains("started"), "{}", again.stderr);
    // Evidence stays with its question: another simulated server is another one.
    pairs(&stage, "sim:h100-70b", &[&question[..], &["--explain"]].concat())
        .says(0, &["decided after 3"])
        .prints(&["No serving regression", "paired t", "within?"]);
    let ledger = std::fs::read_dir(stage.path("llm-loadtest-results/ledger")).unwrap().count();
    assert_eq!(ledger, 2);
    let comment = stage.read("comment.md");
    assert!(comment.contains(" → ") && comment.contains("First in each pair"), "{comment}");
}

#[test]
fn a_budget_ends_on_a_look_and_a_larger_one_goes_on() {
    let stage = stage();
    // A p99 of 48 requests is too thin to judge, however many pairs there are.
    let thin = ["--objective", "ttft_p99 < 60s", "--rounds", "2,4", "--head", "h", "--base", "b"];
    let with = |budget: &str| {
        let fixed = ["--baseline-server", "sim:h100-70b", "--server", "sim:h100-70b", "--budget", budget];
        gate(&stage, &[&fixed[..], &thin].concat())
    };
    with("1s")
        .says(0, &["not decided after 2", "budget of 1.0s does not reach"])
        .prints(&["Could not decide"]);
    with("10m").says(0, &["evidence: 2 pairs", "pair 3/4 "]).prints(&["4 pairs of rounds"]);
}

#[test]
fn an_edited_baseline_and_a_single_pair_are_refused() {
    let stage = stage();
    gate(&stage, &[]).says(0, &["stored as the first session"]);
    let file = baseline_file(&stage);
    let text = stage.read(&file);
    stage.write(&file, &text.replacen("\"e2e_p50\": ", "\"e2e_p50\": 9", 1));
    gate(&stage, &[]).says(2, &["was edited", "restore the file"]);
    pairs(&stage, "sim:h100-70b", &["--rounds", "1"]).says(2, &["--rounds 1", "5,8,12"]);
}

/// Six sessions of another workload, whose medians scatter by about 2 %, on the same machine.
#[test]
fn the_noise_of_other_workloads_is_taken_where_it_is_known() {
    let stage = stage();
    gate(&stage, &[]).says(0, &["stored as the first session"]);
    let file = baseline_file(&stage);
    let mut other: serde_json::Value = serde_json::from_str(&stage.read(&file)).unwrap();
    other["key"]["workload"] = "another".into();
    let session = other["sessions"][0].clone();
    let nights = (0..6).map(|night| {
        let mut session = session.clone();
        session["id"] = format!("n{night}").into();
        session["digest"] = serde_json::Value::Null;
        for round in session["levels"][0]["rounds"].as_array_mut().unwrap() {
            for (_, value) in round["values"].as_object_mut().unwrap() {
                *value = (value.as_f64().unwrap() * (1.0 + 0.01 * f64::from(night))).into();
            }
        }
        session
    });
    other["sessions"] = nights.collect();
    stage.write(&file.replace("small--", "another--"), &other.to_string());
    gate(&stage, &[])
        .says(0, &["noise from day to day: 1.8%, as another baseline of sim:h100-70b"])
        .prints(&["assumes 1.8"]);
    let declared = gate(&stage, &["--assumed-noise", "4%"]);
    declared.says(0, &["baseline: 1 stored session"]).prints(&["assumes 4%"]);
    assert!(!declared.stderr.contains("noise from day to day"), "{}", declared.stderr);
}

#[test]
fn another_machine_is_named_in_the_result_and_not_judged() {
    let stage = stage();
    gate(&stage, &[]).says(0, &["stored as the first session"]);
    let file = baseline_file(&stage);
    let text = stage.read(&file);
    stage
        .write(&file, &text.replacen("\"network_path\": \"simulated\"", "\"network_path\": \"loopback\"", 1));
    gate(&stage, &["--assumed-noise", "3%"]).says(4, &[]).prints(&["Not judged", "the network path changed"]);
    let result = stage.read("llm-loadtest-results/result.json");
    assert!(result.contains("\"code\": \"network_path\""), "the finding stays with the result: {result}");
}
