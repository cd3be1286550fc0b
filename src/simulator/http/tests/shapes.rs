//! The shapes of answers and refusals.

use serde_json::{Value, json};

use super::raw::*;

#[test]
fn a_chat_stream_has_vllms_shape() {
    let answer = ask(&sim(""), CHAT, &chat(3, json!({"stream_options": {"include_usage": true}})));
    let events = events(&answer);
    assert_eq!(events.len(), 5);
    let id = events[0]["id"].as_str().unwrap();
    assert!(id.starts_with("chatcmpl-"));
    for event in &events {
        assert_eq!(
            (&event["id"], &event["object"], &event["model"]),
            (&json!(id), &json!("chat.completion.chunk"), &json!("tiny"))
        );
        assert!(event["created"].as_u64().unwrap() > 1_700_000_000);
    }
    let choice = |index: usize| &events[index]["choices"][0];
    assert_eq!(choice(0)["delta"], json!({"role": "assistant", "content": ""}));
    for (index, finish) in [(1, Value::Null), (2, Value::Null), (3, json!("length"))] {
        let content = choice(index)["delta"]["content"].as_str().unwrap();
        assert!(content.starts_with(' ') && content.split_whitespace().count() == 1);
        assert_eq!((&choice(index)["finish_reason"], &choice(index)["index"]), (&finish, &json!(0)));
        assert_eq!(events[index].get("usage"), None);
    }
    assert_eq!(events[4]["choices"], json!([]));
    assert_eq!(events[4]["usage"], json!({"prompt_tokens": 4, "total_tokens": 7, "completion_tokens": 3}));
}

#[test]
fn a_completions_stream_has_vllms_shape() {
    let sim = sim("");
    let body = json!({"prompt": "a b c", "max_tokens": 2, "stream": true, "ignore_eos": true, "min_tokens": 2, "odd": {}});
    let events = events(&ask(&sim, COMPLETIONS, &body));
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["object"], "text_completion");
    assert!(events[0]["id"].as_str().unwrap().starts_with("cmpl-"));
    assert!(events[0]["choices"][0]["text"].as_str().unwrap().starts_with(' '));
    assert_eq!(events[0]["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(events[1]["choices"][0]["finish_reason"], "length");
}

#[test]
fn usage_comes_on_every_chunk_or_never_as_wished() {
    let wish = json!({"stream_options": {"include_usage": true, "continuous_usage_stats": true}});
    let counts = |query: &str| -> Vec<Option<u64>> {
        let events = events(&ask(&sim(query), CHAT, &chat(5, wish.clone())));
        events.iter().map(|event| event["usage"]["completion_tokens"].as_u64()).collect()
    };
    assert_eq!(counts(""), [0, 1, 2, 3, 4, 5, 5].map(Some));
    assert_eq!(counts("&chunk=3"), [0, 1, 4, 5, 5].map(Some));
    assert_eq!(counts("&usage=off"), [None; 6]);
}

#[test]
fn an_answer_in_one_piece_has_vllms_shape() {
    let sim = sim("");
    let answer =
        ask(&sim, CHAT, &chat(4, json!({"stream": false, "max_tokens": null, "max_completion_tokens": 4})));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["message"]["content"].as_str().unwrap().split_whitespace().count(), 4);
    assert_eq!(body["usage"], json!({"prompt_tokens": 4, "total_tokens": 8, "completion_tokens": 4}));
    let parts = json!([{"role": "user", "content": [{"type": "text", "text": "one two"}]}, {"role": "x", "content": null}]);
    let answer = ask(&sim, CHAT, &json!({"messages": parts}));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["usage"], json!({"prompt_tokens": 2, "total_tokens": 130, "completion_tokens": 128}));
    let answer = ask(&sim, COMPLETIONS, &json!({"prompt": [7, 8, 9], "max_tokens": 1}));
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&body["usage"]["prompt_tokens"], &body["choices"][0]["finish_reason"]),
        (&json!(3), &json!("length"))
    );
}

#[test]
fn wrong_requests_are_declined_in_vllms_words() {
    let sim = sim("&context=64");
    let decline = |more: Value| error(&ask(&sim, CHAT, &chat(8, more)));
    assert_eq!(
        decline(json!({"model": "nope"})),
        (404, "The model `nope` does not exist. Valid aliases: tiny.".to_owned())
    );
    assert_eq!(
        decline(json!({"max_tokens": 0})).1,
        "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)"
    );
    insta::assert_snapshot!(decline(json!({"max_tokens": 4000})).1, @"max_tokens=4000 cannot be greater than max_model_len=64. Please request fewer output tokens. (parameter=max_tokens, value=4000)");
    insta::assert_snapshot!(decline(json!({"max_tokens": 61})).1, @"This model's maximum context length is 64 tokens. However, you requested 61 output tokens and your prompt contains 4 input tokens, for a total of 65 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=4)");
    insta::assert_snapshot!(decline(json!({"stream": false, "stream_options": {}})).1, @"Stream options can only be defined when `stream=True`. (parameter=stream_options)");
    assert_eq!(decline(json!({"n": 0})).0, 400);
    assert_eq!(decline(json!({"n": 129})).1, "129 choices of 1 prompts are more than 128");
    assert_eq!(decline(json!({"messages": "hi"})).0, 400);
    assert_eq!(error(&ask(&sim, COMPLETIONS, &json!({"prompt": ["a", ""]}))).0, 400);
    assert_eq!(error(&ask(&sim, COMPLETIONS, &json!({"prompt": ""}))).0, 400);
    assert_eq!(error(&ask(&sim, COMPLETIONS, &chat(1, json!({})))).0, 400);
    let lost = get(&sim, "/nowhere");
    assert_eq!((lost.status, lost.body.as_str()), (404, r#"{"detail":"Not Found"}"#));
    let wrong = get(&sim, CHAT);
    assert_eq!((wrong.status, wrong.body.as_str()), (405, r#"{"detail":"Method Not Allowed"}"#));
}

#[test]
fn garbage_is_declined_and_the_server_lives_on() {
    let sim = sim("");
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        deep.as_bytes(),
        br#"{"max_tokens": 1e999}"#,
        br#"{"prompt": "a", "max_tokens": 99999999999999999999}"#,
        br#"{"prompt": {"a": 1}, "n": -9223372036854775808}"#,
    ];
    for body in bodies {
        for path in [CHAT, COMPLETIONS] {
            assert_eq!(error(&call(&sim, "POST", path, "", body)).0, 400);
        }
    }
    let key = "Authorization: \x01\r\n";
    assert_eq!(call(&sim, "GET", "/health", key, b"").status, 400);
    assert_eq!(get(&sim, "/health").status, 200);
}

#[test]
fn models_health_version_and_the_key() {
    let sim = sim("&api_key=secret&context=100");
    assert_eq!((get(&sim, "/health").status, get(&sim, "/version").status), (200, 200));
    let locked = get(&sim, "/v1/models");
    assert_eq!((locked.status, locked.body.as_str()), (401, r#"{"error":"Unauthorized"}"#));
    assert_eq!(call(&sim, "GET", "/v1/models", "Authorization: Bearer wrong\r\n", b"").status, 401);
    let models = call(&sim, "GET", "/v1/models", "Authorization: Bearer secret\r\n", b"");
    let models: Value = serde_json::from_str(&models.body).unwrap();
    assert_eq!(
        (&models["data"][0]["id"], &models["data"][0]["max_model_len"]),
        (&json!("tiny"), &json!(100))
    );
}

#[test]
fn a_starting_server_says_so() {
    let sim = sim("&start_ms=60000");
    assert_eq!(get(&sim, "/health").status, 503);
    assert_eq!(error(&ask(&sim, CHAT, &chat(1, json!({})))).0, 503);
}

#[test]
fn adapters_answer_under_their_own_names() {
    let sim = sim("&models=lora-a,lora-b");
    let listed: Value = serde_json::from_str(&get(&sim, "/v1/models").body).unwrap();
    let model = |index: usize| (listed["data"][index]["id"].clone(), listed["data"][index]["parent"].clone());
    assert_eq!(model(0), (json!("tiny"), Value::Null));
    assert_eq!(model(2), (json!("lora-b"), json!("tiny")));
    let events = events(&ask(&sim, CHAT, &chat(1, json!({"model": "lora-a"}))));
    assert_eq!(events[0]["model"], "lora-a");
    assert_eq!(error(&ask(&sim, CHAT, &chat(1, json!({"model": "other"})))).0, 404);
}

#[test]
fn conversations_are_read_and_their_known_beginning_is_reported_as_cached() {
    let sim = sim("");
    let words =
        |tag: &str, count: usize| (0..count).map(|at| format!("{tag}{at} ")).collect::<Vec<_>>().concat();
    let mut messages = vec![
        json!({"role": "system", "content": words("s", 20)}),
        json!({"role": "user", "content": [{"type": "text", "text": words("u", 20)}]}),
    ];
    let usage = |messages: &[Value]| {
        let more = json!({"messages": messages, "stream_options": {"include_usage": true}});
        events(&ask(&sim, CHAT, &chat(2, more))).pop().unwrap()["usage"].clone()
    };
    let first = usage(&messages);
    assert_eq!((&first["prompt_tokens"], first.get("prompt_tokens_details")), (&json!(40), None));
    messages.push(json!({"role": "assistant", "content": " the river"}));
    messages.push(json!({"role": "user", "content": "next"}));
    // Two blocks of sixteen tokens were complete.
    let second = usage(&messages);
    assert_eq!(
        (&second["prompt_tokens"], &second["prompt_tokens_details"]["cached_tokens"]),
        (&json!(43), &json!(32))
    );
    let whole = ask(&sim, CHAT, &chat(2, json!({"messages": messages, "stream": false})));
    let whole: Value = serde_json::from_str(&whole.body).unwrap();
    assert_eq!(whole["usage"]["prompt_tokens_details"]["cached_tokens"], 32);
}
