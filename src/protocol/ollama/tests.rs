//! Samples of a server that looks like Ollama, and bodies made by hand after Ollama's documentation.

use proptest::prelude::*;
use serde_json::json;

use crate::protocol::models::Listing;
use crate::protocol::tests::{response, sample};
use crate::protocol::told::{cut, decode, tell};
use crate::protocol::{Api, CallOptions, codec};
use crate::record::{Ask, Failure, Message, Prompt};

fn streamed(body: &str) -> String {
    tell(&decode(codec(Api::OllamaChat).stream(), &[body.as_bytes()], true))
}

/// By hand, after docs/api.md: a chat with a model that thinks.
const CHAT: &str = r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"","thinking":"hm"},"done":false}
{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"The \"sky\""},"done":false}
{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":""},"done_reason":"length","done":true,"total_duration":4883583458,"load_duration":1334875,"prompt_eval_count":26,"prompt_eval_duration":342546000,"eval_count":282,"eval_duration":4535599000}
"#;

/// By hand: without a text template, and the prompt in the cache.
const GENERATE: &str = r#"{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"The","done":false}
{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"","thinking":"x","done":false}
{"model":"m","created_at":"2026-01-01T00:00:00Z","response":"","done":true,"done_reason":"stop","context":[1,2],"total_duration":5000,"eval_count":2,"eval_duration":4000}
"#;

#[test]
fn lines_bring_tokens_and_the_last_one_counts_and_times() {
    insta::assert_snapshot!(streamed(CHAT), @r#"h"hm" T"The \"sky\"" F(length) U(26/282/-) t(-/1334/342546/4535599/4883583) ok"#);
    insta::assert_snapshot!(streamed(GENERATE), @r#"T"The" h"x" F(stop) U(0/2/-) t(-/-/-/4/5) ok"#);
    let call = r#"{"message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":"b"}}}]},"done":false}"#;
    let done = r#"{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}"#;
    insta::assert_snapshot!(streamed(&format!("{call}\n{done}")), @r#"h"f{\"a\":\"b\"}" F(stop) ok"#);
}

#[test]
fn the_samples_of_a_server_that_looks_like_ollama() {
    let told = |name: &str| tell(&decode(codec(Api::OllamaGenerate).stream(), &[&sample(name)], true));
    assert_eq!(
        told("sglang/ollama_api_generate_stream.body"),
        r#"T" recv" T"ates" T".timeout" T"crete" T".modules" F(stop) ok"#
    );
    assert_eq!(
        told("sglang/ollama_api_chat_stream.body"),
        r#"T"last" T"cannot" T" '&" T" Python" T"3" F(stop) ok"#
    );
    assert_eq!(Listing::Ollama.parse(&response("sglang/ollama_api_tags.http").1).unwrap(), ["tiny"]);
}

#[test]
fn ends_that_are_none() {
    let token = r#"{"response":"a","done":false}"#;
    for (body, words) in [
        (format!("{token}\n{{\"error\":\"unexpected EOF\"}}\n"), "in_stream_error: unexpected EOF"),
        (format!("{token}\n"), "truncated: the stream ended without a line that is done"),
        (format!("{token}\n{{\"resp"), "truncated: the body ended inside a document"),
        (String::new(), "malformed: empty response"),
        (
            r#"{"model":"m","response":"","done":true,"done_reason":"load"}"#.to_owned(),
            "malformed: no tokens: the server only did what it calls 'load'",
        ),
        (r#"{"response":"","done":true,"done_reason":"stop"}"#.to_owned(), "malformed: no tokens"),
        (
            "<html><title>Sign in</title></html>".to_owned(),
            "malformed: not a chunk (expected value at line 1 column 1): Sign in",
        ),
    ] {
        let told = streamed(&body);
        assert!(told.ends_with(words), "{body}\n{told}\n{words}");
    }
    let cut = tell(&decode(codec(Api::OllamaChat).stream(), &[CHAT.as_bytes()], false));
    assert!(cut.ends_with("truncated: the connection closed before the body's end"), "{cut}");
    let refused = codec(Api::OllamaChat).refusal(404, br#"{"error":"model 'm' not found"}"#);
    assert_eq!(refused.to_string(), "http_4xx (404): model 'm' not found");
}

#[test]
fn whole_responses_are_a_last_line_with_all_of_the_text() {
    let whole = |body: &str| tell(&decode(codec(Api::OllamaGenerate).whole(), &[body.as_bytes()], true));
    insta::assert_snapshot!(whole(r#"{"model":"m","response":"a b","done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2,"total_duration":9000}"#), @r#"T"a b" F(stop) U(3/2/-) t(-/-/-/-/9) ok"#);
    insta::assert_snapshot!(whole(r#"{"error":"no"}"#), @"in_stream_error: no");
    insta::assert_snapshot!(whole(r#"{"models":[]}"#), @r#"malformed: not an answer of this API: {"models":[]}"#);
    assert!(whole(CHAT).starts_with("malformed: not an answer of this API (trailing characters"));
}

#[test]
fn requests_are_worded_as_ollama_reads_them() {
    let extra_body = json!({"options": {"num_ctx": 8192, "temperature": null}, "keep_alive": "1h"});
    let options = CallOptions {
        model: "m".to_owned(),
        stream: true,
        temperature: Some(0.5),
        ignore_eos: true,
        extra_body: extra_body.as_object().unwrap().clone(),
        ..CallOptions::default()
    };
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(0, "hi".to_owned()) };
    let words = |api, ask: &Ask| String::from_utf8(codec(api).body(ask, &options)).unwrap();
    insta::assert_snapshot!(words(Api::OllamaGenerate, &ask), @r#"{"keep_alive":"1h","model":"m","options":{"num_ctx":8192,"num_predict":8},"prompt":"hi","stream":true}"#);
    let content = json!([{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]);
    let prompt = Prompt::Messages(vec![Message { role: "user".to_owned(), content }]);
    insta::assert_snapshot!(words(Api::OllamaChat, &Ask { prompt, ..ask }), @r#"{"keep_alive":"1h","messages":[{"content":"see","images":["QUJD"],"role":"user"}],"model":"m","options":{"num_ctx":8192,"num_predict":8},"stream":true}"#);
    assert_eq!(codec(Api::OllamaChat).path("m", true), "/api/chat");
    assert_eq!(codec(Api::OllamaGenerate).path("m", false), "/api/generate");
}

#[test]
fn a_decoder_is_as_good_as_new_after_a_reset() {
    let mut decoder = codec(Api::OllamaChat).stream();
    for _ in 0..2 {
        decoder.feed(b"{\"error\":\"x\"}\n{\"resp", &mut |_| ());
        assert!(decoder.finish(true, &mut |_| ()).is_err());
        decoder.reset();
        decoder.feed(CHAT.as_bytes(), &mut |_| ());
        assert_eq!(decoder.finish(true, &mut |_| ()), Ok(()));
        decoder.reset();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_in_any_cut_are_the_same_and_never_a_panic(
        parts in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(vec![
                "\n", "{", "}", "\"", "null", r#"{"response":"é","done":false}"#, r#"{"message":{"content":"a","tool_calls":[{"function":{"arguments":{}}}]}}"#,
                r#"{"response":"","done":true,"done_reason":"load","eval_count":1}"#, r#"{"error":{"a":1}}"#, "\r",
            ]).prop_map(|part| part.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ], 0..12),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        clean: bool,
    ) {
        let bytes = parts.concat();
        for decoder in [|| codec(Api::OllamaChat).stream(), || codec(Api::OllamaChat).whole()] {
            prop_assert_eq!(decode(decoder(), &cut(&bytes, &cuts), clean), decode(decoder(), &[&bytes], clean));
        }
        prop_assert!(codec(Api::OllamaChat).refusal(500, &bytes).detail.len() <= Failure::DETAIL_MAX);
    }

    #[test]
    fn a_stream_that_is_cut_is_no_success(at in 0..CHAT.len()) {
        prop_assert!(decode(codec(Api::OllamaChat).stream(), &[&CHAT.as_bytes()[..at]], false).1.is_err());
    }
}
