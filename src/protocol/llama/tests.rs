//! The sample of a real server, and bodies made by hand.

use proptest::prelude::*;

use crate::protocol::tests::sample;
use crate::protocol::told::{cut, decode, tell};
use crate::protocol::{Adapter, Api, CallOptions, codec};
use crate::record::Ask;

const SAMPLE: &str = "llama-server/native_completion_stream.body";

/// `data:` events, one per line.
fn streamed(lines: &str) -> String {
    let body: String = lines.lines().flat_map(|line| ["data: ", line.trim(), "\n\n"]).collect();
    tell(&decode(codec(Api::LlamaCompletion).stream(), &[body.as_bytes()], true))
}

#[test]
fn the_sample_is_five_tokens_and_what_the_server_says_of_them() {
    assert_eq!(
        tell(&decode(codec(Api::LlamaCompletion).stream(), &[&sample(SAMPLE)], true)),
        "T\" IS\"*1 T\".list\"*1 T\" included\"*1 T\" Sho\"*1 T\" DST\"*1 F(limit) U(5/5/4) t(-/-/898/2648/-) ok"
    );
}

#[test]
fn ends_that_are_none() {
    let token = r#"{"content":"a","tokens":[1],"stop":false}"#;
    let end = r#"{"content":"","tokens":[],"stop":true,"stop_type":"eos","tokens_evaluated":3,"tokens_predicted":1}"#;
    for (lines, words) in [
        (format!("{token}\n{end}"), "T\"a\"*1 F(eos) U(3/1/-) ok"),
        (token.to_owned(), "T\"a\"*1 truncated: the stream ended without \"stop\": true"),
        (
            format!("{token}\n{{\"error\":{{\"message\":\"died\",\"code\":500}}}}"),
            "T\"a\"*1 E(in_stream_error) in_stream_error: died",
        ),
        // A token without text of its own, and an answer without any.
        (format!("{}\n{end}", token.replace("\"a\"", "\"\"")), "h\"\"*1 F(eos) U(3/1/-) ok"),
        (
            end.replace("\"tokens_predicted\":1", "\"tokens_predicted\":0"),
            "F(eos) U(3/0/-) malformed: no tokens",
        ),
    ] {
        assert_eq!(streamed(&lines), words, "{lines}");
    }
}

#[test]
fn whole_responses() {
    let whole = |body: &str| tell(&decode(codec(Api::LlamaCompletion).whole(), &[body.as_bytes()], true));
    let body = r#"{"content":"a b","tokens":[],"stop":true,"stop_type":"limit","tokens_evaluated":5,"tokens_predicted":2,"timings":{"cache_n":0,"prompt_n":5,"prompt_ms":1.5,"predicted_ms":2.5}}"#;
    assert_eq!(whole(body), "T\"a b\" F(limit) U(5/2/0) t(-/-/1500/2500/-) ok");
    assert_eq!(
        whole(r#"{"error":{"message":"the request exceeds the available context size"}}"#),
        "in_stream_error: the request exceeds the available context size"
    );
}

#[test]
fn requests_are_worded_as_llama_server_reads_them() {
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(0, "hi".to_owned()) };
    let options = CallOptions {
        stream: true,
        temperature: Some(0.0),
        ignore_eos: true,
        adapter: Adapter::LlamaServer,
        ..CallOptions::default()
    };
    let body = codec(Api::LlamaCompletion).body(&ask, &options);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"ignore_eos":true,"n_predict":8,"prompt":"hi","stream":true,"temperature":0.0}"#
    );
}

proptest! {
    #[test]
    fn any_cut_of_the_sample_is_the_same(cuts in prop::collection::vec(any::<usize>(), 0..6)) {
        let body = sample(SAMPLE);
        let stream = || codec(Api::LlamaCompletion).stream();
        prop_assert_eq!(decode(stream(), &cut(&body, &cuts), true), decode(stream(), &[&body], true));
    }
}
