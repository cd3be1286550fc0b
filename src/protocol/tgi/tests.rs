//! Bodies made by hand after TGI's docs/openapi.json.

use proptest::prelude::*;
use serde_json::json;

use crate::protocol::told::{cut, decode, tell};
use crate::protocol::{Api, CallOptions, codec};
use crate::record::Ask;

fn streamed(body: &str) -> String {
    tell(&decode(codec(Api::TgiGenerate).stream(), &[body.as_bytes()], true))
}

const TOKEN: &str = "data:{\"index\":1,\"token\":{\"id\":7,\"text\":\" hi\",\"logprob\":-0.1,\"special\":false},\"generated_text\":null,\"details\":null}\n\n";

const LAST: &str = "data:{\"index\":2,\"token\":{\"id\":2,\"text\":\"</s>\",\"logprob\":-0.1,\"special\":true},\"generated_text\":\" hi\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":2,\"seed\":null,\"input_length\":5}}\n\n";

#[test]
fn every_event_is_a_token_and_the_last_one_counts() {
    insta::assert_snapshot!(streamed(&format!("{TOKEN}{LAST}")), @r#"T" hi"*1 h""*1 F(eos_token) U(5/2/-) ok"#);
    let bare = LAST.replace(
        r#""details":{"finish_reason":"eos_token","generated_tokens":2,"seed":null,"input_length":5}"#,
        r#""details":null"#,
    );
    insta::assert_snapshot!(streamed(&format!(": hi\n\n{TOKEN}{bare}")), @r#". T" hi"*1 h""*1 ok"#);
}

#[test]
fn ends_that_are_none() {
    for (body, words) in [
        (
            format!(
                "{TOKEN}data:{{\"error\":\"Request failed during generation\",\"error_type\":\"generation\"}}\n\n"
            ),
            "in_stream_error: Request failed during generation",
        ),
        (TOKEN.to_owned(), "truncated: the stream ended without generated_text"),
        (format!("{TOKEN}{}", &LAST[..LAST.len() - 4]), "truncated: the body ended inside a document"),
        (String::new(), "malformed: empty response"),
        (r#"{"error":"x","error_type":"validation"}"#.to_owned(), "in_stream_error: x"),
        (
            r#"{"generated_text":"x"}"#.to_owned(),
            r#"malformed: the server does not stream: it answered with one document: {"generated_text":"x"}"#,
        ),
    ] {
        let told = streamed(&body);
        assert!(told.ends_with(words), "{body}\n{told}\n{words}");
    }
    let busy = br#"{"error":"Model is overloaded","error_type":"overloaded"}"#;
    assert_eq!(codec(Api::TgiGenerate).refusal(429, busy).to_string(), "http_429 (429): Model is overloaded");
}

#[test]
fn whole_responses() {
    let whole = |body: &str| tell(&decode(codec(Api::TgiGenerate).whole(), &[body.as_bytes()], true));
    insta::assert_snapshot!(whole(r#"{"generated_text":"a b","details":{"finish_reason":"length","generated_tokens":2,"seed":1,"prefill":[],"tokens":[]}}"#), @r#"T"a b" F(length) U(-/2/-) ok"#);
    insta::assert_snapshot!(whole(r#"{"generated_text":"","details":{"finish_reason":"eos_token","generated_tokens":1}}"#), @"F(eos_token) U(-/1/-) ok");
    insta::assert_snapshot!(whole(r#"{"generated_text":""}"#), @"malformed: no tokens");
    insta::assert_snapshot!(whole(r#"{"error":"no","error_type":"generation"}"#), @"in_stream_error: no");
    insta::assert_snapshot!(whole(TOKEN), @"malformed: the server streams although no stream was asked for");
}

#[test]
fn requests_are_worded_as_tgi_reads_them() {
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(0, "hi".to_owned()) };
    let extra_body = json!({"parameters": {"top_p": 0.9}});
    let words = |temperature| {
        let options = CallOptions {
            temperature: Some(temperature),
            stream: true,
            extra_body: extra_body.as_object().unwrap().clone(),
            ..CallOptions::default()
        };
        String::from_utf8(codec(Api::TgiGenerate).body(&ask, &options)).unwrap()
    };
    insta::assert_snapshot!(words(0.5), @r#"{"inputs":"hi","parameters":{"details":true,"do_sample":true,"max_new_tokens":8,"temperature":0.5,"top_p":0.9}}"#);
    insta::assert_snapshot!(words(0.0), @r#"{"inputs":"hi","parameters":{"details":true,"do_sample":false,"max_new_tokens":8,"top_p":0.9}}"#);
    assert_eq!(codec(Api::TgiGenerate).path("m", true), "/generate_stream");
    assert_eq!(codec(Api::TgiGenerate).path("m", false), "/generate");
}

proptest! {
    #[test]
    fn any_cut_is_the_same_and_an_early_end_no_success(cuts in prop::collection::vec(any::<usize>(), 0..6), at in any::<usize>(), clean: bool) {
        let body = format!("{TOKEN}{TOKEN}{LAST}");
        let stream = || codec(Api::TgiGenerate).stream();
        prop_assert_eq!(decode(stream(), &cut(body.as_bytes(), &cuts), clean), decode(stream(), &[body.as_bytes()], clean));
        prop_assert!(decode(stream(), &[&body.as_bytes()[..at % body.len()]], false).1.is_err());
    }
}
