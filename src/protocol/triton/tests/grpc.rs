//! `KServe`'s protocol over gRPC.

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;

use super::super::messages::{
    InferParameter, InferTensor, InferTensorContents, ModelInferRequest, ModelInferResponse,
    ModelStreamInferResponse, Parameter,
};
use crate::protocol::tests::sample;
use crate::protocol::told::{cut, decode, tell};
use crate::protocol::{Adapter, Api, CallOptions, codec};
use crate::record::Ask;

fn streamed(body: &[u8]) -> String {
    tell(&decode(codec(Api::KserveGrpc).stream(), &[body], true))
}

fn frame(flag: u8, payload: &[u8]) -> Vec<u8> {
    [&[flag][..], &(payload.len() as u32).to_be_bytes(), payload].concat()
}

fn status(code: u32, words: &str) -> Vec<u8> {
    frame(0x80, format!("grpc-status: {code}\r\ngrpc-message: {words}\r\n").as_bytes())
}

fn answered(response: ModelInferResponse) -> Vec<u8> {
    let message =
        ModelStreamInferResponse { infer_response: Some(response), ..ModelStreamInferResponse::default() };
    frame(0, &message.encode_to_vec())
}

fn failed(words: &str) -> Vec<u8> {
    let message =
        ModelStreamInferResponse { error_message: words.to_owned(), ..ModelStreamInferResponse::default() };
    frame(0, &message.encode_to_vec())
}

fn is_final(last: bool) -> BTreeMap<String, InferParameter> {
    let flag = InferParameter { choice: Some(Parameter::Switch(last)) };
    BTreeMap::from([("triton_final_response".to_owned(), flag)])
}

fn output(name: &str, datatype: &str) -> InferTensor {
    InferTensor { name: name.to_owned(), datatype: datatype.to_owned(), shape: vec![1], contents: None }
}

/// One token, beside a number as in the sample.
fn token(text: &str) -> Vec<u8> {
    let raw = [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    answered(ModelInferResponse {
        parameters: is_final(false),
        outputs: vec![output("sequence_index", "INT32"), output("text_output", "BYTES")],
        raw_output_contents: vec![vec![0; 4], raw],
    })
}

fn last() -> Vec<u8> {
    answered(ModelInferResponse { parameters: is_final(true), ..ModelInferResponse::default() })
}

/// The responses below a heading of the sample, which is protobuf's text format, as frames.
fn section(title: &str) -> Vec<u8> {
    let text = String::from_utf8(sample("triton/grpc_stream_infer.txt")).unwrap();
    let section = text.split("\n=== ").find(|section| section.starts_with(title)).unwrap();
    section.split("\n--- ").skip(1).flat_map(block_frame).collect()
}

fn block_frame(block: &str) -> Vec<u8> {
    if let Some((_, words)) = block.split_once("InferenceServerException() ") {
        return failed(words.lines().next().unwrap());
    }
    let value = |line: &str, key: &str| {
        let quoted = line.trim().strip_prefix(key)?.trim();
        Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    let mut response = ModelInferResponse {
        parameters: is_final(block.contains("bool_param: true")),
        ..ModelInferResponse::default()
    };
    for line in block.lines().filter(|line| line.starts_with("  name:")) {
        response.outputs.push(output(&value(line, "name:").unwrap(), ""));
    }
    let types = block.lines().filter_map(|line| value(line, "datatype:"));
    for (output, datatype) in response.outputs.iter_mut().zip(types) {
        output.datatype = datatype;
    }
    let raw = block.lines().filter_map(|line| value(line, "raw_output_contents:"));
    response.raw_output_contents.extend(raw.map(|text| unescaped(&text)));
    answered(response)
}

/// Octal escapes, of three digits each.
fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        if first == b'\\' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..3]).unwrap(), 8).unwrap());
            rest = &after[3..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    bytes
}

#[test]
fn the_sample_decodes_to_its_tokens() {
    let four = r#"T"the" T" quick" T" brown" T" fox""#;
    assert_eq!(streamed(&section("ok, enable_empty_final_response=true")), format!("{four} . ok"));
    assert_eq!(streamed(&section("ok, enable_empty_final_response=false")), format!("{four} ok"));
    assert_eq!(
        streamed(&section("model error after 2 tokens")),
        r#"T"the" T" quick" E(in_stream_error) . in_stream_error: injected failure mid-stream"#
    );
}

#[test]
fn contents_may_be_typed_accumulated_or_escaped() {
    let typed = InferTensor {
        contents: Some(InferTensorContents {
            bytes_contents: vec![b"a".to_vec(), b"\xff\"\\".to_vec()],
            ..InferTensorContents::default()
        }),
        ..output("other", "BYTES")
    };
    let typed = answered(ModelInferResponse { outputs: vec![typed], ..ModelInferResponse::default() });
    assert_eq!(streamed(&typed), "T\"a\u{fffd}\\\"\\\\\" ok");
    let accumulated = [token("a\n"), token("a\nb"), token("a\nbc"), last()].concat();
    assert_eq!(streamed(&accumulated), r#"T"a\n" T"b" T"c" . ok"#);
}

#[test]
fn ends_that_are_none() {
    for (body, words) in [
        (Vec::new(), "malformed: empty response"),
        (last(), "malformed: no tokens"),
        (token(""), "truncated: the stream ended without any output"),
        (status(8, "queue is full"), "http_429: gRPC status 8 (RESOURCE_EXHAUSTED): queue is full"),
        (
            status(5, "Request for unknown model: 'nope' is not found"),
            "http_4xx: gRPC status 5 (NOT_FOUND): Request for unknown model: 'nope' is not found",
        ),
        (status(14, "down"), "http_5xx: gRPC status 14 (UNAVAILABLE): down"),
        (status(4, "late"), "timeout_total: gRPC status 4 (DEADLINE_EXCEEDED): late"),
        ([token("a"), status(13, "died")].concat(), "in_stream_error: gRPC status 13 (INTERNAL): died"),
        ([token("a"), status(14, "gone")].concat(), "truncated: gRPC status 14 (UNAVAILABLE): gone"),
        ([token("a"), vec![0, 0]].concat(), "truncated: the body ended inside a message"),
        (frame(0, &[0x0a, 9, 1]), "malformed: not a ModelStreamInferResponse"),
        (frame(1, b"compressed"), "malformed: not a gRPC message of at most 4194304 bytes"),
        (vec![0, 0x7f, 0, 0, 0], "malformed: not a gRPC message of at most 4194304 bytes"),
    ] {
        let told = streamed(&body);
        assert!(told.contains(words), "{told}\n{words}");
    }
    let cut = decode(codec(Api::KserveGrpc).stream(), &[&token("a")], false);
    assert!(tell(&cut).ends_with("truncated: the connection closed before the body's end"));
}

#[test]
fn requests_are_messages_with_a_tensor_for_each_input() {
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(3, "hi".to_owned()) };
    let request = |adapter, extra: serde_json::Value| {
        let options = CallOptions {
            model: "m".to_owned(),
            stream: true,
            adapter,
            extra_body: extra.as_object().unwrap().clone(),
            ..CallOptions::default()
        };
        ModelInferRequest::decode(codec(Api::KserveGrpc).body(&ask, &options).as_slice()).unwrap()
    };
    let plain = request(Adapter::Triton, json!({"top_p": 0.5, "parameters": {"priority": 2}}));
    let inputs: Vec<String> = plain
        .inputs
        .iter()
        .map(|InferTensor { name, datatype, shape, contents }| {
            let contents = contents.as_ref().unwrap();
            let InferTensorContents { bool_contents, int_contents, fp32_contents, bytes_contents } = contents;
            format!("{name} {datatype}{shape:?} {bool_contents:?}{int_contents:?}{fp32_contents:?}{bytes_contents:?}")
        })
        .collect();
    insta::assert_snapshot!(inputs.join("\n"), @r"
    max_tokens INT32[1] [][8][][]
    stream BOOL[1] [true][][][]
    text_input BYTES[1] [][][][[104, 105]]
    top_p FP32[1] [][][0.5][]
    ");
    assert_eq!((plain.model_name.as_str(), plain.id.as_str()), ("m", "3"));
    let parameters: Vec<_> = plain.parameters.into_iter().map(|(name, value)| (name, value.choice)).collect();
    assert_eq!(
        parameters,
        [
            ("priority".to_owned(), Some(Parameter::Integer(2))),
            ("triton_enable_empty_final_response".to_owned(), Some(Parameter::Switch(true)))
        ]
    );
    let ensemble = request(Adapter::TrtLlm, json!({}));
    assert!(ensemble.inputs.iter().all(|input| input.shape == [1, 1]));
    assert_eq!(codec(Api::KserveGrpc).path("m", true), "/inference.GRPCInferenceService/ModelStreamInfer");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_in_any_cut_are_the_same_and_never_a_panic(
        parts in prop::collection::vec(prop_oneof![
            4 => prop::sample::select(vec![token("a"), token("ab"), token("é"), last(), failed("x"), status(8, "y")]),
            1 => prop::collection::vec(any::<u8>(), 0..20),
        ], 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        clean: bool,
    ) {
        let bytes = parts.concat();
        let stream = || codec(Api::KserveGrpc).stream();
        prop_assert_eq!(decode(stream(), &cut(&bytes, &cuts), clean), decode(stream(), &[&bytes], clean));
    }
}
