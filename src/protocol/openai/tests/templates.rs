//! The short way through a chunk: it must never show in what is read, in what is kept, or from one response to the next.

use proptest::prelude::*;

use super::{cut, decode, decode_with};
use crate::protocol::openai::stream::Chunks;
use crate::protocol::openai::template::{Plain, Templates};
use crate::protocol::stream::Stream;
use crate::protocol::tests::samples::{body, is_whole_stream, names};
use crate::protocol::text::Literal;
use crate::protocol::{Api, Decode, Event, codec};

/// What may stand where a text stood: texts in every writing, and what is none or reaches beyond the text.
const INSIDES: [&[u8]; 25] = [
    b"a",
    b" word",
    "é😀".as_bytes(),
    b"\\n",
    b"\\\"",
    b"\\\\",
    b"\\/",
    b"\\u00e9",
    b"\\ud83d\\ude00",
    b"",
    b"\"",
    b"\\",
    b"\\u12",
    b"\\ud800",
    b"\\ude00",
    b"\x01",
    b"\x7f",
    b"\t",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\",\"content\":\"b",
    b"\"},\"finish_reason\":\"stop\",\"x\":{\"y\":\"",
    b"\"},\"token_ids\":[1,2],\"x\":{\"y\":\"",
    b"\"}}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2},\"x\":[{\"y\":{\"z\":\"",
];

/// Chunks whose text, or what looks like it, stands at `@`.
const CHUNKS: [&str; 17] = [
    r#"{"choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"@"},"finish_reason":null}],"usage":null}"#,
    r#"{"id":"@","choices":[{"index":0,"delta":{"content":"@"}}],"x":{"content":"@"}}"#,
    r#"{"choices":[{"x":"@","text":"a"}]}"#,
    r#"{"choices":[{"text":"@","x":"a"}]}"#,
    r#"{"choices":[{"index":1,"delta":{"cont\u0065nt":"@"}}]}"#,
    r#"{"choices":[{"index":1,"delta":{"content":"a","content":"@"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning":"@","reasoning_content":"a"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_content":"@","content":""}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"@","tool_calls":[{"function":{"arguments":"a"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"@"}}]}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"@"}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"@"}}],"usage":{"prompt_tokens":5,"completion_tokens":7}}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"@"}}],"usage":{"prompt_tokens":0,"completion_tokens":0}}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"@"},"token_ids":[7]}]}"#,
    r#"{"choices":[{"index":200,"text":"@"},{"index":201,"text":"@"}]}"#,
    r#"{"error":{"message":"@"}}"#,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn real_streams_with_other_texts_read_the_same_without_templates(
        pick in any::<prop::sample::Index>(),
        events in prop::collection::vec((any::<prop::sample::Index>(), inside(), any::<bool>()), 1..12),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        clean: bool,
    ) {
        let names = names(is_whole_stream);
        let sample = body(pick.get::<String>(&names));
        let lines: Vec<&[u8]> = sample.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let events = events.iter().map(|(line, inside, change)| {
            let line = line.get::<&[u8]>(&lines);
            [&if *change { retold(line, inside) } else { line.to_vec() }[..], b"\n\n"].concat()
        });
        same(&events.collect::<Vec<_>>().concat(), &cuts, clean)?;
    }

    #[test]
    fn made_up_streams_read_the_same_without_templates(
        events in prop::collection::vec((prop::sample::select(CHUNKS.to_vec()), inside(), 0..4), 0..16),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
        clean: bool,
    ) {
        let events = events.iter().map(|(chunk, inside, form)| {
            let parts: Vec<&[u8]> = chunk.as_bytes().split(|&byte| byte == b'@').collect();
            let name = if *form == 0 { &b"event: error\n"[..] } else { b"" };
            [name, b"data: ", &parts.join(&inside[..]), if *form == 1 { b"\r\n\r\n" } else { b"\n\n" }].concat()
        });
        same(&events.collect::<Vec<_>>().concat(), &cuts, clean)?;
    }

    #[test]
    fn a_used_decoder_is_as_good_as_new(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 1..5),
    ) {
        let names = names(is_whole_stream);
        let (mut stream, mut whole) = (codec(Api::Chat).stream(), codec(Api::Chat).whole());
        for (pick, end, clean) in picks {
            let body = body(pick.get::<String>(&names));
            let pieces = [&body[..end.index(body.len() + 1)]];
            prop_assert_eq!(decode_with(stream.as_mut(), &pieces, clean), decode(codec(Api::Chat).stream(), &pieces, clean));
            stream.reset();
            prop_assert_eq!(decode_with(whole.as_mut(), &pieces, clean), decode(codec(Api::Chat).whole(), &pieces, clean));
            whole.reset();
        }
    }

    /// Bytes in any order, again and again, and what they leave behind.
    #[test]
    fn what_a_decoder_holds_is_bounded(
        parts in prop::collection::vec(prop_oneof![
            Just(b"data: ".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"event: ".to_vec()),
            Just(br#"{"choices":[{"index":3,"text":"a"}]}"#.to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
            (1_usize..200_000).prop_map(|length| vec![b'x'; length]),
            (1_usize..8_000).prop_map(|length| {
                format!(r#"data: {{"choices":[{{"index":{length},"text":"a"}}],"x":"{}"}}{}"#, "x".repeat(length), "\n\n").into_bytes()
            }),
        ], 1..12),
        times in 1_usize..12,
    ) {
        let mut stream = Stream::<Chunks>::default();
        let bytes = parts.concat();
        for _ in 0..times {
            stream.feed(&bytes, &mut |_| ());
            // A line, a name, the lines of an event or a body that is no stream, each up to twice its bound as buffers grow.
            prop_assert!(held(&stream) <= 8 << 20, "{} bytes", held(&stream));
        }
        stream.reset();
        prop_assert!(held(&stream) <= 128 << 10, "{} bytes after a reset", held(&stream));
    }
}

#[test]
fn once_a_chunk_has_been_parsed_the_next_need_not_be() {
    let found = names(is_whole_stream)
        .into_iter()
        .filter(|name| name.contains("chat_stream_i") || name.contains("n2"));
    let counts = found.map(|name| {
        let mut stream = Stream::<Chunks>::default();
        let (mut known, mut spoken) = (0, 0);
        for line in body(&name).split_inclusive(|&byte| byte == b'\n') {
            let data = line.strip_prefix(b"data: ").unwrap_or_default().trim_ascii();
            known += usize::from(stream.reader().knows(data));
            stream.feed(line, &mut |event| spoken += usize::from(matches!(event, Event::Tokens(_))));
        }
        format!("{name} {known} of {spoken}")
    });
    // What is missing is the first of each choice, and the last where it also says why it is the last.
    insta::assert_snapshot!(counts.collect::<Vec<_>>().join("\n"), @"
    litellm/chat_stream_ignore_eos.body 7 of 8
    litellm/chat_stream_include_usage.body 7 of 8
    llama-cpp-python/chat_stream_ignore_eos.body 7 of 8
    llama-cpp-python/chat_stream_include_usage.body 7 of 8
    llama-server/chat_stream_ignore_eos.body 15 of 16
    llama-server/chat_stream_include_usage.body 7 of 8
    llama-server/chat_stream_n2.body 4 of 6
    sglang/chat_stream_ignore_eos_min_tokens.body 15 of 16
    sglang/chat_stream_include_usage.body 7 of 8
    sglang/chat_stream_n2.body 4 of 6
    transformers-serve/chat_stream_include_usage.body 7 of 8
    vllm/chat_stream_ignore_eos_min_tokens.body 13 of 15
    vllm/chat_stream_include_usage.body 6 of 8
    vllm/chat_stream_n2.body 3 of 7
    ");
}

#[test]
fn a_template_is_learnt_where_the_text_lies_and_nowhere_else() {
    let data = br#"{"x":"a","choices":[{"text":"a","y":"a"}]}"#;
    let text = |bytes| Plain { index: 0, visible: true, text: Literal::read(bytes).unwrap() };
    let mut templates = Templates::default();
    templates.learn(data, text(&data[29..30]));
    let other = br#"{"x":"a","choices":[{"text":"b\n","y":"a"}]}"#;
    assert_eq!(templates.read(other), Some(text(b"b\\n")));
    assert_eq!(templates.read(br#"{"x":"b","choices":[{"text":"b","y":"a"}]}"#), None);
    assert_eq!(templates.read(br#"{"x":"a","choices":[{"text":"","y":"a"}]}"#), None);
    templates.reset();
    assert_eq!(templates.read(other), None);

    // Equal bytes elsewhere, bytes that are no whole string, and a long chunk teach nothing.
    let mut templates = Templates::default();
    templates.learn(data, text(b"a"));
    templates.learn(data, text(&data[23..25]));
    let long = format!(r#"{{"choices":[{{"text":"a"}}],"x":"{}"}}"#, "x".repeat(5_000));
    templates.learn(long.as_bytes(), text(&long.as_bytes()[21..22]));
    assert_eq!((templates.read(long.as_bytes()), templates.held()), (None, 0));
}

fn held(stream: &Stream<Chunks>) -> usize {
    stream.held() + stream.reader().held()
}

/// Asserts that a body reads the same with templates, without them, and in one piece.
fn same(body: &[u8], cuts: &[usize], clean: bool) -> Result<(), TestCaseError> {
    let plain = decode(Box::new(Stream::new(Chunks::without_templates())), &[body], clean);
    prop_assert_eq!(&decode(codec(Api::Chat).stream(), &[body], clean), &plain);
    prop_assert_eq!(&decode(codec(Api::Chat).stream(), &cut(body, cuts), clean), &plain);
    Ok(())
}

/// Nothing, one usual text, or some of `INSIDES`.
fn inside() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => "[a-z ]{1,6}".prop_map(String::into_bytes),
        1 => prop::collection::vec(prop::sample::select(INSIDES.to_vec()), 0..3).prop_map(|parts| parts.concat()),
    ]
}

/// A line whose first text is another.
fn retold(line: &[u8], inside: &[u8]) -> Vec<u8> {
    let keys: [&[u8]; 5] = [
        br#""content":""#,
        br#""content": ""#,
        br#""text":""#,
        br#""reasoning":""#,
        br#""reasoning_content":""#,
    ];
    let start = keys.iter().find_map(|key| {
        let at = line.windows(key.len()).position(|window| window == *key);
        at.map(|at| at + key.len())
    });
    let Some(start) = start else {
        return line.to_vec();
    };
    let mut end = start;
    while line.get(end).is_some_and(|&byte| byte != b'"') {
        end += if line[end] == b'\\' { 2 } else { 1 };
    }
    [&line[..start], inside, &line[end..]].concat()
}
