//! What happens over time: metrics, faults, the truth, and clients that leave.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use serde_json::{Value, json};

use super::raw::*;
use crate::simulator::http::TruthOutcome;

#[test]
fn metrics_count_what_was_done() {
    let sim = sim("");
    for _ in 0..3 {
        ask(&sim, COMPLETIONS, &json!({"prompt": "word ".repeat(40), "max_tokens": 5}));
    }
    let page = get(&sim, "/metrics");
    assert!(page.head.contains("content-type: text/plain"));
    for line in [
        r#"vllm:num_requests_running{engine="0",model_name="tiny"} 0"#,
        r#"vllm:num_requests_waiting{engine="0",model_name="tiny"} 0"#,
        r#"vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0"#,
        r#"vllm:prefix_cache_queries_total{engine="0",model_name="tiny"} 120"#,
        r#"vllm:prefix_cache_hits_total{engine="0",model_name="tiny"} 64"#,
        r#"vllm:num_preemptions_total{engine="0",model_name="tiny"} 0"#,
        r#"vllm:prompt_tokens_total{engine="0",model_name="tiny"} 120"#,
        r#"vllm:generation_tokens_total{engine="0",model_name="tiny"} 15"#,
        r#"vllm:request_success_total{finished_reason="length",engine="0",model_name="tiny"} 3"#,
        r#"vllm:time_to_first_token_seconds_bucket{le="0.001",engine="0",model_name="tiny"} 3"#,
        r#"vllm:time_to_first_token_seconds_count{engine="0",model_name="tiny"} 3"#,
        r#"vllm:inter_token_latency_seconds_count{engine="0",model_name="tiny"} 12"#,
        r#"vllm:e2e_request_latency_seconds_bucket{le="+Inf",engine="0",model_name="tiny"} 3"#,
    ] {
        assert!(page.body.lines().any(|found| found == line), "{line} in\n{}", page.body);
    }
}

#[test]
fn faults_look_as_they_do_on_a_real_server() {
    let body = chat(20, json!({}));
    let failed = ask(&sim("&errors=100%"), CHAT, &body);
    assert_eq!(error(&failed).0, 500);
    let rejected = ask(&sim("&reject=100%"), CHAT, &body);
    assert_eq!(error(&rejected).0, 429);
    assert!(rejected.head.contains("retry-after: 1"));

    let sim_cut = sim("&cut=100%");
    let cut = ask(&sim_cut, CHAT, &body);
    assert!(!cut.whole && !cut.body.contains("[DONE]"));
    let row = &sim_cut.truth()[0];
    assert_eq!(row.outcome, TruthOutcome::Cut);
    assert_eq!(
        row.output_tokens as usize + 1,
        cut.body.matches("data: ").count(),
        "all that was written arrived"
    );
    assert!(!ask(&sim_cut, CHAT, &chat(20, json!({"stream": false}))).whole);

    let sim_broken = sim("&instream=100%");
    let broken = events(&ask(&sim_broken, CHAT, &body));
    assert_eq!(broken.last().unwrap()["error"]["code"], 500);
    assert!(broken.len() > 2);
    assert_eq!(sim_broken.truth()[0].outcome, TruthOutcome::StreamError);
    assert_eq!(error(&ask(&sim_broken, CHAT, &chat(20, json!({"stream": false})))).0, 500);

    let sim_stalled = sim("&stall=100%&stall_ms=120");
    events(&ask(&sim_stalled, CHAT, &body));
    let written = &sim_stalled.truth()[0].written_ns;
    assert_eq!(written.windows(2).filter(|pair| pair[1] - pair[0] > 100_000_000).count(), 1);
}

#[test]
fn the_truth_tells_each_request_and_can_be_cleared() {
    let sim = sim("");
    call(&sim, "POST", CHAT, "x-request-id: r-1\r\n", chat(6, json!({})).to_string().as_bytes());
    ask(&sim, CHAT, &chat(6, json!({"stream": false})));
    let [first, second] = &sim.truth()[..] else { panic!("two rows") };
    assert_eq!((first.request_id.as_str(), first.prompt_tokens, first.output_tokens), ("r-1", 4, 6));
    assert!(second.request_id.starts_with("chatcmpl-"));
    for row in [first, second] {
        assert_eq!((row.outcome, row.planned_ns.len(), row.written_ns.len()), (TruthOutcome::Finished, 6, 6));
        assert!(row.planned_ns[0] > row.received_ns && row.planned_ns.is_sorted());
        assert!(row.written_ns.iter().zip(&row.planned_ns).all(|(written, planned)| written >= planned));
    }
    let lines = get(&sim, "/sim/truth").body;
    let row: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (lines.lines().count(), &row["request_id"], &row["outcome"]),
        (2, &json!("r-1"), &json!("finished"))
    );
    assert_eq!(call(&sim, "DELETE", "/sim/truth", "", b"").status, 204);
    assert!(sim.truth().is_empty());
}

#[test]
fn a_client_that_leaves_frees_the_model() {
    let sim = sim("&stall=100%&stall_ms=60000");
    let mut tcp = open(&sim, "POST", CHAT, "", chat(100_000, json!({})).to_string().as_bytes());
    tcp.read_exact(&mut [0; 200]).unwrap();
    assert!(get(&sim, "/metrics").body.contains("num_requests_running{engine=\"0\",model_name=\"tiny\"} 1"));
    drop(tcp);
    for _ in 0..200 {
        if get(&sim, "/metrics").body.contains("num_requests_running{engine=\"0\",model_name=\"tiny\"} 0") {
            assert_eq!(sim.truth()[0].outcome, TruthOutcome::Cancelled);
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the request still runs");
}

#[test]
fn a_stopped_server_cuts_what_still_streams() {
    let mut sim = sim("&stall=100%&stall_ms=60000");
    let mut tcp = open(&sim, "POST", CHAT, "", chat(1_000, json!({})).to_string().as_bytes());
    tcp.read_exact(&mut [0; 200]).unwrap();
    sim.stop();
    let mut rest = Vec::new();
    let ended = tcp.read_to_end(&mut rest);
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    assert!(!String::from_utf8_lossy(&rest).contains("[DONE]"));
}
