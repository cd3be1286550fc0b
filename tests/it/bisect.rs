//! The search for the commit that made a server slower, in a repository of its own.

use std::process::Command;

use crate::stage::{Ended, Stage, ended};

/// A server that its configuration names, so that each commit has its own.
fn plan(server: &str) -> String {
    format!(
        "\
targets:
  - name: simulator
    base_url: {server}
workloads:
  - name: small
    target: simulator
    input_len: 64
    output_len: 4
    concurrency: 48
    num_prompts: 48
    warmup: 2
gate:
  rounds: 3
  tolerances: {{tpot_p50: 150%, e2e_p50: 150%}}
"
    )
}

fn git(stage: &Stage, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(stage.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Eight commits, the sixth of which is slower; the fourth cannot be built. The baseline is of the first.
fn stage() -> Stage {
    let stage = Stage::new();
    git(&stage, &["init", "--quiet", "--initial-branch", "main"]);
    for number in 1..=8 {
        let server = if number < 6 { "sim:h100-70b" } else { "sim:h100-70b?itl=+400%&ttft=+400%" };
        stage.write("loadtest.yaml", &plan(server));
        stage.write("number", &format!("{number}\n"));
        git(&stage, &["add", "loadtest.yaml", "number"]);
        git(&stage, &["commit", "--quiet", "-m", &format!("commit {number}")]);
        git(&stage, &["tag", &format!("v{number}")]);
        if number == 1 {
            stage.run(&["gate"]).says(0, &["stored as the first session"]);
        }
    }
    stage
}

fn bisect(stage: &Stage, more: &[&str]) -> Ended {
    let mut command = stage.command(&[&["bisect"][..], more].concat());
    command.env("PATH", std::env::var("PATH").unwrap());
    let ended = ended(&command.output().unwrap());
    // Whatever happened, the repository is as it was.
    assert_eq!(git(stage, &["branch", "--show-current"]), "main", "{}", ended.stderr);
    assert_eq!(git(stage, &["for-each-ref", "refs/bisect"]), "");
    assert!(!stage.path(".git/BISECT_LOG").exists() && !stage.path(".git/llm-loadtest-bisect").exists());
    ended
}

#[test]
fn the_first_bad_commit_is_found_and_what_cannot_be_built_is_passed_over() {
    let stage = stage();
    let stored = stage.read("baselines/small--sim-70b--sim-h100-70b.json");
    let run = "test $(cat number) != 4";
    let found = bisect(&stage, &["--good", "v1", "--bad", "v8", "--run", run]);
    found.says(0, &["is good", "is bad"]).prints(&[
        "first bad commit: ",
        " commit 6\n",
        "commit 1: ",
        "commit 8: ",
    ]);
    let first = found.stdout.lines().next().unwrap();
    assert!(first.contains(&git(&stage, &["rev-parse", "--short=10", "v6"])), "{first}");
    assert_eq!(stage.read("baselines/small--sim-70b--sim-h100-70b.json"), stored);
    let unbuilt = bisect(&stage, &["--good", "v5", "--bad", "v7", "--trust-ends", "--run", "exit 125"]);
    unbuilt.says(4, &["--run ended with 125"]).prints(&["undecided", "commit 6\n", "commit 7\n"]);
}

#[test]
fn a_search_that_cannot_be_is_not_begun_or_ends_clean() {
    let stage = stage();
    let run =
        |good: &str, bad: &str, line: &str| bisect(&stage, &["--good", good, "--bad", bad, "--run", line]);
    run("v8", "v1", "true").says(2, &["no ancestor"]);
    run("v1", "v1", "true").says(2, &["no ancestor"]);
    run("v0", "v8", "true").says(2, &["--good v0: there is no such commit"]);
    run("--help", "v8", "true").says(2, &[]);
    run("v1", "v8", "exit 129").says(3, &["--run ended with 129"]);
    run("v7", "v8", "true").says(4, &[]).prints(&["not searched", "was to be good, and is bad"]);
    run("v1", "v3", "true").says(4, &[]).prints(&["was to be bad, and is good"]);
    let bad = bisect(&stage, &["--good", "v1", "--run", "true", "--tolerance", "speed:3%"]);
    bad.says(2, &["speed"]);
    stage.write("number", "changed\n");
    run("v1", "v8", "true").says(2, &["not committed", "stash"]);
    git(&stage, &["checkout", "--quiet", "number"]);
    std::fs::remove_dir_all(stage.path("baselines")).unwrap();
    run("v1", "v8", "true").says(4, &[]).prints(&["not searched"]);
}
