//! Anthropic's messages, against what llama-server was seen to send on that path.

use serde_json::{Value, json};

use super::raw::*;

const MESSAGES: &str = "/v1/messages";

fn body(more: &Value) -> Value {
    let mut body = json!({"model": "tiny", "max_tokens": 4, "stream": true, "system": "be brief",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "one two"}]}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_stream_is_blocks_between_a_start_and_a_stop() {
    let answer = ask(&sim("&engine=anthropic"), MESSAGES, &body(&json!({"max_tokens": 2})));
    let names: Vec<&str> = answer.body.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let events = plain_events(&answer);
    assert_eq!(names, types(&events), "each event's name is its type");
    assert_eq!(
        names,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 4);
    assert_eq!(events[3]["delta"]["type"], "text_delta");
    assert_eq!(events[6]["delta"], json!({"stop_reason": "max_tokens", "stop_sequence": null}));
    assert_eq!(events[6]["usage"]["output_tokens"], 2);
}

#[test]
fn thinking_has_a_block_of_its_own_and_a_required_tool_is_called() {
    let sim = sim("&engine=anthropic&reasoning=2");
    let tools = json!({"tools": [{"name": "weather", "input_schema": {}}], "tool_choice": {"type": "any"}, "max_tokens": 6});
    let events = plain_events(&ask(&sim, MESSAGES, &body(&tools)));
    let deltas = |kind: &str| events.iter().filter(|event| event["delta"]["type"] == kind).count();
    assert_eq!((deltas("thinking_delta"), deltas("input_json_delta")), (2, 4));
    let starts: Vec<_> = events.iter().filter(|event| event["type"] == "content_block_start").collect();
    assert_eq!((&starts[0]["index"], &starts[0]["content_block"]["type"]), (&json!(0), &json!("thinking")));
    assert_eq!((&starts[1]["index"], &starts[1]["content_block"]["name"]), (&json!(1), &json!("weather")));
    let arguments: String =
        events.iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect();
    assert!(serde_json::from_str::<Value>(&arguments).unwrap()["text"].is_string(), "{arguments}");

    let mut once = body(&tools);
    once["stream"] = json!(false);
    let once = whole(&ask(&sim, MESSAGES, &once));
    assert_eq!(once["stop_reason"], "tool_use");
    assert_eq!(once["content"][0]["thinking"].as_str().unwrap().split_whitespace().count(), 2);
    assert!(once["content"][1]["input"]["text"].is_string());
}

#[test]
fn errors_have_a_type_twice() {
    let kind = |query: &str, more: Value| {
        let answer = ask(&sim(query), MESSAGES, &body(&more));
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(value["type"], "error");
        (answer.status, value["error"]["type"].as_str().unwrap().to_owned())
    };
    assert_eq!(kind("&engine=anthropic", json!({"model": "nope"})), (404, "not_found_error".to_owned()));
    assert_eq!(
        kind("&engine=anthropic", json!({"max_tokens": 0})),
        (400, "invalid_request_error".to_owned())
    );
    assert_eq!(kind("&reject=100%", json!({})), (429, "rate_limit_error".to_owned()));
    assert_eq!(kind("&errors=100%", json!({})), (500, "api_error".to_owned()));
    assert_eq!(kind("&start_ms=60000", json!({})), (529, "overloaded_error".to_owned()));
    assert_eq!(kind("&api_key=k", json!({})), (401, "authentication_error".to_owned()));
    let broken = plain_events(&ask(&sim("&instream=100%"), MESSAGES, &body(&json!({}))));
    assert_eq!(types(&broken).last(), Some(&"error"));
    assert!(!ask(&sim("&cut=100%"), MESSAGES, &body(&json!({}))).whole);
    let open = call(
        &sim("&api_key=k"),
        "POST",
        MESSAGES,
        "x-api-key: k\r\n",
        body(&json!({})).to_string().as_bytes(),
    );
    assert_eq!(open.status, 200);
}
