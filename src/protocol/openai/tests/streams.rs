//! Hand-made bodies: the rules one by one, the ways to fail, and bytes that nobody would send.

use proptest::prelude::*;
use serde_json::json;

use super::{cut, decode};
use crate::protocol::told::tell;
use crate::protocol::{Api, CallOptions, Decode, codec};
use crate::record::{Ask, Failure, FailureClass};

/// Decodes `data:` lines, one per argument line, and tells what came.
fn told(data: &str) -> String {
    let events: Vec<String> = data.lines().map(|line| format!("data: {}\n\n", line.trim())).collect();
    tell(&decode(codec(Api::Chat).stream(), &[events.concat().as_bytes()], true))
}

/// A chat chunk of one choice.
fn chat(index: u32, delta: &str, finish: &str) -> String {
    format!(r#"{{"choices":[{{"index":{index},"delta":{{{delta}}},"finish_reason":{finish}}}]}}"#) + "\n"
}

/// The same with usage.
fn used(index: u32, content: &str, finish: &str, usage: (u32, u32)) -> String {
    let (prompt, output) = usage;
    format!(
        r#"{{"choices":[{{"index":{index},"delta":{{"content":"{content}"}},"finish_reason":{finish}}}],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{output}}}}}"#
    ) + "\n"
}

fn closing(prompt: u32, output: u32) -> String {
    format!(r#"{{"choices":[],"usage":{{"prompt_tokens":{prompt},"completion_tokens":{output}}}}}"#) + "\n"
}

const STOP: &str = r#""stop""#;

#[test]
fn tokens_are_content_reasoning_tool_calls_and_refusals() {
    let content = chat(0, r#""content":"a\u00e9\n""#, "null");
    let stop = chat(0, "", STOP);
    insta::assert_snapshot!(told(&(content + &stop)), @r#"T"aé\n" . F(stop) ok"#);
    for (delta, words) in [
        (r#""reasoning":"r""#, r#"h"r""#),
        (r#""reasoning_content":"r","content":null"#, r#"h"r""#),
        (r#""reasoning":"r","reasoning_content":"r""#, r#"h"r""#),
        (r#""reasoning":"","reasoning_content":"r""#, r#"h"r""#),
        (r#""reasoning":"r","content":"c""#, r#"T"rc""#),
        (r#""refusal":"no""#, r#"T"no""#),
        (r#""tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":""}}]"#, r#"h"f""#),
        (
            r#""tool_calls":[{"function":{"arguments":"{\"a\""}},{"function":{"arguments":"1"}}]"#,
            r#"h"{\"a\"1""#,
        ),
        (r#""function_call":{"name":"f","arguments":"{}"}"#, r#"h"f{}""#),
        (r#""role":"assistant","content":"""#, "."),
        (r#""tool_calls":[],"content":null"#, "."),
    ] {
        let first = told(&chat(0, delta, "null"));
        assert!(first.starts_with(&format!("{words} truncated")), "{delta}: {first}");
    }
}

#[test]
fn continuous_usage_gives_counts_and_finds_tokens_without_text() {
    let rising = used(0, "", "null", (5, 0)) + &used(0, "", "null", (5, 1)) + &used(0, "abc", "null", (5, 4));
    let end = used(0, "", STOP, (5, 5)) + &closing(5, 5) + "[DONE]";
    insta::assert_snapshot!(told(&(rising.clone() + &end)), @r#". U(5/0/-) h""*1 U(5/1/-) T"abc"*3 U(5/4/-) h""*1 F(stop) U(5/5/-) . U(5/5/-) D ok"#);
    // Usage on every chunk is no sign of an end: an engine that dies quietly is not a success.
    insta::assert_snapshot!(told(&rising), @r#". U(5/0/-) h""*1 U(5/1/-) T"abc"*3 U(5/4/-) truncated: the stream ended without a finish reason, usage or [DONE]"#);
}

#[test]
fn usage_beside_the_finish_is_a_total_and_no_arrival() {
    let text = chat(0, r#""content":"a""#, "null") + &chat(0, r#""content":"b""#, "null");
    insta::assert_snapshot!(told(&(text.clone() + &used(0, "", STOP, (5, 2)))), @r#"T"a" T"b" . F(stop) U(5/2/-) ok"#);
    insta::assert_snapshot!(told(&(text.clone() + &used(0, "c", STOP, (5, 9)))), @r#"T"a" T"b" T"c" F(stop) U(5/9/-) ok"#);
    // LiteLLM: beside a choice that has finished before.
    insta::assert_snapshot!(told(&(text + &chat(0, "", STOP) + &used(0, "", "null", (5, 2)))), @r#"T"a" T"b" . F(stop) . U(5/2/-) ok"#);
    // All in one chunk, and nothing visible at all.
    insta::assert_snapshot!(told(&used(0, "abc", STOP, (5, 3))), @r#"T"abc"*3 F(stop) U(5/3/-) ok"#);
    insta::assert_snapshot!(told(&used(0, "", STOP, (5, 3))), @". F(stop) U(5/3/-) ok");
}

#[test]
fn usage_of_several_choices_is_added_up_and_never_twice() {
    let both = chat(0, r#""content":"a""#, "null") + &chat(1, r#""content":"b""#, "null");
    let (first, second) = (chat(0, "", STOP), chat(1, "", STOP));
    // llama-server: each choice reports its own tokens after its own finish.
    insta::assert_snapshot!(told(&(both.clone() + &first + &closing(5, 3) + &second + &closing(5, 4) + "[DONE]")), @r#"T"a" T"b" . F(stop) . U(5/3/-) . F(stop) . U(5/7/-) D ok"#);
    // vLLM: one sum at the end. A repetition by a proxy changes nothing.
    insta::assert_snapshot!(told(&(both.clone() + &first + &second + &closing(5, 7) + &closing(5, 7))), @r#"T"a" T"b" . F(stop) . F(stop) . U(5/7/-) . U(5/7/-) ok"#);
    // An early report is replaced by the final one.
    insta::assert_snapshot!(told(&(both.clone() + &closing(5, 1) + &first + &second + &closing(5, 7))), @r#"T"a" T"b" . U(5/1/-) . F(stop) . F(stop) . U(5/7/-) ok"#);
    // Cumulative per choice, summed over choices; the closing sum wins.
    let cumulative =
        used(0, "a", "null", (5, 1)) + &used(1, "b", "null", (5, 1)) + &used(0, "c", STOP, (5, 2));
    insta::assert_snapshot!(told(&(cumulative + &used(1, "d", STOP, (5, 3)) + &closing(5, 5))), @r#"T"a"*1 U(5/1/-) T"b"*1 U(5/2/-) T"c"*1 F(stop) U(5/3/-) T"d"*2 F(stop) U(5/5/-) . U(5/5/-) ok"#);
    // One of two has not finished.
    insta::assert_snapshot!(told(&(both + &first + "[DONE]")), @r#"T"a" T"b" . F(stop) D truncated: the stream ended before every choice had finished"#);
}

#[test]
fn ollamas_empty_usage_and_other_habits() {
    let zero = used(0, "a", "null", (0, 0)) + &used(0, "", STOP, (0, 0)) + &closing(5, 1) + "[DONE]";
    insta::assert_snapshot!(told(&zero), @r#"T"a" . F(stop) . U(5/1/-) D ok"#);
    let empty_reasons = chat(0, r#""content":"a""#, r#""""#) + "[DONE]";
    insta::assert_snapshot!(told(&empty_reasons), @r#"T"a" D ok"#);
    let two_at_once = r#"{"choices":[{"index":0,"text":"a"},{"index":1,"text":"b","finish_reason":"stop"}]}"#;
    insta::assert_snapshot!(told(two_at_once), @r#"T"a" T"b" F(stop) truncated: the stream ended before every choice had finished"#);
    let ids = r#"{"choices":[{"text":"","token_ids":[5,6],"finish_reason":"length"}]}"#;
    insta::assert_snapshot!(told(ids), @r#"h""*2 F(length) ok"#);
    insta::assert_snapshot!(told(r#"{"type":"ping"}"#), @". truncated: the stream ended without a finish reason, usage or [DONE]");
    let lone_bytes = b"data: {\"choices\":[{\"text\":\"\xff\",\"finish_reason\":\"stop\"}]}\n\n";
    insta::assert_snapshot!(tell(&decode(codec(Api::Chat).stream(), &[lone_bytes], true)), @r#"T"�" F(stop) ok"#);
}

#[test]
fn ends_that_are_none() {
    let text = chat(0, r#""content":"a""#, "null");
    for (data, words) in [
        (text.clone() + r#"{"error":{"message":"died","code":500}}"# + "\n[DONE]", "in_stream_error: died"),
        (text.clone() + r#"{"error":"died"}"#, "in_stream_error: died"),
        (text.clone() + r#"{"object":"error","message":"died","code":"500"}"#, "in_stream_error: died"),
        (text.clone() + r#"{"detail":"died"}"#, "in_stream_error: died"),
        (text.clone() + r#"{"error":null,"choices":[],"detail":null}"# + "\n[DONE]", "ok"),
        (
            text.clone() + &chat(0, "", r#""abort""#) + "[DONE]",
            "in_stream_error: the server gave up: finish reason 'abort'",
        ),
        (text.clone(), "truncated: the stream ended without a finish reason, usage or [DONE]"),
        (
            chat(0, r#""role":"assistant""#, "null"),
            "truncated: the stream ended without a finish reason, usage or [DONE]",
        ),
        (
            text.clone() + "{\"choices\":[{\n[DONE]",
            "malformed: an event is not a chunk (EOF while parsing an object at line 1 column 13): {\"choices\":[{",
        ),
        ("[DONE]".to_owned(), "malformed: no tokens"),
        (chat(0, "", STOP) + "[DONE]", "malformed: no tokens"),
        (String::new(), "malformed: empty response"),
    ] {
        let told = told(&data);
        assert!(told.ends_with(words), "{data}\n{told}\n{words}");
    }
    let cut = text.clone() + &chat(0, "", STOP);
    let body = format!("data: {}", cut.trim().replace('\n', "\n\ndata: "));
    let cut_inside = &body.as_bytes()[..body.len() - 5];
    insta::assert_snapshot!(tell(&decode(codec(Api::Chat).stream(), &[cut_inside], true)), @r#"T"a" E(truncated) truncated: the body ended inside an event"#);
    insta::assert_snapshot!(tell(&decode(codec(Api::Chat).stream(), &[body.as_bytes()], true)), @r#"T"a" . F(stop) ok"#);
    insta::assert_snapshot!(tell(&decode(codec(Api::Chat).stream(), &[body.as_bytes()], false)), @r#"T"a" truncated: the connection closed before the body's end"#);
    let named = b": ping\n\nevent: error\ndata: {\"message\":\"died\"}\n\n";
    insta::assert_snapshot!(tell(&decode(codec(Api::Chat).stream(), &[named], true)), @". E(in_stream_error) in_stream_error: died");
}

#[test]
fn bodies_that_are_no_stream_say_what_they_are() {
    for (body, clean, words) in [
        (r#"{"error":{"message":"died"}}"#, true, "in_stream_error: died"),
        ("\u{feff}{\"error\":\"died\"}\n", true, "in_stream_error: died"),
        (r#"{"error":"died"}"#, false, "truncated: the connection closed before the body's end"),
        (
            r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#,
            true,
            "malformed: the server does not stream: it answered with one whole completion",
        ),
        (
            "<html><title>Sign in</title></html>",
            true,
            "malformed: the body is not a stream of events: Sign in",
        ),
        (": ping\n\n", true, ". malformed: empty response"),
    ] {
        assert_eq!(tell(&decode(codec(Api::Chat).stream(), &[body.as_bytes()], clean)), words);
    }
}

#[test]
fn whole_responses() {
    let whole = |body: &str, clean| tell(&decode(codec(Api::Completions).whole(), &[body.as_bytes()], clean));
    let good = r#"{"choices":[{"text":"ab","finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;
    insta::assert_snapshot!(whole(good, true), @r#"T"ab" F(stop) U(5/2/-) ok"#);
    insta::assert_snapshot!(whole(good, false), @"truncated: the connection closed before the body's end");
    insta::assert_snapshot!(whole(&good.replace("ab", ""), true), @"F(stop) U(5/2/-) ok");
    insta::assert_snapshot!(whole(r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#, true), @"F(stop) malformed: no tokens");
    insta::assert_snapshot!(whole(r#"{"choices":[{"text":"a","finish_reason":"error"}]}"#, true), @r#"T"a" F(error) in_stream_error: the server gave up: finish reason 'error'"#);
    insta::assert_snapshot!(whole(r#"{"error":"generate expects one response"}"#, true), @"in_stream_error: generate expects one response");
    insta::assert_snapshot!(whole(r#"{"object":"list"}"#, true), @r#"malformed: no choices in {"object":"list"}"#);
    insta::assert_snapshot!(whole("", true), @"malformed: empty response");
    insta::assert_snapshot!(whole(r#"{"choices":"#, true), @r#"malformed: not a completion (EOF while parsing a value at line 1 column 11): {"choices":"#);
    insta::assert_snapshot!(whole("data: {}\n\n", true), @"malformed: the server streams although no stream was asked for");
}

#[test]
fn a_request_is_worded_the_same_way_every_time() {
    let ask = Ask { output_tokens: Some(8), ..Ask::plain(0, "say \"hi\"".to_owned()) };
    let plain = CallOptions { model: "m".to_owned(), ..CallOptions::default() };
    let words = |api, options: &CallOptions| String::from_utf8(codec(api).body(&ask, options)).unwrap();
    insta::assert_snapshot!(words(Api::Chat, &plain), @r#"{"max_tokens":8,"messages":[{"content":"say \"hi\"","role":"user"}],"model":"m","stream":false}"#);
    let extra_body = json!({"max_tokens": null, "max_completion_tokens": 9, "stream_options": {"x": 1}});
    let full = CallOptions {
        stream: true,
        temperature: Some(0.0),
        ignore_eos: true,
        extra_body: extra_body.as_object().unwrap().clone(),
        ..plain
    };
    insta::assert_snapshot!(words(Api::Completions, &full), @r#"{"ignore_eos":true,"max_completion_tokens":9,"min_tokens":8,"model":"m","prompt":"say \"hi\"","stream":true,"stream_options":{"x":1},"temperature":0.0}"#);
    assert_eq!(codec(Api::Completions).path("m", true), "/v1/completions");
    assert_eq!(codec(Api::Chat).api(), Api::Chat);
}

#[test]
fn what_grows_without_end_is_given_up() {
    let mut decoder = codec(Api::Chat).stream();
    for index in 0..1_000 {
        let event = format!("data: {}\n", chat(index, r#""content":"a""#, "null"));
        decoder.feed(event.as_bytes(), &mut |_| ());
    }
    let failure = decoder.finish(true, &mut |_| ()).unwrap_err();
    assert_eq!(failure.to_string(), "malformed: more than 128 choices");

    let long = [b"data: {\"choices\":[".as_slice(), &b"{},".repeat(400_000)].concat();
    let (_, end) = decode(codec(Api::Chat).stream(), &[&long], true);
    assert_eq!(end.unwrap_err().class, FailureClass::Malformed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_in_any_cut_are_the_same_and_never_a_panic(
        parts in prop::collection::vec(part(), 0..12),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        clean: bool,
    ) {
        let bytes = parts.concat();
        let decoders: [fn() -> Box<dyn Decode>; 2] = [|| codec(Api::Chat).stream(), || codec(Api::Chat).whole()];
        for decoder in decoders {
            prop_assert_eq!(decode(decoder(), &cut(&bytes, &cuts), clean), decode(decoder(), &[&bytes], clean));
        }
        prop_assert!(codec(Api::Chat).refusal(500, &bytes).detail.len() <= Failure::DETAIL_MAX);
    }
}

/// A piece of a body: words of the protocol, or anything.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "data: ",
        "data:",
        "\n\n",
        "\r\n",
        "\r",
        "[DONE]",
        ": c",
        "event: error\n",
        "\u{feff}",
        "{",
        "}",
        "[",
        "null",
        r#"{"choices":[{"index":0,"delta":{"content":"é"},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":1,"text":"b","finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":99999999999999}}"#,
        r#"{"choices":null,"error":{"message":["#,
        r#"{"error":"<b"}"#,
        r#"{"detail":[{"loc":[],"msg":1}]}"#,
        "<title></title",
    ];
    prop_oneof![
        4 => prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}
