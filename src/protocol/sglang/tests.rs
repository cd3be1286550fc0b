//! The sample of a real server, and bodies made by hand.

use proptest::prelude::*;
use serde_json::json;

use crate::protocol::tests::sample;
use crate::protocol::told::{cut, decode, tell};
use crate::protocol::{Adapter, Api, CallOptions, codec};
use crate::record::Ask;

const SAMPLE: &str = "sglang/native_generate_stream.body";

/// `data:` events, one per line.
fn streamed(lines: &str) -> String {
    let events: Vec<String> = lines.lines().map(|line| format!("data: {}\n\n", line.trim())).collect();
    tell(&decode(codec(Api::SglangGenerate).stream(), &[events.concat().as_bytes()], true))
}

/// A chunk with running totals.
fn chunk(index: u32, text: &str, tokens: u32, finish: &str) -> String {
    let ids = vec!["1"; tokens as usize].join(",");
    format!(
        r#"{{"text":"{text}","output_ids":[{ids}],"meta_info":{{"prompt_tokens":5,"completion_tokens":{tokens},"finish_reason":{finish}}},"index":{index}}}"#
    ) + "\n"
}

const LENGTH: &str = r#"{"type":"length","length":2}"#;

#[test]
fn the_sample_is_six_tokens_and_what_the_server_says_of_them() {
    assert_eq!(
        tell(&decode(codec(Api::SglangGenerate).stream(), &[&sample(SAMPLE)], true)),
        "T\"pes\"*1 T\"(pickle\"*1 T\"return\"*1 T\"icroseconds\"*1 T\" less\"*1 T\"gz\"*1 F(length) U(5/6/4) t(276/-/5647/-/36738) D ok"
    );
}

#[test]
fn only_what_was_added_is_new() {
    let several =
        chunk(0, "a", 1, "null") + &chunk(0, "abc", 3, "null") + &chunk(0, "abc", 4, LENGTH) + "[DONE]";
    insta::assert_snapshot!(streamed(&several), @r#"T"a"*1 T"bc"*2 h""*1 F(length) U(5/4/-) D ok"#);
    // Pieces: ids and texts of their own, the count a total.
    let pieces = [
        r#"{"text":"a","output_ids":[1],"meta_info":{"completion_tokens":1,"finish_reason":null}}"#,
        r#"{"text":"a","output_ids":[2],"meta_info":{"completion_tokens":2,"finish_reason":{"type":"stop","matched":2}}}"#,
    ];
    insta::assert_snapshot!(streamed(&pieces.join("\n")), @r#"T"a"*1 T"a"*1 F(stop) U(-/2/-) ok"#);
    let two = chunk(0, "a", 1, "null") + &chunk(1, "x", 1, "null") + &chunk(0, "ab", 2, LENGTH);
    insta::assert_snapshot!(streamed(&(two.clone() + &chunk(1, "xy", 2, LENGTH))), @r#"T"a"*1 T"x"*1 T"b"*1 F(length) U(5/3/-) T"y"*1 F(length) U(5/4/-) ok"#);
    insta::assert_snapshot!(streamed(&(two + "[DONE]")), @r#"T"a"*1 T"x"*1 T"b"*1 F(length) U(5/3/-) D truncated: the stream ended without a finish reason for every choice"#);
}

#[test]
fn ends_that_are_none() {
    let token = chunk(0, "a", 1, "null");
    for (lines, words) in [
        (token.clone() + "[DONE]", "truncated: the stream ended without a finish reason for every choice"),
        (token.clone() + r#"{"error":{"message":"died"}}"# + "\n[DONE]", "in_stream_error: died"),
        (
            token.clone() + &chunk(0, "a", 1, r#"{"type":"abort","message":"out of memory"}"#),
            "in_stream_error: out of memory",
        ),
        (chunk(0, "", 0, LENGTH) + "[DONE]", "malformed: no tokens"),
        (
            token.clone() + r#"{"text":"#,
            r#"malformed: not a chunk (EOF while parsing a value at line 1 column 8): {"text":"#,
        ),
        ("[DONE]".to_owned(), "malformed: empty response"),
    ] {
        let told = streamed(&lines);
        assert!(told.ends_with(words), "{lines}\n{told}\n{words}");
    }
    let many: String = (0..200).map(|index| chunk(index, "a", 1, "null")).collect();
    assert!(streamed(&many).ends_with("malformed: more than 128 choices"));
}

#[test]
fn whole_responses() {
    let whole = |body: &str| tell(&decode(codec(Api::SglangGenerate).whole(), &[body.as_bytes()], true));
    insta::assert_snapshot!(whole(&chunk(0, "a b", 2, LENGTH)), @r#"T"a b"*2 F(length) U(5/2/-) ok"#);
    let two = format!("[{},{}]", chunk(0, "a", 1, LENGTH), chunk(1, "b", 2, LENGTH));
    insta::assert_snapshot!(whole(&two), @r#"T"a"*1 F(length) U(5/1/-) T"b"*2 F(length) U(5/3/-) ok"#);
    insta::assert_snapshot!(whole(r#"{"error":{"message":"no"}}"#), @"in_stream_error: no");
    insta::assert_snapshot!(whole("[]"), @"malformed: not an answer of this API: []");
}

#[test]
fn requests_are_worded_as_sglang_reads_them() {
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(0, "hi".to_owned()) };
    let extra_body = json!({"sampling_params": {"top_p": 0.9}, "return_logprob": true});
    let options = CallOptions {
        stream: true,
        temperature: Some(0.0),
        ignore_eos: true,
        adapter: Adapter::Sglang,
        extra_body: extra_body.as_object().unwrap().clone(),
        ..CallOptions::default()
    };
    let words = String::from_utf8(codec(Api::SglangGenerate).body(&ask, &options)).unwrap();
    insta::assert_snapshot!(words, @r#"{"return_logprob":true,"sampling_params":{"ignore_eos":true,"max_new_tokens":8,"min_new_tokens":8,"temperature":0.0,"top_p":0.9},"stream":true,"text":"hi"}"#);
}

proptest! {
    #[test]
    fn any_cut_is_the_same_and_an_early_end_no_success(cuts in prop::collection::vec(any::<usize>(), 0..6), at in any::<usize>(), clean: bool) {
        let body = sample(SAMPLE);
        let stream = || codec(Api::SglangGenerate).stream();
        prop_assert_eq!(decode(stream(), &cut(&body, &cuts), clean), decode(stream(), &[&body], clean));
        prop_assert!(decode(stream(), &[&body[..at % body.len()]], false).1.is_err());
    }
}
