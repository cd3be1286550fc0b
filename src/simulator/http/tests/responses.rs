//! OpenAI's responses.

use serde_json::{Value, json};

use super::raw::*;

const RESPONSES: &str = "/v1/responses";

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap()).collect()
}

#[test]
fn a_stream_opens_items_fills_them_and_closes_them() {
    let sim = sim("");
    let body = json!({"model": "tiny", "input": "one two", "max_output_tokens": 2, "stream": true});
    let events = plain_events(&ask(&sim, RESPONSES, &body));
    assert_eq!(
        types(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "incomplete"
        ]
    );
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    let said: String = events.iter().filter_map(|event| event["delta"].as_str()).collect();
    assert_eq!(events[6]["text"], said);
    let response = &events[9]["response"];
    assert_eq!(response["output"][0]["content"][0]["text"], said);
    assert_eq!(
        (&response["usage"]["input_tokens"], &response["usage"]["output_tokens"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
}

#[test]
fn reasoning_and_calls_are_items_of_their_own() {
    let sim = sim("&reasoning=2");
    let mut body = json!({"input": [{"role": "user", "content": [{"type": "input_text", "text": "one"}]}],
        "max_output_tokens": 5, "stream": true, "tool_choice": "required",
        "tools": [{"type": "function", "name": "weather", "parameters": {}}]});
    let events = plain_events(&ask(&sim, RESPONSES, &body));
    let names = types(&events);
    let count = |name: &str| names.iter().filter(|found| **found == name).count();
    assert_eq!((count("reasoning_text.delta"), count("function_call_arguments.delta")), (2, 3));
    assert_eq!((count("output_item.added"), count("output_item.done")), (2, 2));
    assert_eq!(names.last(), Some(&"completed"));
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!((&output[0]["type"], &output[1]["name"]), (&json!("reasoning"), &json!("weather")));
    body["stream"] = json!(false);
    let once = whole(&ask(&sim, RESPONSES, &body));
    let arguments = once["output"][1]["arguments"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(arguments).unwrap()["text"].is_string());
    assert_eq!(once["usage"]["output_tokens_details"]["reasoning_tokens"], 2);
}

#[test]
fn faults_are_told_in_events_and_statuses() {
    let body = json!({"input": "one", "max_output_tokens": 8, "stream": true});
    let broken = plain_events(&ask(&sim("&instream=100%"), RESPONSES, &body));
    assert_eq!(broken.last().unwrap()["type"], "error");
    assert!(!ask(&sim("&cut=100%"), RESPONSES, &body).whole);
    assert_eq!(error(&ask(&sim("&errors=100%"), RESPONSES, &body)).0, 500);
    assert_eq!(error(&ask(&sim("&reject=100%"), RESPONSES, &body)).0, 429);
    assert_eq!(error(&ask(&sim(""), RESPONSES, &json!({"input": ""}))).0, 400);
    assert_eq!(error(&ask(&sim(""), RESPONSES, &json!({"input": "x", "model": "nope"}))).0, 404);
}
