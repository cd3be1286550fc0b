//! How wrong is the client? The simulator knows when it wrote each token; this compares what the client reports.
//!
//! `cargo bench --bench accuracy` runs `simulate` and `run` as separate processes at concurrency 1, 32 and 256 and prints,
//! for TTFT, ITL and E2E at p50, p95 and p99, truth, report and error. It fails where an error passes 1 ms and 1 %.
//! With `taskset` on the machine, server and client are pinned to different cores.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot set its stage should stop there"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_llm-loadtest");
const QUANTILES: [(&str, f64); 3] = [("p50", 0.50), ("p95", 0.95), ("p99", 0.99)];

fn main() {
    let rounds = [(1_u32, 60_u32), (32, 640), (256, 2_048)];
    println!(
        "{:>5} {:>6} {:>5} {:>10} {:>10} {:>9} {:>8}",
        "c", "metric", "", "truth ms", "report ms", "error ms", "error %"
    );
    let worst: Vec<bool> =
        rounds.iter().flat_map(|&(concurrency, requests)| compare(concurrency, requests)).collect();
    let wide = worst.iter().filter(|within| !**within).count();
    println!("{} of {} within 1 ms or 1 %", worst.len() - wide, worst.len());
    assert_eq!(wide, 0, "{wide} values are further from the truth than 1 ms and 1 %");
}

/// One level against a fresh simulator; whether each value is within its bound.
fn compare(concurrency: u32, requests: u32) -> Vec<bool> {
    let (mut server, address) = simulate();
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("result.json");
    let arguments = [
        "run",
        "--server",
        &format!("http://{address}"),
        "--concurrency",
        &concurrency.to_string(),
        "--num-prompts",
        &requests.to_string(),
        "--input-len",
        "128",
        "--output-len",
        "64",
        "--quiet",
        "--output",
        output.to_str().unwrap(),
    ]
    .map(str::to_owned);
    let status = pinned("1", &arguments).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "the client ended with {status}");
    let truth = truth(&address);
    server.kill().unwrap();
    server.wait().unwrap();
    let result: Value = serde_json::from_str(&std::fs::read_to_string(&output).unwrap()).unwrap();
    let metrics = &result["levels"][0]["metrics"];
    let samples = [("ttft", truth.ttft), ("itl", truth.itl), ("e2e", truth.e2e)];
    samples
        .into_iter()
        .flat_map(|(metric, sample)| row(concurrency, metric, sample, &metrics[metric]))
        .collect()
}

fn row(concurrency: u32, metric: &str, mut sample: Vec<f64>, reported: &Value) -> Vec<bool> {
    sample.sort_by(f64::total_cmp);
    QUANTILES
        .iter()
        .map(|(name, q)| {
            let truth = quantile(&sample, *q);
            let report = reported[name].as_f64().expect("the metric is reported");
            let error = report - truth;
            println!(
                "{concurrency:>5} {metric:>6} {name:>5} {truth:>10.3} {report:>10.3} {error:>9.3} {:>7.2}%",
                100.0 * error / truth
            );
            error.abs() <= 1.0 || error.abs() <= 0.01 * truth
        })
        .collect()
}

/// Type 7 (Hyndman and Fan 1996), written apart from the library's.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * q;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

struct Truth {
    ttft: Vec<f64>,
    itl: Vec<f64>,
    e2e: Vec<f64>,
}

/// What the simulator wrote, in milliseconds, for measured requests alone.
fn truth(address: &str) -> Truth {
    let mut truth = Truth { ttft: Vec::new(), itl: Vec::new(), e2e: Vec::new() };
    for line in get(address, "/sim/truth").lines().filter(|line| line.starts_with('{')) {
        let row: Value = serde_json::from_str(line).unwrap();
        let id: Vec<&str> = row["request_id"].as_str().unwrap().split('-').collect();
        // Ids are SEED-ROUND-INDEX; round 0 is the preflight and a warm-up's index begins with w.
        if id.len() != 3 || id[1] == "0" || id[2].starts_with('w') {
            continue;
        }
        let received = row["received_ns"].as_f64().unwrap();
        let written: Vec<f64> =
            row["written_ns"].as_array().unwrap().iter().map(|at| at.as_f64().unwrap()).collect();
        truth.ttft.push((written[0] - received) / 1e6);
        truth.e2e.push((written[written.len() - 1] - received) / 1e6);
        truth.itl.extend(written.windows(2).map(|pair| (pair[1] - pair[0]) / 1e6));
    }
    truth
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn simulate() -> (Child, String) {
    let arguments = ["simulate", "--listen", "127.0.0.1:0", "sim:h100-8b"].map(str::to_owned);
    let mut child = pinned("0", &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit("http://").next().unwrap().trim_end_matches('/').to_owned();
    (child, address)
}

fn pinned(core: &str, arguments: &[String]) -> Command {
    let has_taskset =
        Command::new("taskset").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let mut command = if has_taskset { Command::new("taskset") } else { Command::new(BINARY) };
    if has_taskset {
        command.args(["-c", core, BINARY]);
    }
    command.args(arguments);
    command
}
