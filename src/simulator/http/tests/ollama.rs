//! Ollama's own API.

use serde_json::json;

use super::raw::*;
use crate::simulator::http::TruthOutcome;

#[test]
fn generate_streams_lines_and_ends_with_counts_and_spans() {
    let sim = sim("&engine=ollama");
    let body = json!({"model": "tiny", "prompt": "one two three", "options": {"num_predict": 3}});
    let answer = ask(&sim, "/api/generate", &body);
    let lines = lines(&answer);
    assert_eq!(lines.len(), 4, "three tokens and the end: streaming is the default");
    for line in &lines[..3] {
        assert_eq!(keys(line), ["created_at", "done", "model", "response"]);
        assert_eq!((&line["done"], &line["model"]), (&json!(false), &json!("tiny")));
        assert!(line["response"].as_str().unwrap().starts_with(' '));
    }
    let last = &lines[3];
    assert_eq!(
        (&last["done"], &last["done_reason"], &last["response"]),
        (&json!(true), &json!("length"), &json!(""))
    );
    assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(3), &json!(3)));
    let span = |name: &str| last[name].as_u64().unwrap_or(0);
    assert_eq!(
        span("load_duration") + span("prompt_eval_duration") + span("eval_duration"),
        span("total_duration")
    );
    let planned = &sim.truth()[0].planned_ns;
    assert_eq!(span("eval_duration"), planned[2] - planned[0], "the model's own instants");
    assert_eq!(last["context"].as_array().unwrap().len(), 6);
}

#[test]
fn chat_answers_in_one_piece_when_asked_and_thinks_first() {
    let sim = sim("&engine=ollama&reasoning=2");
    let mut body = json!({"model": "tiny:latest", "messages": [{"role": "user", "content": "one two"}],
        "options": {"num_predict": 5}, "stream": false});
    let whole = whole(&ask(&sim, "/api/chat", &body));
    let words = |text: &serde_json::Value| text.as_str().unwrap().split_whitespace().count();
    assert_eq!((words(&whole["message"]["thinking"]), words(&whole["message"]["content"])), (2, 3));
    assert_eq!((&whole["message"]["role"], &whole["eval_count"]), (&json!("assistant"), &json!(5)));
    body["stream"] = json!(true);
    let lines = lines(&ask(&sim, "/api/chat", &body));
    let thinks: Vec<bool> = lines.iter().map(|line| line["message"].get("thinking").is_some()).collect();
    assert_eq!(thinks, [true, true, false, false, false, false]);
    body["think"] = json!(false);
    assert!(!ask(&sim, "/api/chat", &body).body.contains("thinking"));
}

#[test]
fn images_cost_tokens() {
    let sim = sim("&engine=ollama");
    let body = json!({"model": "tiny", "prompt": "what is this", "images": ["aGVsbG8="], "stream": false,
        "options": {"num_predict": 1}});
    assert_eq!(whole(&ask(&sim, "/api/generate", &body))["prompt_eval_count"], 256 + 3);
}

#[test]
fn errors_are_bare_words() {
    let body = json!({"model": "tiny", "prompt": "one", "options": {"num_predict": 8}});
    let lost = ask(&sim("&engine=ollama"), "/api/generate", &json!({"model": "nope", "prompt": "x"}));
    assert_eq!((lost.status, lost.body.as_str()), (404, r#"{"error":"model 'nope' not found"}"#));
    let busy = ask(&sim("&engine=ollama&reject=100%"), "/api/generate", &body);
    assert_eq!(
        (busy.status, busy.body.as_str()),
        (503, r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#)
    );
    assert_eq!(ask(&sim("&engine=ollama&errors=100%"), "/api/generate", &body).status, 500);

    let sim_broken = sim("&engine=ollama&instream=100%");
    let lines = lines(&ask(&sim_broken, "/api/generate", &body));
    assert!(lines.len() > 1 && lines[0].get("error").is_none());
    assert_eq!(keys(lines.last().unwrap()), ["error"]);
    assert_eq!(sim_broken.truth()[0].outcome, TruthOutcome::StreamError);
    assert!(!ask(&sim("&engine=ollama&cut=100%"), "/api/generate", &body).whole);
}

#[test]
fn under_v1_every_delta_has_the_role_and_an_error_is_lost() {
    let more = json!({"stream_options": {"include_usage": true}});
    let answer = ask(&sim("&engine=ollama"), CHAT, &chat(2, more.clone()));
    let events = plain_events(&answer);
    assert_eq!(events.len(), 4);
    let choice = |index: usize| &events[index]["choices"][0];
    assert!((0..3).all(|index| choice(index)["delta"]["role"] == "assistant"));
    assert_eq!((&choice(2)["finish_reason"], &choice(2)["delta"]["content"]), (&json!("length"), &json!("")));
    assert_eq!((&events[3]["choices"], &events[3]["usage"]["completion_tokens"]), (&json!([]), &json!(2)));
    let text =
        json!({"prompt": "a", "max_tokens": 1, "stream": true, "stream_options": {"include_usage": true}});
    let events = plain_events(&ask(&sim("&engine=ollama"), COMPLETIONS, &text));
    assert_eq!(
        (&events[0]["usage"]["total_tokens"], &events[2]["usage"]["total_tokens"]),
        (&json!(0), &json!(2))
    );
    let broken = ask(&sim("&engine=ollama&instream=100%"), CHAT, &chat(9, more));
    assert!(broken.whole && !broken.body.contains("[DONE]") && !broken.body.contains("error"));
}
