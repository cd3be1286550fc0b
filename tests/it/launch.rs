//! Servers that the tool starts itself: awaited, measured, restarted in turn, and gone afterwards, whatever happens.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::stage::{BINARY, Ended, Stage, ended};

const SMALL: [&str; 8] =
    ["--num-prompts", "20", "--input-len", "16", "--output-len", "4", "--concurrency", "2"];

/// The binary as a server, on a port that is found for it.
fn simulate(spec: &str) -> String {
    format!("{BINARY} simulate --listen 127.0.0.1:{{port}} '{spec}'")
}

fn small(stage: &Stage, more: &[&str]) -> Ended {
    ended(&command(stage, &[more, &SMALL].concat()).output().unwrap())
}

/// Shells need a path to find anything.
fn command(stage: &Stage, arguments: &[&str]) -> std::process::Command {
    let mut command = stage.command(arguments);
    command.env("PATH", std::env::var("PATH").unwrap());
    command
}

/// A word that no other process has, not even that of another run of these tests; as a span for `sleep` it lasts.
fn mark(number: u32) -> String {
    format!("{number}.0{}", std::process::id())
}

/// Whether any process has this word in its command line.
fn is_running(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| line.contains(word))
}

/// Waits for what happens soon, and says whether it did.
fn soon(happens: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if happens() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn spawn(stage: &Stage, arguments: &[&str]) -> Child {
    command(stage, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn a_command_is_started_awaited_measured_and_gone() {
    let stage = Stage::new();
    let word = mark(1);
    let line = simulate(&format!("fast?model={word}"));
    small(&stage, &["run", "--server-command", &line]).says(0, &["the server is ready after"]);
    assert!(!is_running(&word));
    let log = stage.read("llm-loadtest-results/server.log");
    assert!(log.contains("start of the server for round 1") && log.contains("simulating fast"), "{log}");
    let result = stage.json("llm-loadtest-results/result.json");
    let target = &result["plan"]["target"];
    assert_eq!(target["launch"]["command"], line.as_str());
    assert_eq!(target["url"], "http://127.0.0.1:{port}");
    assert_eq!(result["environment"]["network_path"], "loopback");
    small(&stage, &["run", "--server-command", &line]).says(0, &[]);
    let log = stage.read("llm-loadtest-results/server.log");
    assert_eq!(log.matches("start of the server").count(), 1, "an older run's log was kept: {log}");
}

#[test]
fn two_commands_take_turns_and_never_run_together() {
    let stage = Stage::new();
    // Who finds the other one's mark was started beside it.
    let alone = |spec: &str| {
        format!(
            "mkdir mark || {{ echo together; exit 9; }}; trap 'rmdir mark; kill $!; exit' TERM; {} & wait $!",
            simulate(spec)
        )
    };
    let (same, slower) = (alone("h100-70b"), alone("h100-70b?itl=+400%&ttft=+400%"));
    let judge = |candidate: &str| {
        let own = ["gate", "--server-command", candidate, "--baseline-server-command", &same];
        let gate = ["--rounds", "3,5", "--tolerance", "tpot_p50:60%,e2e_p50:60%", "--markdown", "comment.md"];
        let load = ["--num-prompts", "48", "--concurrency", "48", "--input-len", "128", "--output-len", "8"];
        ended(&command(&stage, &[&own[..], &gate, &load].concat()).output().unwrap())
    };
    let judged = judge(&slower);
    judged.says(1, &["pairs: a round of each server in turn"]);
    let log = |name: &str| stage.read(&format!("llm-loadtest-results/{name}"));
    for (name, side) in [("server.log", "the server"), ("baseline-server.log", "the baseline's server")] {
        let starts = log(name).matches(&format!("start of {side} for round")).count();
        // One of the two is also tried before the first round.
        assert!((3..=4).contains(&starts), "{}", log(name));
        assert!(!log(name).lines().any(|line| line == "together"));
    }
    let result = stage.json("llm-loadtest-results/result.json");
    assert_eq!(result["plan"]["baseline_server"]["in_turn"], true);
    assert!(!stage.read("llm-loadtest-results/result.json").contains("not_restarted"));
    let comment = stage.read("comment.md");
    assert!(comment.contains("--baseline-server-command"), "{comment}");
    judge(&same).says(0, &[]);
}

#[test]
fn two_commands_may_stay_up_together() {
    let stage = Stage::new();
    let line = simulate("fast");
    let own = ["gate", "--server-command", &line, "--baseline-server-command", &line];
    let gate = ["--server-turns", "together", "--rounds", "2", "--tolerance", "e2e_p50:90%"];
    let judged = small(&stage, &[&own[..], &gate].concat());
    assert!(matches!(judged.code, 0 | 1), "{}", judged.stderr);
    let log = stage.read("llm-loadtest-results/baseline-server.log");
    assert_eq!(log.matches("start of the baseline's server").count(), 1);
    assert!(stage.read("llm-loadtest-results/result.json").contains("not_restarted"));
}

#[test]
fn a_command_that_ends_is_explained_with_its_last_words() {
    let stage = Stage::new();
    let hostile = "echo '::error::gotcha'; printf '\\033[31mred ##[group]x\\n'; echo \"key $KEY\"; echo last words >&2; exit 7";
    let told = small(&stage, &["run", "--server-env", "KEY=sk-12345678", "--server-command", hostile]);
    told.says(
        3,
        &["the server ended before it was ready: exit code 7", "\n  | last words", "server.log", "hint:"],
    );
    assert!(told.stderr.contains("\n  | ::error::gotcha"), "{}", told.stderr);
    assert!(!told.stderr.contains("##[") && !told.stderr.contains('\x1b'), "{}", told.stderr);
    assert!(told.stderr.contains("key ***") && !told.stderr.contains("sk-12345678"), "{}", told.stderr);
    small(&stage, &["run", "--server-command", "sleep 60 & exit"]).says(3, &["exit code 0", "foreground"]);
}

#[test]
fn a_server_that_never_answers_is_not_waited_for_longer_than_said() {
    let stage = Stage::new();
    let start = Instant::now();
    let word = mark(3471);
    let line = format!("echo 'loading: 3%'; sleep {word}");
    let arguments = ["run", "--server-command", &line, "--server-timeout", "1s"];
    small(&stage, &arguments)
        .says(3, &["not ready within 1.0s", "/health", "| loading: 3%", "--server-timeout"]);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(!is_running(&word));
    let ready = ["--server-ready", "/no/such/path", "--server-timeout", "2s"];
    let line = simulate("fast");
    small(&stage, &[&["run", "--server-command", &line][..], &ready].concat())
        .says(3, &["/no/such/path", "404"]);
    small(&stage, &["run", "--server-command", &line, "--server-ready", "/metrics"]).says(0, &[]);
}

#[test]
fn grandchildren_and_the_deaf_are_gone_too() {
    let stage = Stage::new();
    let words = [3472, 3473, 3474, 2].map(mark);
    let [child, deaf, next, model] = &words;
    let server = simulate(&format!("fast?model={model}"));
    let line = format!("sleep {child} & (trap '' TERM; sleep {deaf}; sleep {next}) & {server}");
    small(&stage, &["run", "--server-command", &line]).says(0, &[]);
    for word in words {
        assert!(!is_running(&word), "{word} is still running");
    }
}

#[test]
fn an_interrupted_run_stops_the_server_and_keeps_what_was_measured() {
    let stage = Stage::new();
    let word = mark(3);
    let line = simulate(&format!("fast?model={word}&ttft=+400%"));
    let long = ["--num-prompts", "1000000", "--concurrency", "2", "--output-len", "4"];
    let child = spawn(&stage, &[&["run", "--server-command", &line][..], &long].concat());
    assert!(soon(|| stage.path("llm-loadtest-results/requests.jsonl").exists()));
    std::thread::sleep(Duration::from_secs(1));
    signal(&child, "-TERM");
    ended(&child.wait_with_output().unwrap()).says(130, &["stopping"]);
    assert_eq!(stage.json("llm-loadtest-results/result.json")["partial"], true);
    assert!(!is_running(&word));
}

#[test]
fn no_way_of_ending_leaves_a_server_behind() {
    for (number, signals) in [(3475, &["-TERM"][..]), (3476, &["-INT", "-INT"]), (3477, &["-KILL"])] {
        let word = mark(number);
        let stage = Stage::new();
        let line = format!("trap '' TERM; while :; do sleep {word}; done");
        let child = spawn(&stage, &["run", "--server-command", &line]);
        assert!(soon(|| is_running(&word)));
        for name in signals {
            // The first signal needs its handler, and the second one must not be the same.
            std::thread::sleep(Duration::from_millis(500));
            signal(&child, name);
        }
        let code = child.wait_with_output().unwrap().status.code();
        assert!(matches!(code, Some(130) | None), "{code:?}");
        assert!(soon(|| !is_running(&word)), "after {signals:?}");
    }
}

#[test]
fn what_is_said_of_starts_is_checked_before_anything_is_started() {
    let stage = Stage::new();
    let refused = |arguments: &[&str], words: &[&str]| {
        small(&stage, &[&["gate"][..], arguments].concat()).says(2, words);
    };
    refused(&["--server-command", "x", "--server-image", "y"], &["both a command and a container"]);
    refused(&["--server", "sim:fast", "--server-command", "x"], &["the simulator is built in"]);
    refused(&["--server", "http://127.0.0.1:{port}"], &["--server-command", "hint:"]);
    refused(&["--server-command", "x --port {port}", "--server", "http://h:1"], &["same port", "{port}"]);
    refused(&["--server-command", "x", "--server-args", "-x"], &["--server-args", "a container"]);
    refused(&["--server", "sim:fast", "--server-timeout", "3s"], &["started here"]);
    refused(&["--server-command", "x", "--server-env", "NOT_THERE"], &["NOT_THERE", "pass on"]);
    refused(&["--server-image", "x", "--server", "http://localhost:1"], &["its own address"]);
    refused(
        &["--server-command", "x", "--baseline-server-command", "y", "--server-turns", "together"],
        &["at the same time", "{port}"],
    );
    let taken = crate::stage::Simulated::start("fast");
    small(&stage, &["run", "--server-command", "x", "--server", &taken.url]).says(3, &["in use", "{port}"]);
}
