//! `action` through the binary, as the runner calls it, against a fake GitHub.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::github::fake::{Fake, TOKEN};
use crate::stage::{BINARY, Ended, Stage, canned, ended};

const BOT: &str = "github-actions[bot]";

/// Few requests and wide limits: what is tested is the way through, not the sensitivity.
const PLAN: &str = "\
workloads:
  - name: small
    input_len: 128
    output_len: 8
    concurrency: 48
    num_prompts: 48
    warmup: 4
gate:
  rounds: 3
  tolerances:
    tpot_p50: 60%
    e2e_p50: 60%
";
const SERVER: (&str, &str) = ("server", "sim:h100-70b");
const SLOWER: (&str, &str) = ("server", "sim:h100-70b?itl=+400%&ttft=+400%");

/// A job of a workflow in `o/r`, started by a pull request from `topic` into `main`.
struct Job {
    stage: Stage,
    fake: Fake,
    pull: u64,
    variables: Vec<(String, String)>,
}

impl Job {
    fn new() -> Self {
        let fake = Fake::start();
        let pull = fake.repo(|repo| {
            repo.commit("main", &[("loadtest.yaml", PLAN)]);
            repo.branch("topic", "main");
            repo.commit("topic", &[("serve.py", "v2\n")]);
            repo.open_pull("topic", "main", None)
        });
        let stage = Stage::new();
        stage.write("workspace/loadtest.yaml", PLAN);
        let mut job = Self { stage, fake, pull, variables: Vec::new() };
        let (head, base) = job.fake.repo(|repo| (repo.head("topic"), repo.head("main")));
        let side = |branch: &str, sha: &str| json!({"ref": branch, "sha": sha, "repo": {"full_name": "o/r"}});
        job.event(
            "pull_request",
            &json!({
                "action": "synchronize",
                "repository": {"full_name": "o/r", "default_branch": "main"},
                "pull_request": {
                    "number": job.pull, "state": "open",
                    "head": side("topic", &head), "base": side("main", &base),
                },
            }),
        );
        job
    }

    /// What started the workflow.
    fn event(&mut self, name: &str, payload: &serde_json::Value) {
        self.stage.write("event.json", &payload.to_string());
        let path = |name: &str| self.stage.path(name).display().to_string();
        let pairs = [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", name.to_owned()),
            ("GITHUB_EVENT_PATH", path("event.json")),
            ("GITHUB_OUTPUT", path("output")),
            ("GITHUB_STEP_SUMMARY", path("summary")),
            ("GITHUB_WORKSPACE", path("workspace")),
            ("GITHUB_REPOSITORY", "o/r".to_owned()),
            ("GITHUB_API_URL", self.fake.api_url()),
            ("GITHUB_SHA", "1".repeat(40)),
            ("GITHUB_RUN_ID", "77".to_owned()),
            ("GITHUB_JOB", "perf".to_owned()),
            ("INPUT_GITHUB-TOKEN", TOKEN.to_owned()),
            ("INPUT_MATRIX", "null".to_owned()),
        ];
        self.variables = pairs.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    }

    fn command(&self, inputs: &[(&str, &str)]) -> Command {
        let mut command = self.stage.command(&["action"]);
        command.current_dir(self.stage.path("workspace")).envs(self.variables.iter().cloned());
        let name = |input: &str| format!("INPUT_{}", input.to_ascii_uppercase());
        command.envs(inputs.iter().map(|(input, text)| (name(input), *text)));
        command
    }

    fn step(&self, inputs: &[(&str, &str)]) -> Ended {
        let ended = ended(&self.command(inputs).output().unwrap());
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains(TOKEN), "the token was printed");
        ended
    }

    /// The last value of an output.
    fn output(&self, name: &str) -> String {
        let text = self.stage.read("output");
        let last = text.lines().filter_map(|line| line.strip_prefix(&format!("{name}="))).next_back();
        last.unwrap_or_else(|| panic!("no output {name} in {text}")).to_owned()
    }

    fn comments(&self) -> Vec<String> {
        self.fake.repo(|repo| repo.bodies(self.pull, BOT))
    }

    /// Stores a first baseline on `main`, as a night would, and answers with its path and text.
    fn with_baseline(&self) -> (String, String) {
        let night = Stage::new();
        night.write("loadtest.yaml", PLAN);
        night.run(&["gate", "--server", SERVER.1]).says(0, &["stored as the first session"]);
        let file = std::fs::read_dir(night.path("baselines")).unwrap().next().unwrap().unwrap();
        let path = format!("baselines/{}", file.file_name().to_string_lossy());
        let text = night.read(&path);
        self.fake.repo(|repo| repo.commit("main", &[(path.as_str(), text.as_str())]));
        (path, text)
    }

    /// The event again, with the base as it is now.
    fn rebased(mut self) -> Self {
        let (head, base) = self.fake.repo(|repo| (repo.head("topic"), repo.head("main")));
        let side = |branch: &str, sha: &str| json!({"ref": branch, "sha": sha, "repo": {"full_name": "o/r"}});
        let pull = json!({
            "number": self.pull, "state": "open",
            "head": side("topic", &head), "base": side("main", &base),
        });
        let repository = json!({"full_name": "o/r", "default_branch": "main"});
        self.event("pull_request", &json!({"repository": repository, "pull_request": pull}));
        self
    }
}

#[test]
fn a_pull_request_is_judged_by_its_base_and_told_in_one_comment() {
    let job = Job::new();
    let (path, text) = job.with_baseline();
    let job = job.rebased();
    // The pull request brings a baseline of its own, which would let anything pass.
    job.stage.write(&format!("workspace/{path}"), "{\"not\": \"looked at\"}");
    job.fake.repo(|repo| {
        let number = job.pull;
        repo.pull(number).files.push(json!({"filename": path, "status": "modified"}));
    });

    job.step(&[SERVER, ("status", "status")]).says(0, &["baseline: 1 stored session"]);
    assert_eq!((job.output("verdict"), job.output("exit-code")), ("pass".to_owned(), "0".to_owned()));
    let copy = path.replacen("baselines/", "llm-loadtest-results/baselines-of-base/", 1);
    let base = job.fake.repo(|repo| repo.head("main"));
    assert_eq!(job.output("baseline-ref"), format!("{path}@{base}"));
    assert_eq!(job.stage.read(&format!("workspace/{copy}")), text);
    let first = job.comments();
    assert!(first[0].starts_with("<!-- llm-loadtest key=perf -->\n### ✅"), "{first:?}");
    assert!(first[0].contains("This pull request changes baselines/"), "{first:?}");
    assert!(job.output("comment-url").contains("#issuecomment-"));

    let failed = job.step(&[SLOWER, ("status", "status")]);
    failed.says(1, &[]).prints(&["::error file=loadtest.yaml,line=", "slower"]);
    assert_eq!((job.output("verdict"), job.output("regressions")), ("fail".to_owned(), "2".to_owned()));
    let second = job.comments();
    assert_eq!(second.len(), 1, "the comment is edited");
    assert!(second[0].contains("### ❌") && second[0].contains("Reproduce locally"), "{second:?}");
    for name in ["results-path", "junit-path", "report-path"] {
        assert!(job.stage.path(&format!("workspace/{}", job.output(name))).is_file(), "{name}");
    }
    let summary = job.stage.read("summary");
    assert!(summary.contains("### ✅") && summary.contains("### ❌"), "{summary}");
    let states = job.fake.repo(|repo| repo.statuses.clone());
    let state = |at: usize| (states[at]["state"].as_str().unwrap(), states[at]["context"].as_str().unwrap());
    assert_eq!((state(0), state(1)), (("success", "llm-loadtest/perf"), ("failure", "llm-loadtest/perf")));

    job.step(&[SLOWER, ("fail-on", "never"), ("comment", "on-change"), SERVER]).says(0, &[]);
    assert_eq!(job.comments().len(), 2, "a verdict that turns is posted anew");
}

#[test]
fn a_token_that_only_reads_is_told_once_and_changes_no_verdict() {
    let job = Job::new();
    job.fake.deny("pull-requests");
    job.fake.deny("statuses");
    let ended = job.step(&[SERVER, ("status", "status"), ("objective", "e2e_p50 < 1ms")]);
    ended.says(1, &[]).prints(&["::warning title=llm-loadtest::", "pull-requests: write", "statuses: write"]);
    assert_eq!(job.output("verdict"), "fail");
    assert!(job.comments().is_empty());
    let passed = job.step(&[SERVER, ("objective", "e2e_p50 < 60s")]);
    passed.says(0, &[]);
    assert_eq!(passed.stdout.matches("::warning").count(), 1, "{}", passed.stdout);
}

#[test]
fn whatever_goes_wrong_is_said_where_an_older_verdict_stood() {
    let job = Job::new();
    job.step(&[("server", "http://127.0.0.1:1")]).says(3, &["cannot reach"]).prints(&["::error "]);
    assert_eq!((job.output("verdict"), job.output("exit-code")), ("error".to_owned(), "3".to_owned()));
    assert!(job.comments()[0].contains("### ⛔"), "{:?}", job.comments());
    assert!(job.stage.read("summary").contains("cannot reach"));
    job.step(&[("command", "gait")]).says(2, &["input command 'gait'", "write one of"]);
    assert_eq!((job.output("verdict"), job.output("exit-code")), ("error".to_owned(), "2".to_owned()));
}

#[test]
fn a_gpu_that_is_required_and_not_there_is_an_error() {
    let job = Job::new();
    let ended = job.step(&[SERVER, ("gpu", "require")]);
    // On a machine with a GPU this is a gate like any other.
    if ended.code != 0 {
        ended.says(3, &["no GPU is visible here", "driver"]);
    }
    job.step(&[SERVER, ("gpu", "off")]).says(0, &[]);
}

#[test]
fn without_a_token_a_pull_request_cannot_judge_itself() {
    let mut job = Job::new();
    job.variables.retain(|(name, _)| name != "INPUT_GITHUB-TOKEN");
    job.stage.write("workspace/baselines/x.json", "{}");
    job.step(&[SERVER]).says(2, &["judged by the baselines of its base", "baselines-from: checkout"]);
    std::fs::remove_dir_all(job.stage.path("workspace/baselines")).unwrap();
    job.step(&[SERVER]).says(0, &[]);
    assert_eq!(job.output("verdict"), "no-baseline");
}

#[test]
fn a_pull_request_whose_base_cannot_be_asked_for_does_not_judge_itself() {
    let mut job = Job::new();
    job.stage.write("workspace/baselines/x.json", "{}");
    let payload = json!({"issue": {"number": job.pull, "pull_request": {"url": "x"}}});
    job.event("issue_comment", &payload);
    job.variables.retain(|(name, _)| name != "INPUT_GITHUB-TOKEN");
    job.step(&[SERVER]).says(2, &["the base of the pull request is not known", "github-token"]);
    job.event("issue_comment", &payload);
    job.step(&[SERVER]).says(0, &[]);
    assert_eq!(job.output("verdict"), "no-baseline", "the checkout's file was looked at");
}

#[test]
fn no_text_of_a_server_is_a_command() {
    let job = Job::new();
    let text = "HTTP/1.1 400 Bad\r\nContent-Length: 67\r\nConnection: close\r\n\r\n\
                {\"error\": {\"message\": \"x\\n::error::a\\n##[error]b\\n::stop-commands::c\"}}";
    let ended = job.step(&[("server", &canned(text))]);
    ended.says(2, &["cannot answer this workload"]);
    let ours = |line: &&str| line.starts_with("::") && !line.starts_with("::stop-commands::");
    let commands: Vec<&str> = ended.stdout.lines().filter(ours).collect();
    assert_eq!(commands.len(), 2, "the token and one annotation: {commands:?}");
    let token = ended.stdout.lines().find_map(|line| line.strip_prefix("::stop-commands::")).unwrap();
    assert_eq!(commands[0], format!("::{token}::"));
    assert!(commands[1].starts_with("::error title=llm-loadtest::"), "{commands:?}");
    let heard = ended.stderr.lines().any(|line| line.trim_start().starts_with("::") || line.contains("##["));
    assert!(!heard, "{}", ended.stderr);
    assert!(!job.comments()[0].contains("\n::error"), "{:?}", job.comments());
}

#[test]
fn a_cancelled_step_leaves_what_it_measured() {
    let job = Job::new();
    let child = job
        .command(&[SERVER, ("num-prompts", "100000"), ("objective", "success_rate >= 50%")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let rows = job.stage.path("workspace/llm-loadtest-results/requests.jsonl");
    let deadline = Instant::now() + Duration::from_mins(1);
    while std::fs::metadata(&rows).map_or(0, |facts| facts.len()) == 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    ended(&child.wait_with_output().unwrap()).says(130, &["stopping"]);
    assert_eq!(
        (job.output("verdict"), job.output("exit-code")),
        ("interrupted".to_owned(), "130".to_owned())
    );
    let result = job.stage.json("workspace/llm-loadtest-results/result.json");
    assert_eq!(result["partial"], json!(true));
    assert!(job.comments().is_empty(), "nobody waits for a comment on a cancelled job");
}

#[test]
fn a_result_from_a_fork_is_judged_by_our_limits() {
    let mut job = Job::new();
    let (path, text) = job.with_baseline();
    job.stage.write(&format!("workspace/{path}"), &text);
    let sha = "f".repeat(40);
    let pull = job.fake.repo(|repo| repo.open_pull("patch", "main", Some(("fork/r", &sha))));
    // On the fork anything is allowed, and so it passed there.
    let fork = Stage::new();
    fork.write("loadtest.yaml", &PLAN.replace("60%", "900%"));
    fork.run(&["gate", "--server", SLOWER.1, "--no-save-baseline"]).says(0, &[]);
    job.stage.write("workspace/in/result.json", &fork.read("llm-loadtest-results/result.json"));
    job.event(
        "workflow_run",
        &json!({"workflow_run": {"head_sha": sha, "event": "pull_request", "pull_requests": []}}),
    );
    let inputs = [("command", "report"), ("candidate", "in/result.json"), ("status", "status")];
    job.step(&inputs).says(1, &[]);
    assert_eq!(job.output("verdict"), "fail");
    let comments = job.fake.repo(|repo| repo.bodies(pull, BOT));
    assert!(comments[0].contains("### ❌") && comments[0].contains("Measured on a fork"), "{comments:?}");
    assert_eq!(job.fake.repo(|repo| repo.statuses[0]["sha"].clone()), json!(sha));

    job.stage.write("workspace/loadtest.yaml", &PLAN.replace("output_len: 8", "output_len: 9"));
    job.step(&inputs).says(2, &["was not measured as this checkout's configuration says", "output"]);
    job.stage.write("workspace/in/result.json", "{\"format\": ");
    job.step(&inputs).says(2, &["in/result.json"]);
}

#[test]
fn a_server_that_a_step_starts_gets_none_of_its_tokens() {
    let job = Job::new();
    let line =
        format!("env > seen; echo ::error::x; exec {BINARY} simulate --listen 127.0.0.1:{{port}} fast");
    let inputs = [("server-command", line.as_str()), ("server", "http://127.0.0.1:{port}")];
    job.step(&inputs).says(0, &[]);
    let seen = job.stage.read("workspace/seen");
    assert!(seen.contains("GITHUB_SHA=") && !seen.contains("INPUT_") && !seen.contains(TOKEN), "{seen}");
    assert!(job.stage.read("workspace/llm-loadtest-results/server.log").contains("::error::x"));
}

#[test]
fn legs_of_a_matrix_share_one_comment() {
    let job = Job::new();
    let leg = Stage::new();
    leg.write("loadtest.yaml", PLAN);
    for (name, objective) in [("h100", "e2e_p50 < 60s"), ("l40s", "e2e_p50 < 1ms")] {
        leg.run(&["gate", "--server", SERVER.1, "--no-save-baseline", "--objective", objective]);
        let result = leg.read("llm-loadtest-results/result.json");
        job.stage.write(&format!("workspace/legs/{name}/result.json"), &result);
    }
    job.step(&[("command", "comment"), ("candidate", "legs/*/result.json")]).says(0, &[]);
    assert_eq!(job.output("verdict"), "fail");
    let comments = job.comments();
    assert!(comments.len() == 1 && comments[0].contains("1 of 2 fails"), "{comments:?}");
    assert!(comments[0].contains("h100") && comments[0].contains("l40s"), "{comments:?}");
    job.step(&[("command", "comment"), ("candidate", "nothing/*.json")]).says(2, &["no file matches"]);

    // The same from elsewhere, with flags.
    let pull = job.pull.to_string();
    let mut command =
        job.stage.command(&["comment", "workspace/legs/h100/result.json", "--pr-number", &pull]);
    command.args(["--repository", "o/r", "--comment-key", "by hand", "--github-token", TOKEN]);
    command.env("GITHUB_API_URL", job.fake.api_url());
    ended(&command.output().unwrap()).says(0, &[]);
    assert_eq!(job.comments().len(), 2);
    let lost = job.stage.run(&["comment", "workspace/legs/h100/result.json"]);
    lost.says(3, &["no pull request is known", "pr-number"]);
    let shown = job.stage.run(&["comment", "workspace/legs/h100/result.json", "--dry-run"]);
    shown.says(0, &[]).prints(&["### ✅ Serving gate 'small'"]);
}

#[test]
fn a_nights_result_is_offered_as_a_session() {
    let mut job = Job::new();
    let (path, text) = job.with_baseline();
    let night = Stage::new();
    night.write("loadtest.yaml", PLAN);
    night.run(&["gate", "--server", SERVER.1, "--seed", "5", "--no-save-baseline"]);
    job.stage.write("workspace/result.json", &night.read("llm-loadtest-results/result.json"));
    job.event("schedule", &json!({"repository": {"full_name": "o/r", "default_branch": "main"}}));
    let inputs = [("command", "baseline"), ("candidate", "result.json")];
    job.step(&inputs).says(0, &["a new session of", "is offered in"]);
    assert!(job.output("pull-request-url").contains("/pull/"), "{}", job.output("pull-request-url"));
    let sessions = |text: &str| {
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        document["sessions"].as_array().unwrap().len()
    };
    let offered = job.fake.repo(|repo| repo.text("llm-loadtest/baselines", &path).unwrap());
    assert_eq!((sessions(&text), sessions(&offered)), (1, 2));
    job.step(&inputs).says(0, &[]);
    let again = job.fake.repo(|repo| repo.text("llm-loadtest/baselines", &path).unwrap());
    assert_eq!(sessions(&again), 2, "a result counts once");
    assert_eq!(job.fake.repo(|repo| repo.text("main", &path).unwrap()), text, "main waits for a person");
}
