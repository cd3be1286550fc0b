//! Several choices, several prompts, calls, reasoning, ids and images in vLLM's chat and completions.

use serde_json::{Value, json};

use super::raw::*;

#[test]
fn several_choices_interleave_and_usage_is_summed_once() {
    let sim = sim("");
    let more = json!({"n": 2, "stream_options": {"include_usage": true}});
    let events = events(&ask(&sim, CHAT, &chat(3, more)));
    let usage = events.last().unwrap();
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"], json!({"prompt_tokens": 4, "total_tokens": 10, "completion_tokens": 6}));
    for choice in 0..2 {
        let own: Vec<&Value> =
            events.iter().map(|event| &event["choices"][0]).filter(|it| it["index"] == choice).collect();
        assert_eq!(own.len(), 4, "a role chunk and three tokens");
        assert_eq!(own[0]["delta"]["role"], "assistant");
        assert_eq!((&own[2]["finish_reason"], &own[3]["finish_reason"]), (&Value::Null, &json!("length")));
    }
    let row = &sim.truth()[0];
    assert_eq!((row.prompt_tokens, row.output_tokens, row.planned_ns.len()), (4, 6, 6));
    assert!(
        get(&sim, "/metrics").body.contains(r#"finished_reason="length",engine="0",model_name="tiny"} 2"#)
    );
}

#[test]
fn several_prompts_are_answered_together() {
    let sim = sim("");
    let body = json!({"prompt": ["a b", "c d e"], "max_tokens": 2, "n": 2});
    let answer = whole(&ask(&sim, COMPLETIONS, &body));
    let texts: Vec<&str> =
        answer["choices"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 4);
    assert!(texts.iter().all(|text| text.split_whitespace().count() == 2));
    assert_ne!(texts[0], texts[1]);
    assert_eq!(answer["usage"], json!({"prompt_tokens": 5, "total_tokens": 13, "completion_tokens": 8}));
    let lists = whole(&ask(&sim, COMPLETIONS, &json!({"prompt": [[1, 2], [3]], "max_tokens": 1})));
    assert_eq!(lists["usage"]["prompt_tokens"], 3);
}

#[test]
fn one_broken_choice_breaks_the_answer_and_frees_the_others() {
    let sim = sim("&instream=50%&seed=3");
    let answer = ask(&sim, CHAT, &chat(200, json!({"n": 8})));
    assert_eq!(events(&answer).last().unwrap()["error"]["code"], 500);
    let idle = "num_requests_running{engine=\"0\",model_name=\"tiny\"} 0";
    assert!((0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        get(&sim, "/metrics").body.contains(idle)
    }));
}

#[test]
fn a_required_tool_is_called_in_pieces_that_make_json() {
    let sim = sim("");
    let tools = json!({"tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
        "tool_choice": "required"});
    let events = events(&ask(&sim, CHAT, &chat(6, tools.clone())));
    let call = |index: usize| &events[index]["choices"][0]["delta"]["tool_calls"][0];
    assert_eq!((&call(1)["function"]["name"], &call(1)["type"]), (&json!("weather"), &json!("function")));
    assert!(call(2).get("id").is_none());
    let arguments: String =
        (1..=6).map(|index| call(index)["function"]["arguments"].as_str().unwrap()).collect();
    assert!(serde_json::from_str::<Value>(&arguments).unwrap()["text"].is_string(), "{arguments}");
    assert_eq!(events[6]["choices"][0]["finish_reason"], "tool_calls");

    let mut once = chat(1, tools);
    once["stream"] = json!(false);
    let once = whole(&ask(&sim, CHAT, &once));
    assert_eq!(once["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], "{}");
    let auto = json!({"tools": [{"function": {"name": "weather"}}], "tool_choice": "auto"});
    assert!(!ask(&sim, CHAT, &chat(2, auto)).body.contains("tool_calls"));
}

#[test]
fn reasoning_comes_first_and_chunks_never_hold_both() {
    let sim = sim("&reasoning=5&chunk=4");
    let more = json!({"stream_options": {"include_usage": true}});
    let events = events(&ask(&sim, CHAT, &chat(9, more)));
    let words = |index: usize, field: &str| {
        events[index]["choices"][0]["delta"][field].as_str().map(|text| text.split_whitespace().count())
    };
    assert_eq!((words(1, "reasoning"), words(2, "reasoning")), (Some(1), Some(4)));
    assert_eq!((words(3, "reasoning"), words(3, "content")), (None, Some(4)));
    assert_eq!(events[4]["usage"]["completion_tokens_details"]["reasoning_tokens"], 5);
    // Completions have no place for it.
    assert!(!ask(&sim, COMPLETIONS, &json!({"prompt": "a", "max_tokens": 9})).body.contains("reasoning"));
}

#[test]
fn ids_of_tokens_come_when_they_are_wished() {
    let sim = sim("&chunk=2");
    let events = events(&ask(&sim, CHAT, &chat(4, json!({"return_token_ids": true}))));
    let counts: Vec<usize> =
        events[1..].iter().map(|event| event["choices"][0]["token_ids"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [1, 2, 1]);
    assert_eq!(events[0]["prompt_token_ids"].as_array().unwrap().len(), 4);
    let body = json!({"prompt": [7, 8], "max_tokens": 2, "return_token_ids": true});
    let whole = whole(&ask(&sim, COMPLETIONS, &body));
    assert_eq!(whole["choices"][0]["prompt_token_ids"], json!([7, 8]));
}

#[test]
fn an_image_costs_256_tokens() {
    let sim = sim("");
    let parts = json!([{"type": "text", "text": "what is this"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}}]);
    let body = json!({"messages": [{"role": "user", "content": parts}], "max_tokens": 1});
    assert_eq!(whole(&ask(&sim, CHAT, &body))["usage"]["prompt_tokens"], 256 + 3);
}
