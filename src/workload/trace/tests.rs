//! Every format, and the words of every error.

use super::*;

fn parse_as(text: &str, unit: Option<TimeUnit>) -> Result<Trace, TraceError> {
    Trace::parse(text, &TraceFile { path: "t".into(), unit, block: 512 }, &TokenCounter::Words)
}

fn parse(text: &str) -> Trace {
    parse_as(text, None).unwrap()
}

/// Seconds, prompt and answer of each row.
fn rows(trace: &Trace) -> Vec<(f64, Option<u32>, Option<u32>)> {
    trace.rows().iter().map(|row| (row.at.secs(), row.input, row.output)).collect()
}

#[test]
fn mooncake() {
    let trace = parse(
        "{\"timestamp\": 27482, \"input_length\": 6955, \"output_length\": 52, \"hash_ids\": [46, 2353]}\n\
         {\"timestamp\": 30535, \"input_length\": 6472, \"output_length\": 26, \"hash_ids\": [46, 2366]}\n",
    );
    insta::assert_snapshot!(trace.describe(), @"a Mooncake trace of 2 requests over 3.1s");
    assert_eq!(rows(&trace), [(0.0, Some(6955), Some(52)), (3.053, Some(6472), Some(26))]);
    assert_eq!(trace.rows()[1].words, Words::Blocks([46, 2366].into()));
}

#[test]
fn azure() {
    let trace = parse(
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109\r\n",
    );
    insta::assert_snapshot!(trace.describe(), @"an Azure LLM inference trace of 2 requests over 4.3s");
    assert_eq!(rows(&trace), [(0.0, Some(374), Some(44)), (4.314_579, Some(396), Some(109))]);
    let later = "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:00.017335+00:00,2399,6\n";
    assert_eq!(rows(&parse(later))[1], (0.007_405, Some(2399), Some(6)));
}

#[test]
fn burst_gpt() {
    let trace = parse(
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
         5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,Conversation log\n118,GPT-4,417,276,693,API log\n",
    );
    insta::assert_snapshot!(trace.describe(), @"a BurstGPT trace of 2 requests over 1m53s; 1 more without a token of prompt or answer are left out");
    assert_eq!(rows(&trace), [(0.0, Some(472), Some(18)), (113.0, Some(417), Some(276))]);
    let with_sessions = parse(
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
         5.5,7,1.2,GPT-4,10,18,28,Conversation log\n6.0,,1.2,GPT-4,10,18,28,API log\n",
    );
    let words: Vec<bool> =
        with_sessions.rows().iter().map(|row| matches!(row.words, Words::Session(_))).collect();
    assert_eq!(words, [true, false]);
}

#[test]
fn plain_files_name_their_columns_and_units_in_many_ways() {
    let milliseconds = parse("arrival_time_ms,Prompt Tokens,completion_tokens\n1500,7,2.0\n500,8,\n");
    assert_eq!(milliseconds.format(), TraceFormat::Csv);
    assert_eq!(rows(&milliseconds), [(0.0, Some(8), None), (1.0, Some(7), Some(2))], "sorted by time");
    let said = parse_as(
        "\u{feff}{\"ts\": \"1.5\", \"isl\": 7}\n\n{\"ts\": 2e0, \"isl\": 8}",
        Some(TimeUnit::Seconds),
    );
    assert_eq!(rows(&said.unwrap()), [(0.0, Some(7), None), (0.5, Some(8), None)]);
    let epoch = parse("timestamp_s,input_tokens\n1769860800.000000001,1\n1769860800.000000003,1\n");
    assert_eq!(epoch.rows()[1].at, Nanos(2), "an f64 would not hold these digits");
    let quoted = parse("time_us,prompt\n-1000000,\"two, words\"\n0,\"a \"\"line\"\"\nand another\"\n");
    assert_eq!(quoted.rows()[0].words, Words::Text("two, words".into()));
    assert_eq!(quoted.rows()[1].at, Nanos(1_000_000_000));
}

#[test]
fn texts_are_counted_where_a_tokenizer_is_known() {
    let counter = TokenCounter::resolve(Some("cl100k_base"), |_| Err(String::new())).unwrap();
    let file = TraceFile { path: "t".into(), unit: None, block: 512 };
    let text = "{\"time_s\": 0, \"prompt\": \"antidisestablishmentarianism\", \"input_tokens\": 99}";
    assert_eq!(Trace::parse(text, &file, &counter).unwrap().rows()[0].input, Some(6));
}

#[test]
fn errors_name_line_column_and_value() {
    let wrong = |text: &str| parse_as(text, None).unwrap_err().to_string() + "\n";
    insta::assert_snapshot!([
        wrong(" \n"),
        wrong("a,b\n1,2\n"),
        wrong("timestamp,b\n1,2\n"),
        wrong("timestamp,input_tokens\n1,2\n"),
        wrong("time_s,input_tokens\n1,2\nsoon,3\n"),
        wrong("time_s,input_tokens\n1,many\n"),
        wrong("time_s,input_tokens\n1,-4\n"),
        wrong("time_s,input_tokens\n1,\n"),
        wrong("time_s,input_tokens\n,4\n"),
        wrong("time_s,input_tokens\n1,2,3\n"),
        wrong("time_s,input_tokens,output_tokens\n1,2,0\n"),
        wrong("{\"timestamp\": 1, \"input_length\": 2}\n[1]\n"),
        wrong("{\"timestamp\": 1, \"input_length\": 2, \"hash_ids\": [1, 2.5]}\n"),
        wrong("{\"timestamp\": 1, \"input_length\": 2}\n{\"input_length\": 2}\n"),
        wrong("{\"timestamp\": \"1e99\", \"input_length\": 2}\n"),
    ].concat(), @r"
    the trace has no request with tokens to ask for
    no column tells the time: name one timestamp, time or ts; there are a, b
    no column tells the prompt's length: name one input_length, input_tokens or prompt_tokens; there are timestamp, b
    line 2, timestamp: '1' has no unit; say it with --trace-unit s (or ms, us, ns), or name the column timestamp_s
    line 3, time_s: 'soon' is not a number or a date
    line 2, input_tokens: 'many' is not a number of tokens from 0 to 2000000
    line 2, input_tokens: '-4' is not a number of tokens from 0 to 2000000
    line 2 has no input_tokens
    line 2 has no time_s
    line 2 is not a CSV record: it has 3 cells and the header 2
    the trace has no request with tokens to ask for
    line 2 is not a JSON object: invalid type: sequence, expected a map at line 1 column 0
    line 1, hash_ids: '2.5' is not a whole number
    line 2 has no timestamp
    line 1, timestamp: '1e99' is not a number or a date
    ");
}
