//! Messages against a real sample, hand-made streams and wholes.

use serde_json::json;

use crate::protocol::told::{decode, tell};
use crate::protocol::{Api, CallOptions, codec};
use crate::record::{Ask, Message, Prompt};

pub(in crate::protocol) const STREAMS: &str = "
llama-server/anthropic_messages_stream.body 4 - 4 25 max_tokens 17/4/16 done ok
";

/// Decodes events, one per line, each with its name, as servers send them.
fn told(events: &str) -> String {
    let lines = events.lines().map(str::trim).filter(|line| !line.is_empty());
    let body: String = lines.flat_map(|data| ["event: x\ndata: ", data, "\n\n"]).collect();
    tell(&decode(codec(Api::Messages).stream(), &[body.as_bytes()], true))
}

fn whole(body: &str) -> String {
    tell(&decode(codec(Api::Messages).whole(), &[body.as_bytes()], true))
}

fn delta(fields: &str) -> String {
    format!(r#"{{"type":"content_block_delta","index":0,"delta":{{{fields}}}}}"#) + "\n"
}

const START: &str = r#"{"type":"message_start","message":{"content":[],"usage":{"input_tokens":2,"cache_read_input_tokens":3,"cache_creation_input_tokens":1,"output_tokens":1}}}
"#;
const STOPS: &str = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}
{"type":"message_stop"}"#;

#[test]
fn deltas_are_tokens_and_only_text_is_visible() {
    for (event, words) in [
        (delta(r#""type":"text_delta","text":"a\n""#), r#"T"a\n""#),
        (delta(r#""type":"thinking_delta","thinking":"t""#), r#"h"t""#),
        (delta(r#""type":"input_json_delta","partial_json":"{\"a\"""#), r#"h"{\"a\"""#),
        (delta(r#""type":"signature_delta","signature":"EqQ=""#), "."),
        (delta(r#""type":"text_delta","text":"""#), "."),
        (r#"{"type":"content_block_start","content_block":{"type":"text","text":""}}"#.to_owned(), "."),
        (r#"{"type":"content_block_start","content_block":{"type":"tool_use","id":"x","name":"f","input":{}}}"#.to_owned(), r#"h"f""#),
        (r#"{"type":"content_block_start","content_block":{"type":"web_search_tool_result","name":"x"}}"#.to_owned(), "."),
        (r#"{"type":"ping"}"#.to_owned(), "."),
        (r#"{"type":"something_new","delta":{}}"#.to_owned(), "."),
    ] {
        let end = "truncated: the stream ended without a stop reason or message_stop";
        assert_eq!(told(&event), format!("{words} {end}"), "{event}");
    }
}

#[test]
fn counts_and_ends() {
    let text = delta(r#""type":"text_delta","text":"a""#);
    insta::assert_snapshot!(told(&format!("{START}{text}{STOPS}")), @r#"U(6/-/3) . T"a" . F(end_turn) U(6/7/3) D ok"#);
    // An answer that was cut has no total.
    insta::assert_snapshot!(told(&format!("{START}{text}")), @r#"U(6/-/3) . T"a" truncated: the stream ended without a stop reason or message_stop"#);
    // vLLM counts the prompt at the end, too.
    insta::assert_snapshot!(told(&format!(r#"{text}{{"type":"message_delta","delta":{{"stop_reason":"max_tokens"}},"usage":{{"input_tokens":9,"output_tokens":1}}}}"#)), @r#"T"a" . F(max_tokens) U(9/1/-) ok"#);
    insta::assert_snapshot!(told(&format!("{START}{STOPS}")), @"U(6/-/3) . . F(end_turn) U(6/7/3) D ok");
    insta::assert_snapshot!(told(r#"{"type":"message_stop"}"#), @"D malformed: no tokens");
    insta::assert_snapshot!(told(&format!(r#"{text}{{"type":"error","error":{{"type":"overloaded_error","message":"Overloaded"}}}}"#)), @r#"T"a" E(in_stream_error) in_stream_error: Overloaded"#);
    insta::assert_snapshot!(told(r#"{"error":"died"}"#), @"E(in_stream_error) in_stream_error: died");
    let named = b"event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"died\"}}\n\n";
    insta::assert_snapshot!(tell(&decode(codec(Api::Messages).stream(), &[named], true)), @"E(in_stream_error) in_stream_error: died");
}

#[test]
fn whole_messages() {
    let message = r#"{"type":"message","content":[{"type":"thinking","thinking":"t","signature":"x"},{"type":"text","text":"a"},{"type":"tool_use","name":"f","input":{"x":1}}],"stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":2}}"#;
    insta::assert_snapshot!(whole(message), @r#"h"t" T"a" h"f" F(tool_use) U(5/2/-) ok"#);
    insta::assert_snapshot!(whole(r#"{"type":"message","content":[]}"#), @"malformed: no tokens");
    insta::assert_snapshot!(whole(r#"{"type":"error","error":{"type":"x","message":"died"}}"#), @"in_stream_error: died");
    insta::assert_snapshot!(whole("[]"), @"malformed: not a message (invalid length 0, expected struct Message with 4 elements at line 1 column 2): []");
    let (_, end) = decode(codec(Api::Messages).stream(), &[message.as_bytes()], true);
    assert!(end.unwrap_err().detail.starts_with("the server does not stream"));
}

#[test]
fn a_request_is_worded_the_same_way_every_time() {
    let words = |prompt: Prompt, output_tokens| {
        let ask = Ask { prompt, output_tokens, ..Ask::plain(0, String::new()) };
        let options = CallOptions { model: "m".to_owned(), ignore_eos: true, ..CallOptions::default() };
        String::from_utf8(codec(Api::Messages).body(&ask, &options)).unwrap()
    };
    insta::assert_snapshot!(words(Prompt::Text("a".to_owned()), None), @r#"{"max_tokens":4096,"messages":[{"content":"a","role":"user"}],"model":"m","stream":false}"#);
    let image = |url: &str| json!({"type":"image_url","image_url":{"url":url}});
    let parts =
        json!([{"type":"text","text":"see"}, image("https://x/y.png"), image("data:image/png;base64,iVBO")]);
    let messages = [("system", json!("s")), ("developer", json!("t")), ("user", parts)];
    let messages = messages.map(|(role, content)| Message { role: role.to_owned(), content });
    insta::assert_snapshot!(words(Prompt::Messages(messages.to_vec()), Some(8)), @r#"{"max_tokens":8,"messages":[{"content":[{"text":"see","type":"text"},{"source":{"type":"url","url":"https://x/y.png"},"type":"image"},{"source":{"data":"iVBO","media_type":"image/png","type":"base64"},"type":"image"}],"role":"user"}],"model":"m","stream":false,"system":"s\nt"}"#);
    assert_eq!(codec(Api::Messages).headers(), [("anthropic-version", "2023-06-01")]);
    assert_eq!(codec(Api::Messages).key_header(), Some("x-api-key"));
}
