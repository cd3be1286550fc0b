//! `run` through the binary: what it prints and writes, and how it ends when things go wrong.

use std::process::Stdio;
use std::time::Duration;

use crate::stage::{Simulated, Stage, canned, ended, schema};

const QUICK: [&str; 8] = ["--num-prompts", "20", "--input-len", "8", "--output-len", "4", "--warmup", "1"];

fn with_quick(arguments: &[&'static str]) -> Vec<&'static str> {
    [arguments, &QUICK].concat()
}

#[test]
fn the_command_of_the_readme_works_as_written() {
    let server = Simulated::start("fast?model=qwen3-14b");
    let stage = Stage::new();
    let line = "run --model qwen3-14b --concurrency 1,10 --num-prompts 100 --input-len 256 --output-len 128 --stream \
                --goodput ttft:500,tpot:50 --output result.json --server";
    let arguments: Vec<&str> = line.split_whitespace().chain([server.url.as_str()]).collect();
    stage.run(&arguments).says(0, &["wrote result.json"]).prints(&[
        "c=1",
        "c=10",
        "TTFT",
        "TPOT",
        "Goodput: ",
        "/100 requests met SLO)",
        "TTFT < 500ms: ",
        "TPOT < 50ms: ",
    ]);
    let result = stage.json("result.json");
    let validator = jsonschema::validator_for(&schema("result.schema.json")).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&result).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    for level in result["levels"].as_array().unwrap() {
        assert_eq!((level["offered"].as_u64(), level["succeeded"].as_u64()), (Some(100), Some(100)));
        assert_eq!(level["tokens"]["output"], 12_800);
        assert_eq!(level["tokens"]["prompt"], 25_600);
    }
    assert_eq!(stage.read("requests.jsonl").lines().count(), 200);
    assert_eq!(stage.read("summary.csv").lines().count(), 3);
}

#[test]
fn every_way_of_asking_gets_its_answer() {
    let stage = Stage::new();
    for extra in [
        &["--no-stream"][..],
        &["--api", "completions"],
        &["--api", "completions", "--no-stream"],
        &["--rate", "200", "--arrivals", "constant"],
        &["--request-rate", "200"],
        &["--max-concurrency", "4", "--tokenizer", "cl100k_base"],
        &["--duration", "300ms", "--concurrency", "2"],
    ] {
        let arguments = [&["run", "--server", "sim:fast"][..], &QUICK, extra].concat();
        stage.run(&arguments).says(0, &["wrote"]);
        let level = &stage.json("llm-loadtest-results/result.json")["levels"][0];
        assert_eq!(level["offered"], level["succeeded"], "{extra:?}");
        assert_eq!(level["metrics"]["ttft"].is_null(), extra.contains(&"--no-stream"), "{extra:?}");
        assert_eq!(level["metrics"]["ttft_from_due"].is_null(), !extra[0].contains("rate"), "{extra:?}");
    }
}

#[test]
fn faults_are_counted_by_their_class_and_never_as_successes() {
    let stage = Stage::new();
    for (fault, class) in [
        ("errors=30%", "http_5xx"),
        ("reject=30%", "http_429"),
        ("cut=30%", "truncated"),
        ("instream=30%", "in_stream_error"),
    ] {
        let server = format!("sim:fast?{fault}");
        stage
            .run(&[
                "run",
                "--server",
                &server,
                "--num-prompts",
                "100",
                "--output-len",
                "8",
                "--concurrency",
                "4",
            ])
            .says(0, &[]);
        let level = &stage.json("llm-loadtest-results/result.json")["levels"][0];
        let failed = level["failures"][class].as_u64().unwrap_or(0);
        assert!((10..=60).contains(&failed), "{fault}: {level}");
        assert_eq!(failed + level["succeeded"].as_u64().unwrap(), 100, "{fault}");
    }
}

#[test]
fn usage_errors_name_the_flag_the_value_and_the_next_step() {
    let stage = Stage::new();
    stage.run(&["run", "--no-such-flag"]).says(2, &["--no-such-flag"]);
    stage.run(&["run", "--server", "sim:h100-8b", "--rate", "fast"]).says(2, &["--rate", "fast", "hint:"]);
    stage.run(&["run", "--server", "sim:nothing"]).says(2, &["nothing", "h100-8b"]);
    stage.run(&["run", "--server", "sim:h100-8b?tftt=1"]).says(2, &["tftt", "ttft"]);
    stage.run(&["run", "--server", "localhost:8000"]).says(2, &["localhost:8000", "http://"]);
    stage
        .run(&with_quick(&["run", "--server", "sim:fast", "--tokenizer", "Qwen/Qwen3-14B"]))
        .says(2, &["Qwen/Qwen3-14B"]);
    stage.run(&["--help"]).says(0, &[]).prints(&["Exit codes", "130"]);
}

#[test]
fn a_server_that_is_not_there_or_refuses_is_explained() {
    let stage = Stage::new();
    stage
        .run(&with_quick(&["run", "--server", "http://127.0.0.1:9"]))
        .says(3, &["127.0.0.1:9", "hint:", "sim:"]);
    let locked = Simulated::start("fast?api_key=open-sesame");
    let arguments = [&["run", "--server", &locked.url][..], &QUICK].concat();
    stage.run(&arguments).says(2, &["401", "--api-key"]);
    let mut with_key = stage.command(&arguments);
    with_key.env("OPENAI_API_KEY", "open-sesame");
    ended(&with_key.output().unwrap()).says(0, &[]);
    stage.run(&[&arguments[..], &["--api-key", "open-sesame"]].concat()).says(0, &[]);
    for file in ["result.json", "requests.jsonl", "summary.csv"] {
        assert!(
            !stage.read(&format!("llm-loadtest-results/{file}")).contains("open-sesame"),
            "{file} holds the key"
        );
    }
    let server = Simulated::start("fast");
    stage
        .run(&[&["run", "--model", "other", "--server", &server.url][..], &QUICK].concat())
        .says(2, &["other", "--model"]);
    stage.run(&with_quick(&["run", "--server", "sim:fast?errors=100%"])).says(3, &["500"]);
}

#[test]
fn a_server_without_tokens_is_no_success() {
    let stage = Stage::new();
    let sse = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let answers: [(&str, &str); 4] = [
        ("", "empty"),
        ("data: [DONE]\n\n", "token"),
        ("data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n", "truncated"),
        ("data: {\"error\":{\"message\":\"out of cheese\"}}\n\ndata: [DONE]\n\n", "out of cheese"),
    ];
    for (body, words) in answers {
        let url = canned(Box::leak(format!("{sse}{body}").into_boxed_str()));
        stage.run(&[&["run", "--server", &url][..], &QUICK].concat()).says(3, &[words, "hint:"]);
    }
}

#[test]
fn places_that_cannot_be_written_are_found_before_any_load() {
    let stage = Stage::new();
    stage.write("file", "");
    stage
        .run(&with_quick(&["run", "--server", "sim:fast", "--output", "file/result.json"]))
        .says(3, &["file", "hint:"]);
    stage
        .run(&with_quick(&["run", "--server", "sim:fast", "--output", "/proc/result.json"]))
        .says(3, &["/proc", "hint:"]);
}

#[test]
fn a_full_disk_loses_rows_but_not_the_result() {
    let stage = Stage::new();
    std::os::unix::fs::symlink("/dev/full", stage.path("requests.jsonl")).unwrap();
    stage
        .run(&with_quick(&["run", "--server", "sim:fast", "--output", "result.json"]))
        .says(0, &[])
        .prints(&["requests"]);
    let result = stage.json("result.json");
    assert_eq!(result["levels"][0]["succeeded"], 20);
    assert!(result["findings"].to_string().contains("requests_file"), "{}", result["findings"]);
}

#[test]
fn an_interrupt_writes_what_was_measured() {
    for signal in ["INT", "TERM"] {
        let stage = Stage::new();
        let arguments = [
            "run",
            "--server",
            "sim:h100-8b",
            "--concurrency",
            "4",
            "--duration",
            "60s",
            "--output-len",
            "8",
        ];
        let child = stage.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        let id = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success()
        );
        ended(&child.wait_with_output().unwrap()).says(130, &["stopping"]);
        let result = stage.json("llm-loadtest-results/result.json");
        assert_eq!(result["partial"], true);
        assert!(result["levels"][0]["succeeded"].as_u64().unwrap() > 10, "{}", result["levels"]);
    }
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let stage = Stage::new();
    let arguments = ["run", "--server", "sim:l4-8b", "--concurrency", "8", "--duration", "60s"];
    let mut child = stage.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    let id = child.id().to_string();
    for _ in 0..2 {
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(150));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(
        !stage.path("llm-loadtest-results/result.json").exists(),
        "the first signal's drain was over already"
    );
}

#[test]
fn a_server_that_closes_after_every_answer_is_no_failure() {
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" hi\"}}]}\n\n\
                data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let url = canned(Box::leak(answer.into_boxed_str()));
    let stage = Stage::new();
    stage.run(&[&["run", "--server", &url, "--concurrency", "3"][..], &QUICK].concat()).says(0, &[]);
    let level = &stage.json("llm-loadtest-results/result.json")["levels"][0];
    assert_eq!(level["succeeded"], 20, "{level}");
}

#[test]
fn too_few_open_files_are_found_before_any_load() {
    let stage = Stage::new();
    let line = format!(
        "ulimit -n 80; exec {} run --server sim:fast --concurrency 500 --num-prompts 500",
        crate::stage::BINARY
    );
    let output =
        std::process::Command::new("sh").args(["-c", &line]).current_dir(stage.path("")).output().unwrap();
    ended(&output).says(2, &["open files", "ulimit -n"]);
}
