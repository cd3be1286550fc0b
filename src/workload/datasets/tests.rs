//! Every container and shape, every mistake with its place, and files that mean harm.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;
use crate::workload::Column;

fn file(path: &str, format: DataFormat) -> DataFile {
    DataFile { path: path.into(), format, prompt_column: None, output_column: None }
}

fn read_as(file: &DataFile, bytes: &[u8], conversations: bool) -> Result<Records, DatasetError> {
    Records::read(bytes.to_vec(), file, conversations, &TokenCounter::Words)
}

fn read(path: &str, text: &str) -> Records {
    read_as(&file(path, DataFormat::Auto), text.as_bytes(), false).unwrap()
}

/// One line per turn: what is said and what was asked for.
fn shown(records: &Records) -> String {
    let mut lines = vec![format!("{} left out {}", records.shape, records.left_out)];
    for (at, record) in records.records().iter().enumerate() {
        for said in &record.turns {
            let Said { prompt, tokens: _, output, answer, think, model, body, slos, cancel } = said;
            let prompt = match prompt {
                Prompt::Text(text) => format!("{text:?}"),
                Prompt::Messages(messages) => {
                    let lines =
                        messages.iter().map(|message| format!("{}: {}", message.role, message.content));
                    lines.collect::<Vec<_>>().join(" | ")
                }
            };
            let mut line = format!("{at} {prompt}");
            let mut add = |name: &str, value: Option<String>| {
                line.extend(value.map(|value| format!(" {name}={value}")));
            };
            add("output", output.map(|count| count.to_string()));
            add("answer", answer.map(|count| count.to_string()));
            add("think", think.map(|think| think.to_string()));
            add("model", model.as_ref().map(ToString::to_string));
            add("body", body.as_ref().map(ToString::to_string));
            add("slos", slos.as_ref().map(|slos| format!("{} {}", slos[0].metric, slos[0].limit)));
            add("cancel", cancel.map(|cancel| format!("{cancel:?}")));
            lines.push(line);
        }
    }
    lines.join("\n")
}

#[test]
fn json_lines_of_every_shape_are_read() {
    let text = r#"{"prompt": "one", "output_tokens": 7}

        {"text_input": "two", "max_tokens": 8, "model": "m", "slo": {"ttft": 500}, "body": {"top_p": 0.5}, "cancel_after": "3tokens"}
        {"messages":[{"role":"user","content":"old"},{"role":"assistant","content":"so"},{"role":"user","content":"three"},{"role":"assistant","content":"an answer"}]}
        {"messages":[{"role":"user","content":[{"type":"text","text":"four"},{"type":"image_url"}]}],"output_len":null}
        {"system": "be brief", "question": "five"}
        {"session_id": 9, "prompt": "first", "output_len": "5"}
        {"prompt": [{"role":"user","content":"six"}]}
        {"session_id": 9, "prompt": "second", "think_ms": 1500}
        {"turns": ["uno", {"text": "dos", "delay": 250, "output_tokens": 4}], "output_tokens": 2}"#;
    insta::assert_snapshot!(shown(&read("a.jsonl", text)), @r#"
    several shapes left out 0
    0 "one" output=7
    1 "two" output=8 model=m body={"top_p":0.5} slos=ttft 500.0ms cancel=Tokens(3)
    2 user: "old" | assistant: "so" | user: "three" answer=2
    3 user: [{"text":"four","type":"text"},{"type":"image_url"}]
    4 system: "be brief" | user: "five"
    5 "first" output=5
    5 "second" think=1.5s
    6 "six"
    7 "uno" output=2
    7 "dos" output=4 think=250.0ms
    "#);
}

#[test]
fn conversations_become_turns_where_they_are_asked_for() {
    let text = r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"one"},{"role":"assistant","content":"a b"},{"role":"user","content":"two"}], "think_ms": 100}"#;
    let records = read_as(&file("a.jsonl", DataFormat::Auto), text.as_bytes(), true).unwrap();
    insta::assert_snapshot!(shown(&records), @r#"
    messages left out 0
    0 system: "s" | user: "one" answer=2 think=100.0ms
    0 "two" think=100.0ms
    "#);
}

const SHAREGPT: &str = r#"[
    {"id": "a", "conversations": [{"from": "human", "value": "what is the time now"}, {"from": "gpt", "value": "it is late already, friend"},
        {"from": "human", "value": "and now"}, {"from": "gpt", "value": "later"}]},
    {"id": "b", "conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "hello there my good friend"}]},
    {"id": "c", "conversations": []},
    {"id": "d", "conversations": [{"from": "system", "value": "be kind"}, {"from": "user", "value": "tell me of the sea"}, {"from": "assistant", "value": "it is wide and deep"}]}
]"#;

#[test]
fn sharegpt_gives_the_first_question_with_its_answers_length_or_whole_conversations() {
    insta::assert_snapshot!(shown(&read("s.json", SHAREGPT)), @r#"
    sharegpt left out 2
    0 "what is the time now" answer=5
    1 system: "be kind" | user: "tell me of the sea" answer=5
    "#);
    let whole = read_as(&file("s.json", DataFormat::ShareGpt), SHAREGPT.as_bytes(), true).unwrap();
    insta::assert_snapshot!(shown(&whole), @r#"
    sharegpt left out 1
    0 "what is the time now" answer=5
    0 "and now" answer=1
    1 "hi" answer=5
    2 system: "be kind" | user: "tell me of the sea" answer=5
    "#);
}

#[test]
fn tables_have_columns_of_any_name() {
    let csv = "id,ask,tokens,model\n1,\"hello, \"\"you\"\"\",7,m\n2,next,,\n";
    let columns = DataFile {
        prompt_column: Some("ask".to_owned()),
        output_column: Some("tokens".to_owned()),
        ..file("t.csv", DataFormat::Auto)
    };
    let csv = csv.replace("2,next,,", "2,next,9.0,");
    insta::assert_snapshot!(shown(&read_as(&columns, csv.as_bytes(), false).unwrap()), @r#"
    custom left out 0
    0 "hello, \"you\"" output=7 model=m
    1 "next" output=9
    "#);
    insta::assert_snapshot!(shown(&read("t.tsv", "\u{feff}prompt\toutput_tokens\na b\t3\n")), @r#"
    custom left out 0
    0 "a b" output=3
    "#);
    let nested = "messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"hi\"\"}]\"\n";
    insta::assert_snapshot!(shown(&read("t.csv", nested)), @r#"
    messages left out 0
    0 "hi"
    "#);
}

/// Two rows with a text, a number with a gap, and messages.
fn parquet(compression: Compression) -> Vec<u8> {
    let schema = "message m { required binary prompt (STRING); optional int64 output_tokens; \
        optional group messages (LIST) { repeated group list { optional group element { \
        required binary role (STRING); required binary content (STRING); } } } }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts = |texts: [&str; 2]| texts.map(ByteArray::from);
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&texts(["one", ""]), None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[12], Some(&[1, 0]), None).unwrap();
    column.close().unwrap();
    for values in [["system", "user"], ["be brief", "two"]] {
        let mut column = group.next_column().unwrap().unwrap();
        let levels: (&[i16], &[i16]) = (&[0, 3, 3], &[0, 0, 1]);
        column.typed::<ByteArrayType>().write_batch(&texts(values), Some(levels.0), Some(levels.1)).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_is_read_with_its_nested_columns_whatever_its_name() {
    let read = |compression| {
        shown(&read_as(&file("rows.bin", DataFormat::Auto), &parquet(compression), false).unwrap())
    };
    let plain = read(Compression::UNCOMPRESSED);
    insta::assert_snapshot!(plain, @r#"
    several shapes left out 0
    0 "one" output=12
    1 system: "be brief" | user: "two"
    "#);
    for compression in [
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(parquet::basic::GzipLevel::default()),
    ] {
        assert_eq!(read(compression), plain);
    }
}

#[test]
fn a_tokenizer_counts_the_prompts_and_the_word_rule_does_not() {
    let counter = TokenCounter::resolve(Some("cl100k_base"), |_| Err(String::new())).unwrap();
    let tokens = |counter| {
        let text = r#"{"prompt": "antidisestablishmentarianism"}"#;
        Records::read(text.into(), &file("a.jsonl", DataFormat::Auto), false, counter).unwrap().records()[0]
            .turns[0]
            .tokens
    };
    assert_eq!(tokens(&counter), Some(6));
    assert_eq!(tokens(&TokenCounter::Words), None);
}

/// Broken files, each in its own way.
const MISTAKES: [(&str, &str); 26] = [
    ("a.jsonl", "\n"),
    ("a.jsonl", "{\"prompt\":\"a\"}\n\n[1]"),
    ("a.jsonl", "{\"prompt\":\"a\"}\n{\"prompt\": "),
    ("a.jsonl", r#"{"messages":[{"role":"system","content":"x"}]}"#),
    ("a.jsonl", r#"{"prompt":"a","max_tokens":0}"#),
    ("a.jsonl", r#"{"prompt":"a","output_tokens":"many"}"#),
    ("a.jsonl", r#"{"prompt":"  ","id":1}"#),
    ("a.jsonl", r#"{"prompt":{"a":1}}"#),
    ("a.jsonl", r#"{"prompt":"a","slo":{"speed":1}}"#),
    ("a.jsonl", r#"{"prompt":"a","slo":{"ttft":"fast"}}"#),
    ("a.jsonl", r#"{"prompt":"a","slo":5}"#),
    ("a.jsonl", r#"{"prompt":"a","body":{"stream":false}}"#),
    ("a.jsonl", r#"{"prompt":"a","body":"text"}"#),
    ("a.jsonl", r#"{"prompt":"a","cancel_after":32}"#),
    ("a.jsonl", r#"{"prompt":"a","think_ms":"-1"}"#),
    ("a.jsonl", r#"{"prompt":"a","model":["b"]}"#),
    ("a.jsonl", r#"{"messages":[{"content":"x"}]}"#),
    ("a.jsonl", r#"{"messages":[{"role":"user","content":5}]}"#),
    ("a.jsonl", r#"{"turns":["a", 5]}"#),
    ("a.json", r#"[{"prompt":"a"}, 5]"#),
    ("a.json", r#"[{"conversations":[{"from":"human"}]}]"#),
    ("a.json", r#"[{"conversations":[{"from":"human","value":"hi"}]}]"#),
    ("a.csv", "prompt,n\na,1,2\n"),
    ("a.csv", "id,n\n1,2\n"),
    ("a.txt", "hello"),
    ("a.parquet", "PAR1 and nothing else"),
];

#[test]
fn mistakes_are_named_with_file_place_and_value() {
    let wrong = |(path, text): (&str, &str)| {
        read_as(&file(path, DataFormat::Auto), text.as_bytes(), false).unwrap_err().to_string()
    };
    insta::assert_snapshot!(MISTAKES.map(wrong).join("\n"), @r#"
    a.jsonl: there are no rows; write for example one JSON object per line: {"prompt": "…"}
    a.jsonl, line 3: this is not a JSON object: invalid type: sequence, expected a map (column 0)
    a.jsonl, line 2: this is not a JSON object: EOF while parsing a value (column 11)
    a.jsonl, line 1: there is no prompt: give "prompt", "text_input", "messages" with a user's text, or name the column with --prompt-column; here are 'messages'
    a.jsonl, line 1: "max_tokens" is 0, which is not a whole number from 1 to 2000000
    a.jsonl, line 1: "output_tokens" is "many", which is not a whole number from 1 to 2000000
    a.jsonl, line 1: there is no prompt: give "prompt", "text_input", "messages" with a user's text, or name the column with --prompt-column; here are 'id', 'prompt'
    a.jsonl, line 1: "prompt" is {"a":1}, which is not a text
    a.jsonl, line 1: "slo" is speed, which is not a limit per request; known are ttft, ttfo, tpot, max_stall and e2e
    a.jsonl, line 1: "slo.ttft" is "fast", which is not a time: write milliseconds, or for example "2s"
    a.jsonl, line 1: "slo" is 5, which is not a JSON object
    a.jsonl, line 1: "body" is stream, which is not a field that a row may set there: the prompt, its length and "model" stand beside it, and --stream holds for all
    a.jsonl, line 1: "body" is "text", which is not a JSON object
    a.jsonl, line 1: "cancel_after" is 32, which is not "32tokens" or a time such as "500ms"
    a.jsonl, line 1: "think_ms" is "-1", which is not a time: write milliseconds, or for example "2s"
    a.jsonl, line 1: "model" is ["b"], which is not a word
    a.jsonl, line 1: "messages" is {"content":"x"}, which is not a list of messages with "role" and "content"
    a.jsonl, line 1: "messages.content" is 5, which is not a text or a list of parts
    a.jsonl, line 1: "turns" is 5, which is not a list of texts, or of objects with a "prompt"
    a.json, row 2: this is not a JSON object: invalid type: integer `5`, expected a map at line 1 column 1…
    a.json, row 1: "conversations" is {"from":"human"}, which is not a list of lines with "from" and "value"
    a.json: none of the 1 rows can be asked: each lacks a question with an answer, or lies outside 4 to 1024 prompt tokens and 2048 in all, the bounds that vLLM sets for ShareGPT; --turns all takes whole conversations without bounds
    a.csv, line 2: this is not CSV: this row has 3 fields and the line of names has 2
    a.csv, row 1: there is no prompt: give "prompt", "text_input", "messages" with a user's text, or name the column with --prompt-column; here are 'id', 'n'
    a.txt: this is neither JSON, CSV nor Parquet; name the format with --dataset-format
    a.parquet: this is not Parquet that can be read: Parquet error: Invalid Parquet file. Corrupt footer
    "#);
}

#[test]
fn a_named_format_or_column_must_be_there() {
    let wrong = |format, column: Option<&str>, text: &str| {
        let columns = DataFile { prompt_column: column.map(str::to_owned), ..file("a.jsonl", format) };
        read_as(&columns, text.as_bytes(), false).unwrap_err().to_string()
    };
    let row = r#"{"prompt": "a", "id": 1}"#;
    let words = [
        wrong(DataFormat::ShareGpt, None, row),
        wrong(DataFormat::Messages, None, row),
        wrong(DataFormat::Parquet, None, row),
        wrong(DataFormat::Auto, Some("text"), row),
    ];
    insta::assert_snapshot!(words.join("\n"), @r#"
    a.jsonl, line 1: there are no "conversations", which --dataset-format sharegpt needs
    a.jsonl, line 1: there are no "messages", which --dataset-format messages needs
    a.jsonl: this is not Parquet that can be read: Parquet error: Invalid Parquet file. Corrupt footer
    a.jsonl, line 1: there is no column 'text'; the columns are 'id', 'prompt'
    "#);
    let bytes = read_as(&file("a.jsonl", DataFormat::Auto), b"{\"prompt\": \"a\"}\n\xff", false).unwrap_err();
    insta::assert_snapshot!(bytes.to_string(), @"a.jsonl, line 2: this is not UTF-8 text; save it as UTF-8");
}

#[test]
fn numbers_are_read_from_lines_tables_and_keys() {
    let found = |path: &str, name: Option<&str>, text: &str| {
        let column = Column { path: path.into(), name: name.map(str::to_owned) };
        match numbers(&column, |_| Ok(text.as_bytes().to_vec())) {
            Ok(numbers) => format!("{numbers:?}"),
            Err(error) => error.to_string(),
        }
    };
    let words = [
        found("l.txt", None, "12\n\n 7 \n9.0\n"),
        found("l.csv", None, "tokens\n5\n6\n"),
        found("l.csv", Some("out"), "in,out\n5,6\n7,8\n"),
        found("l.jsonl", Some("n"), "{\"n\": 3}\n{\"n\": 4}\n"),
        found("l.txt", None, "12\ntwelve\n"),
        found("l.txt", None, "12\n0\n"),
        found("l.csv", None, "in,out\n5,6\n"),
        found("l.csv", Some("n"), "in,out\n5,6\n"),
        found("l.txt", None, ""),
    ];
    insta::assert_snapshot!(words.join("\n"), @r#"
    [12, 7, 9]
    [5, 6]
    [6, 8]
    [3, 4]
    l.txt, line 2: "the line" is twelve, which is not one number of tokens; for a column or key write file:PATH#NAME
    l.txt, line 2: "the line" is 0, which is not one number of tokens; for a column or key write file:PATH#NAME
    l.csv, line 1: "the line" is in,out, which is not one number of tokens; for a column or key write file:PATH#NAME
    l.csv, row 1: there is no column 'n'; the columns are in, out
    l.txt: there are no rows; write for example one JSON object per line: {"prompt": "…"}
    "#);
}

#[test]
fn hostile_files_end_quickly() {
    let many = |text: &str| text.repeat(200_000 / text.len());
    let texts = [
        many("["),
        many("{"),
        many("{\"a\":"),
        many("\""),
        many(","),
        many("\n"),
        many("[{},"),
        many("\u{0}"),
    ];
    for text in texts {
        for path in ["a.json", "a.jsonl", "a.csv", "a"] {
            if let Err(error) = read_as(&file(path, DataFormat::Auto), text.as_bytes(), true) {
                assert!(error.to_string().len() < 600, "{error}");
            }
        }
    }
}

#[test]
fn a_broken_parquet_file_is_an_error_wherever_it_breaks() {
    let whole = parquet(Compression::SNAPPY);
    let broken = file("a.parquet", DataFormat::Auto);
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        drop(read_as(&broken, &flipped, false));
        assert!(read_as(&broken, &whole[..at], false).is_err());
    }
    std::panic::set_hook(quiet);
}

proptest! {
    #[test]
    fn no_row_panics(text in r#"(\{"|"\}|"(prompt|messages|conversations|role|from|value|content|turns|slo)":|\[|\]|,|"[a-z]{0,3}"|[0-9]|\n|null){0,24}"#) {
        for path in ["a.json", "a.jsonl", "a.csv"] {
            drop(read_as(&file(path, DataFormat::Auto), text.as_bytes(), true));
        }
    }
}
