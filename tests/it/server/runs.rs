//! Benchmarks from their start to their reports.

use std::io::{Read as _, Write as _};

use serde_json::{Value, json};

use super::client::Served;
use super::{long, small};
use crate::stage::{Stage, ended, schema};

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_benchmark_is_started_followed_and_reported() {
    let server = Served::start(&[]);
    let id = followed(&server);
    looked_at(&server, &id);
    reported(&server, &id);
}

/// Starts a benchmark of 300 requests, and hears of it until it is over.
fn followed(server: &Served) -> String {
    // Long enough for some ticks.
    let load = json!({ "server": "sim:fast", "num-prompts": 300, "concurrency": 4 });
    let started = server
        .post("/api/v1/benchmarks", &json!({ "settings": load, "title": "first", "commit": "abc" }))
        .is(202);
    let id = started.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(started.header("location"), Some(format!("/api/v1/benchmarks/{id}")));

    let (mut socket, head) =
        server.socket(&format!("/ws/benchmark/{id}"), &[("sec-websocket-protocol", "llm-loadtest.v1")]);
    assert!(
        head.starts_with("HTTP/1.1 101")
            && head.to_lowercase().contains("sec-websocket-protocol: llm-loadtest.v1"),
        "{head}"
    );
    let mut events: Vec<Value> = Vec::new();
    while let Some(text) = socket.next() {
        events.push(serde_json::from_str(&text).unwrap());
    }
    let seen = kinds(&events);
    assert_eq!(seen.first(), Some(&"state"));
    for kind in ["level", "tick", "level_end"] {
        assert!(seen.contains(&kind), "{seen:?}");
    }
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["benchmark"]["state"]), (&json!("state"), &json!("finished")));
    assert_eq!(last["benchmark"]["rows"], 300);

    // Who comes when it is over is told that, and nothing else.
    let stream = server.get(&format!("/api/v1/benchmarks/{id}/events")).is(200).text();
    assert_eq!(stream.matches("data: ").count(), 1, "{stream}");
    assert!(stream.contains("\"finished\""), "{stream}");
    id
}

fn looked_at(server: &Served, id: &str) {
    let detail = server.get(&format!("/api/v1/benchmarks/{id}")).is(200).json();
    assert_eq!(detail["benchmark"]["title"], "first");
    assert_eq!(detail["benchmark"]["commit"], "abc");
    assert_eq!(detail["benchmark"]["brief"]["offered"], 300);
    assert!(jsonschema::is_valid(&schema("result.schema.json"), &detail["result"]));
    assert_eq!(
        server.get(&format!("/api/v1/benchmarks/{id}?result=false")).is(200).json()["result"],
        Value::Null
    );
    let page = server.get("/api/v1/benchmarks?state=finished&text=first&limit=1").is(200).json();
    assert_eq!((&page["total"], &page["items"][0]["id"]), (&json!(1), &json!(id)));

    let at = |path: &str| format!("/api/v1/benchmarks/{id}/{path}");
    let rows = server.get(&at("requests")).is(200).text();
    assert_eq!(rows.lines().filter(|line| line.contains("\"measure\"")).count(), 300);
    assert!(server.get(&at("requests?format=parquet")).is(200).body.starts_with(b"PAR1"));
    assert_eq!(server.get(&at("requests/0")).is(200).json()["outcome"], "success");
    server.get(&at("requests/99999")).is(404);
    let points = server.get(&at("points?max=10")).is(200).json();
    assert_eq!(points["row"].as_array().unwrap().len(), points["ttft_ms"].as_array().unwrap().len());
    assert_eq!(points["total"], 300);
    let charts = server.get(&at("charts")).is(200).json();
    assert!(
        charts["levels"][0]["distributions"]["ttft"]["values"]
            .as_array()
            .is_some_and(|values| values.len() > 50)
    );
}

fn reported(server: &Served, id: &str) {
    for (format, words) in [
        ("html", "<!DOCTYPE html>"),
        ("markdown", "| "),
        ("junit", "<testsuites"),
        ("csv", "round,"),
        ("json", "llm-loadtest/run"),
        ("vllm", "mean_ttft_ms"),
        ("table", "c=4"),
    ] {
        let report = server.get(&format!("/api/v1/benchmarks/{id}/report?format={format}")).is(200);
        assert!(report.text().contains(words), "{format}: {}", report.text());
        let policy = report.header("content-security-policy").unwrap();
        assert_eq!(policy.contains("sandbox"), format == "html", "{policy}");
    }
    let metrics = server.get("/metrics").is(200).text();
    for line in [
        "llm_loadtest_benchmarks{state=\"finished\"} 1",
        "llm_loadtest_requests_sent_total 300",
        "llm_loadtest_queue_length 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    server.delete(&format!("/api/v1/benchmarks/{id}")).is(204);
    server.get(&format!("/api/v1/benchmarks/{id}")).is(404);
}

#[test]
fn what_runs_is_cancelled_with_what_it_measured_and_what_waits_moves_up() {
    let server = Served::start(&[]);
    let first = server.run(&long());
    let second = server.run(&small());
    let third = server.run(&small());
    let page = server.get("/api/v1/benchmarks?order=asc").is(200).json();
    let ahead: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|item| &item["ahead"]).collect();
    assert_eq!(ahead, [&Value::Null, &json!(0), &json!(1)], "{page}");
    server.get(&format!("/api/v1/benchmarks/{second}/report")).is(409);

    // An event stream that is open while it happens.
    let mut stream = server.connect();
    let head = format!("GET /api/v1/benchmarks/{first}/events HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    stream.write_all(head.as_bytes()).unwrap();
    let mut seen = String::new();
    let mut piece = [0; 4_096];
    while seen.matches("\"tick\"").count() < 3 {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    assert_eq!(server.delete(&format!("/api/v1/benchmarks/{second}")).is(202).json()["state"], "cancelled");
    server.delete(&format!("/api/v1/benchmarks/{first}")).is(202);
    while !seen.contains("\"cancelled\"") {
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..count]));
    }
    let cancelled = server.until(&first, &["cancelled"]);
    assert_eq!(cancelled["partial"], true);
    assert!(cancelled["rows"].as_u64().is_some_and(|rows| rows > 10), "{cancelled}");
    assert!(cancelled["brief"]["offered"].as_u64().is_some_and(|offered| offered > 10));
    server.until(&third, &["finished"]);
    assert_eq!(server.until(&second, &["cancelled"])["rows"], Value::Null);
}

#[test]
fn results_are_compared_kept_as_baselines_and_have_a_history() {
    let server = Served::start(&[]);
    let (one, two) = (server.finish(&small()), server.finish(&small()));
    let compared = server
        .post("/api/v1/benchmarks/compare", &json!({ "baseline": one, "candidates": [two] }))
        .is(200)
        .json();
    assert_eq!(compared["candidates"][0]["benchmark"]["id"], *two);
    assert!(compared["candidates"][0]["verdict"]["decision"].is_string(), "{compared}");
    server.post("/api/v1/benchmarks/compare", &json!({ "baseline": one, "candidates": [] })).is(422);

    let saved = server
        .post("/api/v1/baselines", &json!({ "benchmark": one, "session": "a", "commit": "c1" }))
        .is(201)
        .json();
    let name = saved["name"].as_str().unwrap().to_owned();
    server.post("/api/v1/baselines", &json!({ "benchmark": one, "session": "a" })).is(409);
    server.post("/api/v1/baselines", &json!({ "benchmark": two, "session": "b" })).is(201);
    let promoted =
        server.post(&format!("/api/v1/baselines/{name}/promote"), &json!({ "session": "b" })).is(200).json();
    assert_eq!(promoted["promoted"], "b");
    server.post(&format!("/api/v1/baselines/{name}/promote"), &json!({ "session": "z" })).is(422);
    assert_eq!(
        server.get(&format!("/api/v1/baselines/{name}")).is(200).json()["sessions"].as_array().unwrap().len(),
        2
    );
    assert_eq!(server.get("/api/v1/baselines").is(200).json()["items"].as_array().unwrap().len(), 1);

    // A gate of the same load is held against what was stored.
    let gate = server
        .post(
            "/api/v1/benchmarks",
            &json!({ "purpose": "gate", "settings": {
        "server": "sim:fast", "num-prompts": 40, "concurrency": 4, "output-len": 16, "rounds": 2 } }),
        )
        .is(202)
        .json();
    let judged = server.until(gate["id"].as_str().unwrap(), &["finished", "failed"]);
    assert!(judged["verdict"].is_string(), "{judged}");

    let index = server.get("/api/v1/history").is(200).json();
    let items = index["items"].as_array().unwrap().clone();
    assert_eq!(items.len(), 2, "{index}");
    for item in items {
        let asked = item["name"].as_str().unwrap().replace('|', "%7C").replace(' ', "%20");
        let history = server
            .get(&format!("/api/v1/history?name={asked}&metric=ttft_p50,output_throughput"))
            .is(200)
            .json();
        assert_eq!(
            history["nights"].as_array().unwrap().len() as u64,
            item["sessions"].as_u64().unwrap(),
            "{history}"
        );
        assert!(jsonschema::is_valid(&schema("history.schema.json"), &history));
    }
    server.get("/api/v1/history?name=none").is(404);
}

#[test]
fn results_of_elsewhere_are_imported_with_their_rows_and_older_paths_still_answer() {
    let server = Served::start(&[]);
    let id = server.finish(&small());
    let result = server.get(&format!("/api/v1/benchmark/result/{id}")).is(200);
    assert_eq!(result.header("deprecation").as_deref(), Some("true"));
    assert!(result.header("link").is_some_and(|link| link.contains("successor-version")));
    let rows = server.get(&format!("/api/v1/benchmarks/{id}/requests")).is(200).body;

    let json_type = [("content-type", "application/json")];
    let imported =
        server.ask("POST", "/api/v1/import?title=nightly&commit=c9", &json_type, &result.body).is(201).json();
    assert_eq!((&imported["origin"], &imported["title"]), (&json!("upload"), &json!("nightly")));
    let other = imported["id"].as_str().unwrap();
    let path = format!("/api/v1/benchmarks/{other}/requests");
    let lines = [("content-type", "application/x-ndjson")];
    assert_eq!(server.ask("PUT", &path, &lines, &rows).is(200).json()["rows"], 40);
    assert_eq!(server.get(&path).is(200).body, rows);
    server.ask("PUT", &path, &lines, b"{\"not\": \"a row\"}\n{}\n").is(422);
    assert_eq!(server.get(&path).is(200).body, rows, "bad rows replace nothing");
    server.ask("PUT", &format!("/api/v1/benchmarks/{id}/requests"), &lines, &rows).is(409);

    let vllm = include_bytes!("../../fixtures/import/vllm_chat.json");
    let foreign = "/api/v1/import?file=../../vllm.json&hardware=h100";
    let foreign = server.ask("POST", foreign, &json_type, vllm).is(201).json();
    assert_eq!(foreign["origin"], "import");
    let detail =
        server.get(&format!("/api/v1/benchmarks/{}", foreign["id"].as_str().unwrap())).is(200).json();
    assert_eq!(detail["result"]["imported"]["files"], json!(["vllm.json"]));
    server.ask("POST", "/api/v1/import", &json_type, b"{\"what\": 1}").is(422);

    let older = server.post("/api/v1/benchmark/run", &json!({ "settings": small() })).is(202).json();
    let older = older["id"].as_str().unwrap();
    server.until(older, &["finished"]);
    assert_eq!(server.get(&format!("/api/v1/benchmark/run/{older}")).is(200).json()["state"], "finished");
    assert_eq!(server.get("/api/v1/benchmark/history").is(200).json()["total"], 4);
    server.post("/api/v1/benchmark/compare", &json!({ "baseline": id, "candidates": [older] })).is(200);
    server.delete(&format!("/api/v1/benchmark/run/{older}")).is(204);
}

#[test]
fn a_start_can_be_tried_and_wrong_ones_name_their_setting() {
    let server = Served::start(&[]);
    let checked = server
        .post(
            "/api/v1/benchmarks?dry_run=true",
            &json!({ "settings": { "server": "sim:fast", "rate": [2, 4] } }),
        )
        .is(200)
        .json();
    assert_eq!(checked["levels"].as_array().unwrap().len(), 2, "{checked}");
    assert_eq!(server.get("/api/v1/benchmarks").is(200).json()["total"], 0);
    for (settings, field) in [
        (json!({ "server": "sim:fast", "concurency": 1 }), "concurency"),
        (json!({ "server": "sim:fast", "concurrency": 0 }), "concurrency"),
        (json!({ "server": "sim:fast", "dataset": "/etc/passwd" }), "dataset"),
        (json!({ "server": "http://10.0.0.1" }), "server"),
    ] {
        let problem = server.post("/api/v1/benchmarks", &json!({ "settings": settings })).is(422).json();
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["hint"].is_string(), "{problem}");
    }
    // What is only known when it runs is told by its state.
    let id = server.run(&json!({ "server": "http://127.0.0.1:9", "model": "m", "num-prompts": 1 }));
    let failed = server.until(&id, &["failed"]);
    assert!(
        failed["failure"]["message"].as_str().is_some_and(|message| message.contains("127.0.0.1:9")),
        "{failed}"
    );
    let settings = server.get("/api/v1/settings").is(200).json();
    let keys: Vec<&str> =
        settings["settings"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"rate") && !keys.contains(&"server-command") && !keys.contains(&"output"));
    assert_eq!(server.get("/api/v1/models?server=sim:fast").is(200).json()["models"], json!(["sim-fast"]));
    server.get("/api/v1/gpus").is(200);
}

#[test]
fn a_result_in_words_and_the_gpus_for_a_load_follow_from_results() {
    let server = Served::start(&["--analyst-server", "sim:fast", "--analyst-model", "sim-fast"]);
    let id = server.finish(&small());
    let path = format!("/api/v1/benchmarks/{id}/analyze");
    let analysis = server.post(&path, &json!({ "language": "ko", "baseline": id })).is(200).json();
    assert!(jsonschema::is_valid(&schema("analysis.schema.json"), &analysis), "{analysis}");
    assert_eq!(analysis["analyst"], Value::Null);
    let analysis = server.post(&path, &json!({ "model": true })).is(200).json();
    let said =
        !analysis["analyst"].is_null() || analysis["notes"].as_array().is_some_and(|notes| !notes.is_empty());
    assert!(said, "{analysis}");
    server.post("/api/v1/benchmarks/0/analyze", &json!({})).is(404);

    let ask = json!({ "model": "Qwen/Qwen2.5-7B-Instruct", "rate": 2, "input_len": 512, "output_len": 128 });
    let answer = server.post("/api/v1/recommend", &ask).is(200).json();
    assert!(jsonschema::is_valid(&schema("recommend.schema.json"), &answer), "{answer}");
    assert!(!answer["options"].as_array().unwrap().is_empty(), "{answer}");
    server.post("/api/v1/recommend", &json!({ "model": "nobody/knows-this" })).is(422);
    server
        .post("/api/v1/recommend", &json!({ "model": "Qwen/Qwen2.5-7B-Instruct", "measured": ["0"] }))
        .is(404);
}

#[test]
fn a_run_of_elsewhere_is_sent_to_the_server_and_a_server_that_is_away_changes_no_verdict() {
    let stage = Stage::new();
    let key = Served::make_key(&stage.path("."), "ci", "run");
    let folder = tempfile::tempdir_in(stage.path(".")).unwrap();
    let own = Served::make_key(folder.path(), "ci", "run");
    assert_ne!(own, key);
    let server = Served::within(folder, &[], &[]).with_key(&own);
    let url = format!("http://{}", server.address);
    let arguments =
        ["run", "--server", "sim:fast", "-n", "40", "-c", "4", "--output-len", "16", "--serve-to", &url];
    let sent = stage
        .command(&arguments)
        .env("LLM_LOADTEST_SERVE_KEY", &own)
        .env("GITHUB_SHA", "c7")
        .output()
        .unwrap();
    ended(&sent).says(0, &[&format!("sent to {url}/#/run/")]);
    let page = server.get("/api/v1/benchmarks").is(200).json();
    let kept = &page["items"][0];
    assert_eq!(
        (&kept["origin"], &kept["commit"], &kept["rows"]),
        (&json!("upload"), &json!("c7"), &json!(40))
    );
    let detail = server.get(&format!("/api/v1/benchmarks/{}", kept["id"].as_str().unwrap())).is(200).json();
    assert_eq!(detail["result"], stage.json("llm-loadtest-results/result.json"));

    let unknown = stage.command(&arguments).env("LLM_LOADTEST_SERVE_KEY", &key).output().unwrap();
    let unknown = ended(&unknown);
    unknown.says(0, &["warning: the result is not at", "it answered 401"]);
    assert!(!unknown.stderr.contains(&key), "{}", unknown.stderr);
    drop(server);
    stage.run(&arguments).says(0, &["warning: the result is not at", "LLM_LOADTEST_SERVE_KEY"]);
    assert!(stage.path("llm-loadtest-results/result.json").exists());
    let wrong = [&arguments[..arguments.len() - 1], &["bench.example"]].concat();
    stage.run(&wrong).says(2, &["--serve-to bench.example"]);
}
