//! Triton's HTTP API, against what a real server was seen to send.

use serde_json::json;

use super::raw::*;

const GENERATE: &str = "/v2/models/tiny/generate";
const STREAM: &str = "/v2/models/tiny/generate_stream";

#[test]
fn a_stream_has_an_event_per_token_and_no_end_mark() {
    let sim = sim("&engine=triton");
    let answer = call(
        &sim,
        "POST",
        STREAM,
        "x-request-id: t-1\r\n",
        json!({"text_input": "one two", "max_tokens": 3, "stream": true}).to_string().as_bytes(),
    );
    let events = plain_events(&answer);
    assert_eq!(events.len(), 3);
    for event in &events {
        assert_eq!(keys(event), ["model_name", "model_version", "text_output"]);
    }
    assert!(!answer.body.contains("[DONE]"));
    let row = &sim.truth()[0];
    assert_eq!((row.request_id.as_str(), row.prompt_tokens, row.output_tokens), ("t-1", 2, 3));
}

#[test]
fn generate_answers_once_and_says_so_when_many_responses_were_asked_for() {
    let sim = sim("&engine=triton");
    let sampling = json!({"max_tokens": "4"}).to_string();
    let once =
        whole(&ask(&sim, GENERATE, &json!({"text_input": "one two", "sampling_parameters": sampling})));
    assert_eq!(once["text_output"].as_str().unwrap().split_whitespace().count(), 4);
    let many =
        whole(&ask(&sim, GENERATE, &json!({"text_input": "one two", "max_tokens": 4, "stream": true})));
    assert!(
        many["error"].as_str().unwrap().starts_with("generate expects model to produce exactly 1 response")
    );
}

#[test]
fn infer_takes_and_gives_tensors() {
    let sim = sim("&engine=triton");
    let body = json!({"id": "r1", "inputs": [
        {"name": "text_input", "datatype": "BYTES", "shape": [1, 1], "data": [["one two three"]]},
        {"name": "max_tokens", "datatype": "INT32", "shape": [1], "data": [2]}]});
    let answer = whole(&ask(&sim, "/v2/models/tiny/versions/1/infer", &body));
    assert_eq!(keys(&answer), ["id", "model_name", "model_version", "outputs"]);
    let output = &answer["outputs"][0];
    assert_eq!(keys(output), ["data", "datatype", "name", "shape"]);
    assert_eq!(output["data"][0].as_str().unwrap().split_whitespace().count(), 2);
    let row = &sim.truth()[0];
    assert_eq!((row.request_id.as_str(), row.prompt_tokens), ("r1", 3));
}

#[test]
fn errors_are_tritons() {
    let body = json!({"text_input": "one", "max_tokens": 8, "stream": true});
    let sim_plain = sim("&engine=triton");
    let lost = ask(&sim_plain, "/v2/models/nope/generate_stream", &body);
    assert_eq!(
        (lost.status, lost.body.as_str()),
        (404, r#"{"error":"Request for unknown model: 'nope' is not found"}"#)
    );
    let garbage = call(&sim_plain, "POST", STREAM, "", b"{\"text_input\":");
    assert_eq!(garbage.status, 500);
    assert!(garbage.body.starts_with(r#"{"error":"failed to parse the request JSON buffer: "#));

    let broken = plain_events(&ask(&sim("&engine=triton&instream=100%"), STREAM, &body));
    assert_eq!(keys(broken.last().unwrap()), ["error"]);
    assert!(broken.len() > 1);
    assert!(!ask(&sim("&engine=triton&cut=100%"), STREAM, &body).whole);
    assert_eq!(ask(&sim("&engine=triton&errors=100%"), STREAM, &body).status, 500);
    assert_eq!(ask(&sim("&engine=triton&reject=100%"), STREAM, &body).status, 503);
}
