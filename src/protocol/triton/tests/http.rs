//! The generate extension and `KServe`'s protocol over HTTP.

use proptest::prelude::*;
use serde_json::json;

use crate::protocol::tests::{response, sample};
use crate::protocol::told::{cut, decode, tell};
use crate::protocol::{Adapter, Api, CallOptions, codec};
use crate::record::Ask;

fn streamed(body: &[u8]) -> String {
    tell(&decode(codec(Api::TritonGenerate).stream(), &[body], true))
}

/// `data:` events of these outputs.
fn outputs(outputs: &[&str]) -> String {
    let events =
        outputs.iter().map(|output| format!("data: {{\"model_name\":\"m\",\"text_output\":{output}}}\n\n"));
    events.collect()
}

const TWELVE: &str = r#"T"the" T" quick" T" brown" T" fox" T" jumps" T" over" T" a" T" lazy" T" dog" T" while" T" tokens" T" stream" ok"#;

#[test]
fn the_samples_decode_to_their_tokens() {
    for (name, words) in [
        ("triton/generate_stream.body", TWELVE),
        ("triton/generate_stream_missing_required_input_still_200.body", TWELVE),
        (
            "triton/generate_stream_error_mid.body",
            r#"T"the" T" quick" T" brown" E(in_stream_error) in_stream_error: injected failure mid-stream"#,
        ),
    ] {
        assert_eq!(streamed(&sample(name)), words, "{name}");
    }
    let whole = |api, name| {
        let (status, body) = response(name);
        assert_eq!(status, 200);
        tell(&decode(codec(api).whole(), &[&body], true))
    };
    assert_eq!(
        whole(Api::TritonGenerate, "triton/generate.http"),
        r#"T"the quick brown fox jumps over a lazy" ok"#
    );
    assert_eq!(whole(Api::KserveInfer, "triton/infer_ok.http"), r#"T"hi" ok"#);
    assert_eq!(
        whole(Api::TritonGenerate, "triton/generate_on_decoupled_multi_error.http"),
        "in_stream_error: generate expects model to produce exactly 1 response, use generate stream for model that generates various number of responses"
    );
}

#[test]
fn the_samples_of_refusals_say_what_the_server_said() {
    for (name, words) in [
        (
            "triton/generate_stream_400_bad_json.http",
            "http_5xx (500): failed to parse the request JSON buffer: Invalid value. at 14",
        ),
        ("triton/generate_stream_error_first.http", "http_4xx (400): injected failure mid-stream"),
        (
            "triton/generate_stream_unknown_model.http",
            "http_4xx (404): Request for unknown model: 'nope' is not found",
        ),
        (
            "triton/infer_on_decoupled_400.http",
            "http_5xx (501): HTTP end point doesn't support models with decoupled transaction policy",
        ),
    ] {
        let (status, body) = response(name);
        assert_eq!(codec(Api::TritonGenerate).refusal(status, &body).to_string(), words, "{name}");
    }
}

#[test]
fn outputs_may_be_accumulated_empty_or_several() {
    insta::assert_snapshot!(streamed(outputs(&[r#""a""#, r#""ab""#, r#""abc""#]).as_bytes()), @r#"T"a" T"b" T"c" ok"#);
    insta::assert_snapshot!(streamed(outputs(&[r#""a""#, r#""""#, r#"["b","c"]"#, "[]"]).as_bytes()), @r#"T"a" . T"bc" . ok"#);
    insta::assert_snapshot!(streamed(outputs(&[r#"" ""#, r#"" the""#, r#"" cat""#]).as_bytes()), @r#"T" " T"the" T"  cat" ok"#);
    insta::assert_snapshot!(streamed(b"data: {\"model_name\":\"m\",\"text_output\":\"a\"}"), @r#"T"a" ok"#);
}

#[test]
fn ends_that_are_none() {
    let token = outputs(&[r#""a""#]);
    for (body, words) in [
        (String::new(), "malformed: empty response"),
        (outputs(&[r#""""#]), "truncated: the stream ended without any text_output"),
        (
            "data: {\"model_name\":\"m\"}\n\n".to_owned(),
            "truncated: the stream ended without any text_output",
        ),
        (token.clone() + "data: {\"error\":\"x\"}", "in_stream_error: x"),
        (token.clone() + "data: {\"text_out", "truncated: the body ended inside a document"),
        (r#"{"error":"x"}"#.to_owned(), "in_stream_error: x"),
    ] {
        let told = streamed(body.as_bytes());
        assert!(told.ends_with(words), "{body}\n{told}\n{words}");
    }
    let whole = |api, body: &str| tell(&decode(codec(api).whole(), &[body.as_bytes()], true));
    insta::assert_snapshot!(whole(Api::TritonGenerate, r#"{"text_output":""}"#), @". truncated: the stream ended without any text_output");
    insta::assert_snapshot!(whole(Api::KserveInfer, r#"{"outputs":[{"name":"n","datatype":"INT32","shape":[1],"data":[1]}]}"#), @". malformed: no tokens");
    insta::assert_snapshot!(whole(Api::KserveInfer, r#"{"outputs":[{"name":"n","datatype":"INT32","data":[1]},{"name":"o","datatype":"BYTES","data":["a","b"]}]}"#), @r#"T"ab" ok"#);
    insta::assert_snapshot!(whole(Api::KserveInfer, r#"{"error":"x"}"#), @"in_stream_error: x");
}

#[test]
fn requests_are_worded_for_the_model_behind_triton() {
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(0, "hi".to_owned()) };
    let words = |api, adapter, extra: serde_json::Value| {
        let options = CallOptions {
            model: "m".to_owned(),
            stream: true,
            temperature: Some(0.5),
            ignore_eos: true,
            adapter,
            extra_body: extra.as_object().unwrap().clone(),
            ..CallOptions::default()
        };
        String::from_utf8(codec(api).body(&ask, &options)).unwrap()
    };
    insta::assert_snapshot!(words(Api::TritonGenerate, Adapter::Triton, json!({"end_id": 2, "bad_words": null})), @r#"{"end_id":2,"exclude_input_in_output":true,"max_tokens":8,"sampling_parameters":"{\"max_tokens\":8,\"temperature\":0.5}","stop_words":"","stream":true,"temperature":0.5,"text_input":"hi"}"#);
    insta::assert_snapshot!(words(Api::TritonGenerate, Adapter::Vllm, json!({})), @r#"{"bad_words":"","exclude_input_in_output":true,"max_tokens":8,"sampling_parameters":"{\"ignore_eos\":true,\"max_tokens\":8,\"min_tokens\":8,\"temperature\":0.5}","stop_words":"","stream":true,"temperature":0.5,"text_input":"hi"}"#);
    insta::assert_snapshot!(words(Api::KserveInfer, Adapter::Triton, json!({"temperature": null, "ids": [1, 2], "parameters": {"p": 1}})), @r#"{"inputs":[{"data":[1,2],"datatype":"INT32","name":"ids","shape":[2]},{"data":[8],"datatype":"INT32","name":"max_tokens","shape":[1]},{"data":["hi"],"datatype":"BYTES","name":"text_input","shape":[1]}],"parameters":{"p":1}}"#);
    insta::assert_snapshot!(words(Api::KserveInfer, Adapter::TrtLlm, json!({"stop_words": null, "bad_words": null})), @r#"{"inputs":[{"data":[true],"datatype":"BOOL","name":"exclude_input_in_output","shape":[1,1]},{"data":[8],"datatype":"INT32","name":"max_tokens","shape":[1,1]},{"data":[0.5],"datatype":"FP32","name":"temperature","shape":[1,1]},{"data":["hi"],"datatype":"BYTES","name":"text_input","shape":[1,1]}]}"#);
    insta::assert_snapshot!(words(Api::KserveInfer, Adapter::Vllm, json!({})), @r#"{"inputs":[{"data":[true],"datatype":"BOOL","name":"exclude_input_in_output","shape":[1]},{"data":["{\"ignore_eos\":true,\"max_tokens\":8,\"min_tokens\":8,\"temperature\":0.5}"],"datatype":"BYTES","name":"sampling_parameters","shape":[1]},{"data":["hi"],"datatype":"BYTES","name":"text_input","shape":[1]}]}"#);
    let path = |api, stream| codec(api).path("m", stream);
    assert_eq!(path(Api::TritonGenerate, true), "/v2/models/m/generate_stream");
    assert_eq!(path(Api::TritonGenerate, false), "/v2/models/m/generate");
    assert_eq!(path(Api::KserveInfer, false), "/v2/models/m/infer");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_cut_is_the_same(
        texts in prop::collection::vec(prop::sample::select(vec![r#""a""#, r#""ab""#, r#""\u00e9""#, r#""""#, r#"["b"]"#, "7", "{"]), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        clean: bool,
    ) {
        let body = outputs(&texts);
        for decoder in [|| codec(Api::TritonGenerate).stream(), || codec(Api::KserveInfer).whole()] {
            prop_assert_eq!(decode(decoder(), &cut(body.as_bytes(), &cuts), clean), decode(decoder(), &[body.as_bytes()], clean));
        }
    }
}
