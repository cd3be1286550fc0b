//! TGI's and SGLang's own ways to generate.

use serde_json::{Value, json};

use super::raw::*;

#[test]
fn tgi_streams_tokens_with_ids_and_the_whole_text_at_the_end() {
    let sim = sim("&engine=tgi&chunk=8");
    let body = json!({"inputs": "one two", "parameters": {"max_new_tokens": 4}});
    let answer = ask(&sim, "/generate_stream", &body);
    assert!(answer.body.starts_with("data:{") && !answer.body.contains("[DONE]"));
    let events = plain_events(&answer);
    assert_eq!(events.len(), 4, "one event for each token");
    for event in &events {
        assert_eq!(keys(event), ["details", "generated_text", "index", "token"]);
        assert_eq!(keys(&event["token"]), ["id", "logprob", "special", "text"]);
    }
    let said: String = events.iter().map(|event| event["token"]["text"].as_str().unwrap()).collect();
    assert_eq!((&events[3]["generated_text"], &events[2]["generated_text"]), (&json!(said), &Value::Null));
    assert_eq!(events[3]["details"]["generated_tokens"], 4);
    let whole = whole(&ask(
        &sim,
        "/generate",
        &json!({"inputs": "one", "parameters": {"max_new_tokens": 2, "details": true}}),
    ));
    assert_eq!(whole["details"]["tokens"].as_array().unwrap().len(), 2);
}

#[test]
fn tgi_errors_have_a_type() {
    let body = json!({"inputs": "one two", "parameters": {"max_new_tokens": 8}});
    let told = |query: &str, body: &Value| {
        let answer = ask(&sim(&format!("&engine=tgi{query}")), "/generate_stream", body);
        let value: Value = serde_json::from_str(&answer.body).unwrap();
        (answer.status, value["error_type"].as_str().unwrap().to_owned())
    };
    assert_eq!(told("&reject=100%", &body), (429, "overloaded".to_owned()));
    assert_eq!(told("&errors=100%", &body), (500, "generation".to_owned()));
    assert_eq!(told("", &json!({"inputs": ""})), (422, "validation".to_owned()));
    let broken = plain_events(&ask(&sim("&engine=tgi&instream=100%"), "/generate_stream", &body));
    assert_eq!(broken.last().unwrap()["error_type"], "generation");
    assert!(!ask(&sim("&engine=tgi&cut=100%"), "/generate_stream", &body).whole);
}

#[test]
fn sglang_repeats_everything_so_far() {
    let sim = sim("&engine=sglang");
    let body = json!({"text": "one two", "sampling_params": {"max_new_tokens": 3, "ignore_eos": true}, "stream": true});
    let answer = ask(&sim, "/generate", &body);
    assert!(answer.body.ends_with("data: [DONE]\n\n"));
    let events = plain_events(&answer);
    assert_eq!(events.len(), 3);
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["output_ids"].as_array().unwrap().len(), index + 1);
        assert_eq!(event["text"].as_str().unwrap().split_whitespace().count(), index + 1);
        assert_eq!(event["meta_info"]["completion_tokens"], index + 1);
    }
    assert_eq!(events[1]["meta_info"]["finish_reason"], Value::Null);
    assert_eq!(events[2]["meta_info"]["finish_reason"], json!({"type": "length", "length": 3}));
    let latency = |name: &str| events[2]["meta_info"][name].as_f64().unwrap();
    assert!(latency("e2e_latency") > latency("first_token_latency") && latency("queue_time") >= 0.0);
    let wrong: Value = serde_json::from_str(&ask(&sim, "/generate", &json!({})).body).unwrap();
    assert_eq!((&wrong["object"], &wrong["code"]), (&json!("error"), &json!(400)));
}
