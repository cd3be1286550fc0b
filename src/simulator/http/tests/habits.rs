//! Chat and completions as SGLang, llama-server and trtllm-serve were seen to send them.

use serde_json::{Value, json};

use super::raw::*;

fn streamed(query: &str, path: &str, body: &Value) -> (Answer, Vec<Value>) {
    let answer = ask(&sim(query), path, body);
    let events = plain_events(&answer);
    (answer, events)
}

fn usage() -> Value {
    json!({"stream_options": {"include_usage": true}})
}

#[test]
fn sglang_sends_reasoning_content_always_and_finishes_apart() {
    let (answer, events) = streamed("&engine=sglang", CHAT, &chat(2, usage()));
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
    let choice = |index: usize| &events[index]["choices"][0];
    assert_eq!(keys(choice(0)), ["delta", "finish_reason", "index", "logprobs", "matched_stop"]);
    assert_eq!(choice(0)["delta"], json!({"reasoning_content": null, "role": "assistant", "content": ""}));
    assert_eq!(keys(&choice(1)["delta"]), ["content", "reasoning_content"]);
    assert_eq!(choice(2)["finish_reason"], Value::Null);
    assert_eq!(
        (&choice(3)["delta"], &choice(3)["finish_reason"]),
        (&json!({"reasoning_content": null}), &json!("length"))
    );
    assert_eq!(
        keys(&events[4]["usage"]),
        ["completion_tokens", "prompt_tokens", "prompt_tokens_details", "reasoning_tokens", "total_tokens"]
    );
    let (_, thought) = streamed("&engine=sglang&reasoning=1", CHAT, &chat(2, json!({})));
    assert!(thought[1]["choices"][0]["delta"]["reasoning_content"].is_string());

    let text = json!({"prompt": "a b", "max_tokens": 2, "stream": true});
    let (_, events) = streamed("&engine=sglang", COMPLETIONS, &text);
    assert_eq!(keys(&events[0]), ["choices", "created", "id", "model", "object", "usage"]);
    assert_eq!(
        (&events[0]["usage"], &events[1]["choices"][0]["finish_reason"]),
        (&Value::Null, &json!("length"))
    );
}

#[test]
fn sglang_errors_are_flat_and_any_model_answers() {
    let sim_plain = sim("&engine=sglang&context=64");
    let wrong: Value = serde_json::from_str(&ask(&sim_plain, CHAT, &chat(100, json!({}))).body).unwrap();
    assert_eq!(keys(&wrong), ["code", "message", "object", "param", "type"]);
    assert_eq!((&wrong["object"], &wrong["code"]), (&json!("error"), &json!(400)));
    assert_eq!(ask(&sim_plain, CHAT, &chat(1, json!({"model": "nope"}))).status, 200);
}

#[test]
fn llama_server_tells_usage_and_timings_by_choice() {
    let (answer, events) = streamed("&engine=llama-server", CHAT, &chat(2, usage()));
    assert!(answer.head.contains("server: llama.cpp"));
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
    assert_eq!(events[0]["choices"][0]["delta"], json!({"role": "assistant", "content": null}));
    assert_eq!(events[3]["choices"][0]["delta"], json!({}));
    assert_eq!(events[3].get("timings"), None);
    assert_eq!(
        keys(&events[4]),
        ["choices", "created", "id", "model", "object", "system_fingerprint", "timings", "usage"]
    );
    assert_eq!(
        (&events[4]["timings"]["prompt_n"], &events[4]["timings"]["predicted_n"]),
        (&json!(4), &json!(2))
    );

    let (_, quiet) = streamed("&engine=llama-server", CHAT, &chat(2, json!({})));
    assert_eq!(quiet[3]["timings"]["predicted_n"], 2, "without usage they ride on the finish chunk");

    let (_, two) = streamed(
        "&engine=llama-server",
        CHAT,
        &chat(2, json!({"n": 2, "stream_options": {"include_usage": true}})),
    );
    let usages: Vec<_> =
        two.iter().filter_map(|event| event["usage"]["completion_tokens"].as_u64()).collect();
    assert_eq!(usages, [2, 2], "each choice has its own");

    let text = json!({"prompt": "a b", "max_tokens": 2, "stream": true});
    let (_, events) = streamed("&engine=llama-server", COMPLETIONS, &text);
    assert!(events[0]["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(
        (&events[2]["usage"]["completion_tokens"], &events[2]["choices"][0]["text"]),
        (&json!(2), &json!(""))
    );
}

#[test]
fn llama_server_blames_itself_for_garbage() {
    let sim_plain = sim("&engine=llama-server");
    let (status, message) = error(&call(&sim_plain, "POST", CHAT, "", b"{\"messages\":"));
    assert_eq!(status, 500);
    assert!(message.starts_with("[json.exception.parse_error.101]"));
    assert_eq!(error(&ask(&sim_plain, CHAT, &json!({"messages": "hi"}))).0, 400);
    let busy = ask(&sim("&engine=llama-server&start_ms=60000"), CHAT, &chat(1, json!({})));
    assert_eq!(error(&busy), (503, "Loading model".to_owned()));
}

#[test]
fn trtllm_ends_the_role_line_with_a_space_and_drops_nulls() {
    let (answer, events) = streamed("&engine=trtllm", CHAT, &chat(2, usage()));
    let lines: Vec<&str> = answer.body.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines[0].ends_with("} ") && !lines[1].ends_with(' '));
    assert!(!answer.body.contains("null"));
    assert_eq!(keys(&events[1]["choices"][0]), ["avg_decoded_tokens_per_iter", "delta", "index"]);
    assert_eq!(events[2]["choices"][0]["finish_reason"], "length");
    assert_eq!(events[3]["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
}

#[test]
fn every_engine_breaks_in_its_own_way() {
    let broken = |engine: &str| {
        let answer = ask(&sim(&format!("&engine={engine}&instream=100%")), CHAT, &chat(9, json!({})));
        let last = plain_events(&answer).pop().unwrap();
        (last, answer.body.ends_with("[DONE]\n\n"))
    };
    assert_eq!(broken("sglang").0["error"]["code"], 500);
    let (error, done) = broken("llama-server");
    assert_eq!((&error["error"]["type"], done), (&json!("server_error"), false));
    let (error, done) = broken("trtllm");
    assert_eq!((&error["error"]["object"], done), (&json!("error"), false));
    for engine in ["vllm", "sglang", "llama-server", "trtllm"] {
        assert!(
            !ask(&sim(&format!("&engine={engine}&cut=100%")), CHAT, &chat(9, json!({}))).whole,
            "{engine}"
        );
    }
}
