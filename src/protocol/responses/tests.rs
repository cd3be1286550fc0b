//! Responses against a real sample, hand-made streams and wholes.

use serde_json::json;

use crate::protocol::told::{decode, tell};
use crate::protocol::{Adapter, Api, CallOptions, codec};
use crate::record::{Ask, Message, Prompt};

pub(in crate::protocol) const STREAMS: &str = "
llama-server/responses_stream.body 4 - 7 31 completed 13/4/6 - ok
";

/// Decodes events, one per line, each with its name, as servers send them.
fn told(events: &str) -> String {
    let lines = events.lines().map(str::trim).filter(|line| !line.is_empty());
    let body: String = lines.flat_map(|data| ["event: x\ndata: ", data, "\n\n"]).collect();
    tell(&decode(codec(Api::Responses).stream(), &[body.as_bytes()], true))
}

fn whole(body: &str) -> String {
    tell(&decode(codec(Api::Responses).whole(), &[body.as_bytes()], true))
}

const TEXT: &str = r#"{"type":"response.output_text.delta","delta":"a"}
"#;

#[test]
fn deltas_are_tokens_and_only_text_is_visible() {
    for (event, words) in [
        (r#"{"type":"response.output_text.delta","delta":"a\n"}"#, r#"T"a\n""#),
        (r#"{"type":"response.refusal.delta","delta":"no"}"#, r#"T"no""#),
        (r#"{"type":"response.reasoning_text.delta","delta":"r"}"#, r#"h"r""#),
        (r#"{"type":"response.reasoning_summary_text.delta","delta":"r"}"#, r#"h"r""#),
        (r#"{"type":"response.function_call_arguments.delta","delta":"{\"a\""}"#, r#"h"{\"a\"""#),
        (r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#, r#"h"f""#),
        (r#"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#, "."),
        (r#"{"type":"response.output_text.delta","delta":""}"#, "."),
        (r#"{"type":"response.new.delta","delta":{"x":1}}"#, "."),
        (r#"{"type":"response.output_text.done","text":"a"}"#, "."),
    ] {
        let first = told(event);
        assert_eq!(
            first,
            format!("{words} truncated: the stream ended without response.completed"),
            "{event}"
        );
    }
}

#[test]
fn every_end_is_told_from_the_others() {
    let end = |kind: &str, rest: &str| {
        told(&format!(r#"{TEXT}{{"type":"response.{kind}","response":{{"status":"{kind}"{rest}}}}}"#))
    };
    let usage = r#","usage":{"input_tokens":5,"output_tokens":2,"input_tokens_details":{"cached_tokens":4}}"#;
    insta::assert_snapshot!(end("completed", usage), @r#"T"a" F(completed) U(5/2/4) ok"#);
    insta::assert_snapshot!(end("completed", ""), @r#"T"a" F(completed) ok"#);
    insta::assert_snapshot!(end("incomplete", r#","incomplete_details":{"reason":"max_output_tokens"}"#), @r#"T"a" F(max_output_tokens) ok"#);
    insta::assert_snapshot!(end("failed", r#","error":{"code":"server_error","message":"died"}"#), @r#"T"a" E(in_stream_error) in_stream_error: died"#);
    insta::assert_snapshot!(end("failed", ""), @r#"T"a" E(in_stream_error) in_stream_error: the server gave up: status 'failed'"#);
    insta::assert_snapshot!(told(&format!(r#"{TEXT}{{"type":"error","code":"x","message":"died"}}"#)), @r#"T"a" E(in_stream_error) in_stream_error: died"#);
    insta::assert_snapshot!(told(&format!(r#"{TEXT}{{"error":{{"message":"died"}}}}"#)), @r#"T"a" E(in_stream_error) in_stream_error: died"#);
    insta::assert_snapshot!(told(&format!("{TEXT}[DONE]")), @r#"T"a" D truncated: the stream ended without response.completed"#);
    insta::assert_snapshot!(told(r#"{"type":"response.completed","response":{"status":"completed"}}"#), @"F(completed) malformed: no tokens");
    insta::assert_snapshot!(told(r#"{"type":"response.completed"}"#), @r#"E(malformed) malformed: an end without its response: {"type":"response.completed"}"#);
    insta::assert_snapshot!(told(r#"{"type":"#), @r#"E(malformed) malformed: an event is not a chunk (EOF while parsing a value at line 1 column 8): {"type":"#);
    let named = b"event: error\ndata: {\"message\":\"died\"}\n\n";
    insta::assert_snapshot!(tell(&decode(codec(Api::Responses).stream(), &[named], true)), @"E(in_stream_error) in_stream_error: died");
}

#[test]
fn whole_responses() {
    let output = r#"{"object":"response","status":"completed","output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}],"content":null},{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"output_text","text":"b"}]},{"type":"function_call","name":"f","arguments":"{}"}],"usage":{"input_tokens":5,"output_tokens":2}}"#;
    insta::assert_snapshot!(whole(output), @r#"h"r" T"ab" h"f{}" F(completed) U(5/2/-) ok"#);
    insta::assert_snapshot!(whole(r#"{"status":"completed","output":[]}"#), @"F(completed) malformed: no tokens");
    insta::assert_snapshot!(whole(r#"{"status":"queued","output":[]}"#), @"malformed: the response has not ended: status 'queued'");
    insta::assert_snapshot!(whole(r#"{"status":"failed","output":[],"error":{"message":"died"}}"#), @"in_stream_error: died");
    insta::assert_snapshot!(whole(r#"{"error":{"message":"died"}}"#), @"in_stream_error: died");
    insta::assert_snapshot!(whole(r#"{"object":"list"}"#), @r#"malformed: no output in {"object":"list"}"#);
    let (_, end) = decode(codec(Api::Responses).stream(), &[output.as_bytes()], true);
    assert!(end.unwrap_err().detail.starts_with("the server does not stream"));
}

#[test]
fn a_request_is_worded_the_same_way_every_time() {
    let words = |prompt: Prompt, options: &CallOptions| {
        let ask = Ask { prompt, output_tokens: Some(8), ..Ask::plain(0, String::new()) };
        String::from_utf8(codec(Api::Responses).body(&ask, options)).unwrap()
    };
    let plain = CallOptions { model: "m".to_owned(), stream: true, ..CallOptions::default() };
    insta::assert_snapshot!(words(Prompt::Text("a".to_owned()), &plain), @r#"{"input":"a","max_output_tokens":8,"model":"m","stream":true}"#);
    let parts =
        json!([{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"https://x/y.png"}}]);
    let messages =
        [("system", json!("s")), ("user", parts), ("assistant", json!([{"type":"text","text":"b"}]))];
    let messages = messages.map(|(role, content)| Message { role: role.to_owned(), content });
    let exact = CallOptions { ignore_eos: true, temperature: Some(0.0), adapter: Adapter::Vllm, ..plain };
    insta::assert_snapshot!(words(Prompt::Messages(messages.to_vec()), &exact), @r#"{"ignore_eos":true,"input":[{"content":"s","role":"system"},{"content":[{"text":"see","type":"input_text"},{"image_url":"https://x/y.png","type":"input_image"}],"role":"user"},{"content":[{"text":"b","type":"output_text"}],"role":"assistant"}],"max_output_tokens":8,"model":"m","stream":true,"temperature":0.0}"#);
}
