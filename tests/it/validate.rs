//! The client's numbers against the server's own, through the binary.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;

use crate::stage::{Simulated, Stage, ended};

const LOAD: [&str; 10] =
    ["--num-prompts", "60", "--input-len", "64", "--output-len", "16", "--warmup", "5", "--concurrency", "4"];
const RESULT: &str = "llm-loadtest-results/result.json";

fn findings(result: &Value) -> Vec<(String, String, String)> {
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let all = result["findings"].as_array().unwrap().iter();
    all.map(|finding| (word(finding, "severity"), word(finding, "code"), word(finding, "message"))).collect()
}

fn found(result: &Value, code: &str) -> Option<(String, String)> {
    let found = findings(result).into_iter().find(|(_, of, _)| of == code);
    found.map(|(severity, _, message)| (severity, message))
}

#[test]
fn the_servers_counters_are_ours_exactly_and_its_latencies_within_a_bucket() {
    let server = Simulated::start("fast");
    let stage = Stage::new();
    let run = [&["run", "--validate", "strict", "--server", &server.url][..], &LOAD].concat();
    // Whatever ran before is not in the window.
    for _ in 0..2 {
        stage.run(&run).says(0, &[]).prints(&["Server's own (vllm): requests 60; "]);
        let result = stage.json(RESULT);
        let engine = &result["levels"][0]["observed"]["engine"];
        assert_eq!((engine["requests"].as_f64(), engine["failed"].as_f64()), (Some(60.0), Some(0.0)));
        assert_eq!(engine["output_tokens"], 960.0);
        assert_eq!(engine["prompt_tokens"].as_f64(), result["levels"][0]["tokens"]["prompt"].as_f64());
        assert_eq!(engine["ttft"]["count"], 60.0);
        assert_eq!(engine["ttft"]["cumulative"].as_array().unwrap().last(), Some(&Value::from(60.0)));
        let (severity, message) = found(&result, "server_agrees").unwrap();
        assert_eq!(severity, "info");
        assert!(message.contains("requests 60 = 60, output tokens 960 = 960"), "{message}");
    }
}

#[test]
fn a_run_does_not_look_unless_it_is_told_to_and_may_leave_the_page_alone() {
    let stage = Stage::new();
    let run = |more: &[&str]| {
        stage.run(&[&["run", "--server", "sim:fast"][..], &LOAD, more].concat()).says(0, &[]);
        stage.json(RESULT)
    };
    let result = run(&[]);
    assert!(found(&result, "server_agrees").is_none() && !result["levels"][0]["observed"].is_null());
    let result = run(&["--no-server-metrics", "--validate", "warn"]);
    assert!(result["levels"][0]["observed"].is_null());
    let (severity, message) = found(&result, "server_metrics").unwrap();
    assert_eq!(severity, "info");
    assert!(message.contains("--no-server-metrics"), "{message}");
    let both =
        ["run", "--server", "sim:fast", "--no-server-metrics", "--metrics-url", "http://127.0.0.1:1/metrics"];
    stage.run(&both).says(2, &["leave out one of them"]);
}

#[test]
fn somebody_elses_load_is_found() {
    let server = Simulated::start("fast");
    let (stage, other) = (Stage::new(), Stage::new());
    let theirs =
        ["run", "--server", &server.url, "--duration", "6s", "--concurrency", "2", "--output-len", "16"];
    let child = other.command(&theirs).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let ours =
        ["run", "--validate", "strict", "--server", &server.url, "--duration", "2s", "--concurrency", "2"];
    stage.run(&[&ours[..], &["--output-len", "16"]].concat());
    let (severity, message) = found(&stage.json(RESULT), "other_load").unwrap();
    assert_eq!(severity, "invalid");
    assert!(message.contains("came from somebody else"), "{message}");
    ended(&child.wait_with_output().unwrap());
}

/// Pages of a server whose counter rises with every reading, and falls once.
fn restarting(falls_at: u32) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (at, stream) in (0_u32..).zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            let _head = stream.read(&mut [0; 4096]);
            // Two readings that are alike settle.
            let count = if at < falls_at { 1_000 } else { 10 };
            let page = format!("vllm:request_success_total{{finished_reason=\"length\"}} {count}\n");
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
            drop(stream.write_all((head + &page).as_bytes()));
        }
    });
    url
}

#[test]
fn a_server_that_started_anew_in_the_window_is_found() {
    let page = restarting(4);
    let stage = Stage::new();
    let run =
        ["run", "--validate", "warn", "--metrics-url", &page, "--server", "sim:fast", "--duration", "2s"];
    stage.run(&run).says(0, &[]);
    let result = stage.json(RESULT);
    assert_eq!(result["levels"][0]["observed"]["engine"]["restarted"], true);
    assert!(result["levels"][0]["observed"]["engine"]["requests"].is_null());
    assert_eq!(found(&result, "server_restarted").unwrap().0, "invalid");
}

#[test]
fn a_page_that_is_not_there_is_one_line() {
    let stage = Stage::new();
    let run = [
        &[
            "run",
            "--validate",
            "strict",
            "--metrics-url",
            "http://127.0.0.1:9/metrics",
            "--server",
            "sim:fast",
        ][..],
        &LOAD,
    ]
    .concat();
    stage.run(&run).says(0, &[]);
    let (severity, message) = found(&stage.json(RESULT), "server_metrics").unwrap();
    assert_eq!(severity, "info");
    assert!(message.contains("127.0.0.1:9/metrics"), "{message}");
}
