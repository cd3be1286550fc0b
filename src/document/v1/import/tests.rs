//! Small files in the shape of each tool's, good and hostile.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{Given, ImportError, ImportOptions, Pick, Reading, Source, import};
use crate::document::v1::{
    BaselineDocument, Candidate, RoundDocument, RunDocument, comparable, run_schema, sample,
};

const VLLM: &str = include_str!("../../../../tests/fixtures/import/vllm_append.json");
const VLLM_CHAT: &str = include_str!("../../../../tests/fixtures/import/vllm_chat.json");
const VLLM_DETAILED: &str = include_str!("../../../../tests/fixtures/import/vllm_detailed.json");
const SGLANG: &str = include_str!("../../../../tests/fixtures/import/sglang.jsonl");
const SGLANG_DETAILED: &str = include_str!("../../../../tests/fixtures/import/sglang_detailed.jsonl");
const AIPERF: &str = include_str!("../../../../tests/fixtures/import/aiperf.json");
const AIPERF_RECORDS: &str = include_str!("../../../../tests/fixtures/import/aiperf.jsonl");
const GUIDELLM: &str = include_str!("../../../../tests/fixtures/import/guidellm.json");

fn read(text: &str, options: &ImportOptions) -> Result<RunDocument, ImportError> {
    let reading = Reading { tool: "0.1.0", created: "2026-01-03T00:00:00Z" };
    import(&[Given { path: Path::new("their.json"), text }], options, reading)
}

fn good(text: &str) -> RunDocument {
    read(text, &ImportOptions::default()).unwrap()
}

/// What was taken over and what was not, a line each.
fn told(run: &RunDocument) -> String {
    let mut out = format!("{} of {}: {}\n", run.definitions, run.fingerprint.model, run.plan.workload.api);
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    for level in run.rounds.iter().flat_map(|round| &round.levels) {
        writeln!(
            out,
            "{}: {}/{} {:?}, concurrency {} {:?}, {} s",
            level.label,
            level.succeeded,
            level.offered,
            level.failures,
            number(level.concurrency.mean),
            level.concurrency.peak,
            level.window.measured_s
        )
        .unwrap();
        for (id, metric) in &level.metrics {
            writeln!(
                out,
                "  {id}: n {:?}, mean {} sd {}, p50 {} p95 {} p99 {}{}",
                metric.n,
                number(metric.mean),
                number(metric.sd),
                number(metric.p50),
                number(metric.p95),
                number(metric.p99),
                if level.histograms.contains_key(id) { ", histogram" } else { "" }
            )
            .unwrap();
        }
        writeln!(out, "  {:?}", level.values).unwrap();
    }
    for finding in &run.findings {
        let level = finding.level.as_ref().map(|level| format!("{level}: ")).unwrap_or_default();
        writeln!(out, "{}: {level}{}", finding.severity, finding.message).unwrap();
    }
    out
}

#[test]
fn vllm_is_taken_over_where_its_definitions_are_ours() {
    insta::assert_snapshot!(told(&good(VLLM)), @r#"
    1/vllm of org/model-8b: completions
    c=1: 198/200 {"unclassified": 2}, concurrency - None, 50 s
      icl: n None, mean 10.1 sd -, p50 9 p95 - p99 31
      tpot: n None, mean 10 sd -, p50 9.5 p95 - p99 14
      ttft: n Some(198), mean 80 sd 20.0507, p50 75 p95 - p99 160
      {"output_throughput": 506.88, "request_throughput": 3.96, "total_throughput": 2534.4}
    c=8: 198/200 {"unclassified": 2}, concurrency - None, 50 s
      icl: n None, mean 12.12 sd -, p50 10.8 p95 - p99 37.2
      tpot: n None, mean 12 sd -, p50 11.4 p95 - p99 16.8
      ttft: n Some(198), mean 96 sd 20.0507, p50 90 p95 - p99 192
      {"output_throughput": 506.88, "request_throughput": 3.96, "total_throughput": 2534.4}
    c=32: 198/200 {"unclassified": 2}, concurrency - None, 50 s
      icl: n None, mean 19.19 sd -, p50 17.1 p95 - p99 58.9
      tpot: n None, mean 19 sd -, p50 18.05 p95 - p99 26.6
      ttft: n Some(198), mean 152 sd 20.0507, p50 142.5 p95 - p99 304
      {"output_throughput": 506.88, "request_throughput": 3.96, "total_throughput": 2534.4}
    info: left out: max_concurrent_requests: depending on its version it counts every request of a whole second, not those at once
    info: left out: max_output_tokens_per_s: counts chunks, not tokens, per whole second
    info: left out: success_rate, error_rate: a stream that broke off counts as a success there
    info: its itl is the time between chunks, our icl, and is found there
    "#);
    insta::assert_snapshot!(told(&good(VLLM_CHAT)), @r#"
    1/vllm of org/model-8b: chat
    c=8: 198/200 {"unclassified": 2}, concurrency - None, 50 s
      e2e: n Some(198), mean 1400 sd 90.2281, p50 1380 p95 - p99 1700
      {"output_throughput": 506.88, "request_throughput": 3.96, "total_throughput": 2534.4}
    info: left out: max_concurrent_requests: depending on its version it counts every request of a whole second, not those at once
    info: left out: max_output_tokens_per_s: counts chunks, not tokens, per whole second
    info: left out: request_goodput: the file does not say which limits it stands for
    info: left out: success_rate, error_rate: a stream that broke off counts as a success there
    info: left out: ttft, tpot, itl: its chat client stops the clock at the first chunk with choices, which may be the role before any token
    info: its e2el ends at the last chunk with choices, which may follow the last token by a moment
    "#);
}

/// Wanted values by hand: gaps of 10, 12, 11 and 10, 50, 12 ms after 50 and 60 ms, an answer of one token after 70 ms,
/// a failure in between.
#[test]
fn vllm_details_are_made_anew() {
    insta::assert_snapshot!(told(&good(VLLM_DETAILED)), @r#"
    1/vllm of org/model-8b: completions
    rate=4: 3/4 {"unclassified": 1}, concurrency - None, 1 s
      e2e: n Some(3), mean 95 sd 32.6956, p50 83 p95 127.1 p99 131.02, histogram
      icl: n Some(6), mean 17.5 sd 15.9468, p50 11.5 p95 40.5 p99 48.1, histogram
      itl: n Some(6), mean 17.5 sd 15.9468, p50 11.5 p95 40.5 p99 48.1, histogram
      max_stall: n Some(2), mean 31 sd 26.8701, p50 31 p95 48.1 p99 49.62, histogram
      tokens_per_user: n Some(2), mean 66.2879 sd 34.8197, p50 66.2879 p95 88.447 p99 90.4167, histogram
      tpot: n Some(2), mean 17.5 sd 9.19239, p50 17.5 p95 23.35 p99 23.87, histogram
      ttft: n Some(3), mean 60 sd 10, p50 60 p95 69 p99 69.8, histogram
      ttst: n Some(2), mean 10 sd 0, p50 10 p95 10 p99 10, histogram
      {"output_throughput": 9.0, "request_throughput": 3.0, "total_throughput": 309.0}
    info: left out: max_output_tokens_per_s: counts chunks, not tokens, per whole second
    info: left out: success_rate, error_rate: a stream that broke off counts as a success there
    info: its e2el ends at the last chunk with choices, which may follow the last token by a moment
    info: its itl is the time between chunks, our icl, and is found there
    info: latencies are made anew from the file's single requests
    "#);
}

#[test]
fn sglang_ends_with_the_stream() {
    insta::assert_snapshot!(told(&good(SGLANG)), @r#"
    1/sglang of model-8b: completions
    c=16: 100/100 {}, concurrency 3.75 None, 40 s
      itl: n None, mean 11.2 sd -, p50 10 p95 20 p99 35
      ttft: n Some(100), mean 120 sd 12.0605, p50 115 p95 - p99 140
      ttlb: n Some(100), mean 1500 sd 100.504, p50 1490 p95 - p99 1800
      {"output_throughput": 320.0, "request_throughput": 2.5, "total_throughput": 1600.0}
    info: left out: input_throughput: METRICS counts prompt tokens in total_throughput only
    info: left out: success_rate, error_rate: a stream that broke off counts as a success there
    info: left out: tpot: includes the wait from the last token to the end of the stream; --output-details lets it be made anew
    info: e2e_latency: its end is the end of the stream, so it is our ttlb and is found there; e2e needs --output-details
    info: the last of 2 results in the file; --entry chooses others
    warning: failed requests are not in the file: offered counts the successes alone
    "#);
    insta::assert_snapshot!(told(&good(SGLANG_DETAILED)), @r#"
    1/sglang of model-8b: completions
    c=2: 2/2 {}, concurrency 0.4 None, 1 s
      e2e: n Some(2), mean 125 sd 21.2132, p50 125 p95 138.5 p99 139.7, histogram
      icl: n Some(5), mean 16 sd 8.94427, p50 10 p95 28 p99 29.6, histogram
      itl: n Some(5), mean 16 sd 8.94427, p50 10 p95 28 p99 29.6, histogram
      max_stall: n Some(2), mean 20 sd 14.1421, p50 20 p95 29 p99 29.8, histogram
      tokens_per_user: n Some(2), mean 75 sd 35.3553, p50 75 p95 97.5 p99 99.5, histogram
      tpot: n Some(2), mean 15 sd 7.07107, p50 15 p95 19.5 p99 19.9, histogram
      ttft: n Some(2), mean 85 sd 7.07107, p50 85 p95 89.5 p99 89.9, histogram
      ttlb: n Some(2), mean 1500 sd 141.421, p50 1490 p95 - p99 1800
      ttst: n Some(2), mean 10 sd 0, p50 10 p95 10 p99 10, histogram
      {"request_throughput": 2.5}
    info: left out: input_throughput: METRICS counts prompt tokens in total_throughput only
    info: left out: output_throughput, total_throughput: without usage from the server it counts the tokens that were asked for: 7, and 5 in the texts
    info: left out: success_rate, error_rate: a stream that broke off counts as a success there
    info: latencies are made anew from the file's single requests; e2e_latency is our ttlb, which ends with the stream
    "#);
}

#[test]
fn aiperf_calls_our_tpot_inter_token_latency() {
    insta::assert_snapshot!(told(&good(AIPERF)), @r#"
    1/aiperf of org/model-8b: chat
    c=10: 300/303 {"unclassified": 3}, concurrency - None, 60 s
      e2e: n Some(300), mean 2000 sd 300.501, p50 1960 p95 2600 p99 3000
      icl: n None, mean 11 sd -, p50 10.78 p95 14.3 p99 16.5
      tokens_per_user: n None, mean 80 sd -, p50 78.4 p95 104 p99 120
      tpot: n None, mean 12 sd -, p50 11.76 p95 15.6 p99 18
      ttft: n Some(300), mean 100 sd 15.0251, p50 98 p95 130 p99 150
      ttst: n None, mean 10 sd -, p50 9.8 p95 13 p99 15
      {"output_throughput": 640.0, "request_throughput": 5.0}
    info: left out: goodput: a request without the value that a limit names misses it there, and is not evaluated here
    info: its inter_token_latency is one mean per request, our tpot, and is found there
    info: output tokens are counted by the client's tokenizer unless --use-server-token-count was given, and tpot divides by them
    "#);
    insta::assert_snapshot!(told(&good(AIPERF_RECORDS)), @r#"
    1/aiperf of unknown: unknown
    aiperf: 3/4 {"cancelled": 1, "unclassified": 1}, concurrency 0.385058 Some(1), 0.87 s
      e2e: n Some(3), mean 111.667 sd 25.5408, p50 120 p95 130.8 p99 131.76, histogram
      icl: n Some(8), mean 19.375 sd 14.1718, p50 12 p95 43 p99 48.6, histogram
      max_stall: n Some(3), mean 30.6667 sd 19.0088, p50 30 p95 48 p99 49.6, histogram
      tokens_per_user: n Some(3), mean 77.5253 sd 31.3853, p50 90.9091 p95 99.0909 p99 99.8182, histogram
      tpot: n Some(3), mean 15 sd 7.81025, p50 11 p95 22.7 p99 23.74, histogram
      ttft: n Some(3), mean 60 sd 10, p50 60 p95 69 p99 69.8, histogram
      ttst: n Some(3), mean 13.3333 sd 5.7735, p50 10 p95 19 p99 19.8, histogram
      {"output_throughput": 16.092, "request_throughput": 3.44828, "total_throughput": 360.92}
    info: latencies are made anew from single records; inter_token_latency is one mean per request, our tpot
    info: output tokens are counted by the client's tokenizer unless --use-server-token-count was given, and tpot divides by them
    "#);
}

#[test]
fn guidellm_counts_the_first_token_into_its_tpot() {
    insta::assert_snapshot!(told(&good(GUIDELLM)), @r#"
    1/guidellm of org/model-8b: unknown
    c=2: 3/4 {"cancelled": 1, "unclassified": 1}, concurrency 1.5 Some(2), 2 s
      e2e: n Some(3), mean 120 sd 26.4575, p50 130 p95 139 p99 139.8, histogram
      tokens_per_user: n Some(3), mean 72.2223 sd 25.4588, p50 66.6667 p95 96.6668 p99 99.3334, histogram
      tpot: n Some(3), mean 15 sd 5, p50 15 p95 19.5 p99 19.9, histogram
      ttfo: n Some(3), mean 59.9999 sd 9.99999, p50 59.9999 p95 68.9999 p99 69.7999, histogram
      ttft: n Some(3), mean 59.9999 sd 9.99999, p50 59.9999 p95 68.9999 p99 69.7999, histogram
      ttlb: n Some(3), mean 122 sd 26.4575, p50 132 p95 141 p99 141.8, histogram
      {"output_throughput": 7.5, "request_throughput": 1.5, "total_throughput": 157.5}
    rate=4: 3/3 {"cancelled": 1}, concurrency 1.5 Some(2), 2 s
      ttft: n Some(3), mean 60 sd 10, p50 60 p95 70 p99 70
      ttlb: n Some(3), mean 122 sd 26.4575, p50 132 p95 142 p99 142
      {"request_throughput": 1.5}
    info: rate=4: left out: inter_token_latency: is one mean per request, weighted by tokens: neither our tpot (by request) nor our itl (single gaps)
    info: rate=4: left out: output_tokens_per_second, tokens_per_second: spreads the tokens of a request evenly over its time, also over the edges of the window
    info: left out: time_per_output_token: counts the wait for the first token in
    info: rate=4: its percentiles are single samples, ours lie between two
    info: c=2: latencies are made anew from single requests; request_latency is our ttlb, inter_token_latency of one request its tpot
    info: rate=4: request_latency ends with the answer, so it is our ttlb; e2e needs single requests
    warning: GuideLLM reads the wall clock for every latency: a correction of the clock during the run is in them
    "#);
}

#[test]
fn results_of_a_file_are_chosen_and_equal_loads_are_rounds() {
    let labels = |pick: Option<Pick>, text: &str| {
        let run = read(text, &ImportOptions { pick, ..ImportOptions::default() }).unwrap();
        let labels = |round: &RoundDocument| round.levels.iter().map(|level| level.label.clone()).collect();
        run.rounds.iter().map(labels).collect::<Vec<Vec<String>>>()
    };
    let wanted = |rounds: &[&[&str]]| -> Vec<Vec<String>> {
        rounds.iter().map(|labels| labels.iter().map(|label| (*label).to_owned()).collect()).collect()
    };
    assert_eq!(labels(None, VLLM), wanted(&[&["c=1", "c=8", "c=32"]]));
    assert_eq!(labels(Some(Pick::Number(2)), VLLM), wanted(&[&["c=8"]]));
    assert_eq!(labels(None, SGLANG), wanted(&[&["c=16"]]));
    assert_eq!(labels(Some(Pick::All), SGLANG), wanted(&[&["c=4", "c=16"]]));
    assert_eq!(labels(Some(Pick::All), &SGLANG.repeat(2)), wanted(&[&["c=4", "c=16"], &["c=4", "c=16"]]));
    assert_eq!(labels(None, AIPERF_RECORDS), wanted(&[&["aiperf"]]));
    for (text, pick) in [("all", Pick::All), ("last", Pick::Last), ("3", Pick::Number(3))] {
        assert_eq!(text.parse(), Ok(pick));
    }
    assert!("0".parse::<Pick>().is_err() && "first".parse::<Pick>().is_err());
}

#[test]
fn an_import_is_a_document_that_says_so_and_is_never_compared_with_ours() {
    let validator = jsonschema::validator_for(&serde_json::from_str(&run_schema()).unwrap()).unwrap();
    for text in [VLLM, VLLM_CHAT, VLLM_DETAILED, SGLANG, SGLANG_DETAILED, AIPERF, AIPERF_RECORDS, GUIDELLM] {
        let run = good(text);
        assert!(validator.is_valid(&serde_json::from_str(&run.to_json()).unwrap()));
        assert_eq!(RunDocument::from_json(Path::new("result.json"), &run.to_json()), Ok(run.clone()));
        let imported = run.imported.as_ref().unwrap();
        assert_eq!(imported.files, ["their.json"]);
        assert!(imported.unsaid.iter().any(|field| field == "environment"));
        assert!(run.plan.policy().is_ok());

        let ours = sample::run();
        let reasons = comparable(&BaselineDocument::of_run(&ours), Candidate::of(&run));
        assert!(reasons.iter().any(|reason| reason.starts_with("metric definitions: ")), "{reasons:?}");
        let again = comparable(&BaselineDocument::of_run(&run), Candidate::of(&good(text)));
        assert_eq!(again, Vec::<String>::new());
    }
    let other = VLLM.replace("\"num_prompts\": 200", "\"num_prompts\": 300");
    let reasons = comparable(&BaselineDocument::of_run(&good(VLLM)), Candidate::of(&good(&other)));
    assert!(reasons.iter().any(|reason| reason.contains("workload")), "{reasons:?}");
}

#[test]
fn what_the_person_says_names_the_result() {
    let options = ImportOptions {
        source: Some(Source::Aiperf),
        pick: None,
        workload: Some("nightly".to_owned()),
        model: Some("org/model-8b".to_owned()),
        hardware: Some("h100".to_owned()),
    };
    let key = read(AIPERF_RECORDS, &options).unwrap().fingerprint;
    assert_eq!(
        (key.workload.as_str(), key.model.as_str(), key.hardware.as_str()),
        ("nightly", "org/model-8b", "h100")
    );
}

#[test]
fn a_file_that_is_no_result_is_refused_with_the_next_step() {
    let words = |text: &str, source: Option<Source>| {
        let error = read(text, &ImportOptions { source, ..ImportOptions::default() }).unwrap_err();
        format!("{error} (hint: {})", error.hint())
    };
    let changed = |text: &str, pointer: &str, value: Value| {
        let mut whole: Value = serde_json::from_str(text).unwrap();
        *whole.pointer_mut(pointer).unwrap() = value;
        whole.to_string()
    };
    insta::assert_snapshot!(words("", None), @"their.json: the file is empty (hint: let the other tool write the file again)");
    insta::assert_snapshot!(words(&AIPERF[..200], None), @"their.json: the JSON ends too early at line 11: the file was cut (hint: let the other tool write the file again)");
    insta::assert_snapshot!(words("ttft,tpot\n1,2\n", None), @"their.json: the file is not JSON: expected ident at line 1 column 2 (hint: give the JSON or JSON lines that the tool saved; its CSV, YAML and console output are not read)");
    insta::assert_snapshot!(words("{\"a\": 1}", None), @"their.json: this is no result of a tool that is known here (hint: give a result of vllm bench serve, SGLang bench_serving, AIPerf or GuideLLM, and say which with --from)");
    insta::assert_snapshot!(words("[]", Some(Source::Vllm)), @"their.json: the entry is not an object: a list (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)");
    insta::assert_snapshot!(words(&sample::run().to_json(), None), @"their.json: this is a result of our own (hint: print it with: llm-loadtest report)");
    insta::assert_snapshot!(words(VLLM, Some(Source::Sglang)), @"their.json: this is a result of vllm bench serve, not of SGLang bench_serving (hint: import the files of one tool at a time, without --from or with the right name)");
    insta::assert_snapshot!(words(&changed(VLLM_CHAT, "/completed", json!("many")), None), @r#"their.json: completed is not a number: "many" (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)"#);
    insta::assert_snapshot!(words(&changed(VLLM_CHAT, "/completed", json!(0)), None), @"their.json: no request ended well (hint: look into the server's log and measure again)");
    insta::assert_snapshot!(words(&changed(VLLM_CHAT, "/completed", Value::Null), None), @"their.json: completed is missing (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)");
    insta::assert_snapshot!(words(&changed(VLLM_CHAT, "/mean_e2el_ms", json!(1e300)), None), @"their.json: mean_e2el_ms is not a time, count or rate between 0 and 1e15: 1e+300 (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)");
    insta::assert_snapshot!(words(&VLLM_CHAT.replace("1400.0", "1e999"), None), @"their.json: the file is not JSON: number out of range at line 1 column 824 (hint: give the JSON or JSON lines that the tool saved; its CSV, YAML and console output are not read)");
    insta::assert_snapshot!(words(&VLLM_CHAT.replace("total_output_tokens", "other"), None), @"their.json: a benchmark of embeddings or pooling has no output tokens: nothing here is measured for it (hint: import a benchmark of text generation)");
    insta::assert_snapshot!(words(&changed(AIPERF, "/request_latency/unit", json!("parsecs")), None), @"their.json: request_latency.unit is not a unit of time: parsecs (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)");
    insta::assert_snapshot!(words(&changed(GUIDELLM, "/benchmarks/1/metrics", json!([])), None), @"their.json, entry 2: benchmarks[1].metrics is not an object: a list (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)");
    insta::assert_snapshot!(words(&changed(GUIDELLM, "/benchmarks", json!([])), None), @"their.json: the file is empty (hint: let the other tool write the file again)");
    insta::assert_snapshot!(words(&format!("{AIPERF_RECORDS}{{\"metadata\": 3}}"), None), @"their.json: line 7: metadata is not an object: 3 (hint: undo edits by hand; if the tool wrote it so, please report its version as a bug)");
    insta::assert_snapshot!(words(&VLLM.replacen("org/model-8b", "another", 1), None), @"their.json, entry 2: model_id is 'org/model-8b', and 'another' in what was read before (hint: import them into files of their own; choose results of one file with --entry N)");
    let options = ImportOptions { pick: Some(Pick::Number(9)), ..ImportOptions::default() };
    insta::assert_snapshot!(read(VLLM, &options).unwrap_err(), @"their.json: the file has 3 results, not 9");
}

proptest::proptest! {
    /// Whatever a file holds in the place of any value, it is read or refused, and what is read is a valid document.
    #[test]
    fn no_value_breaks_the_reader(
        at in 0_usize..400,
        which in 0_usize..6,
        value in proptest::sample::select(vec![
            json!(null), json!(true), json!("x"), json!([]), json!({}), json!(0), json!(-1), json!(1e15), json!(1e308),
            json!(u64::MAX), json!([[1]]), json!("Infinity"),
        ]),
    ) {
        let texts = [VLLM_CHAT, VLLM_DETAILED, SGLANG_DETAILED, AIPERF, AIPERF_RECORDS, GUIDELLM];
        let mut values = super::json::values(texts[which]).unwrap();
        let mut left = at;
        for whole in &mut values {
            left = replace(whole, left, &value).unwrap_or(0);
        }
        let text = values.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        if let Ok(run) = read(&text, &ImportOptions::default()) {
            let again = RunDocument::from_json(Path::new("result.json"), &run.to_json());
            proptest::prop_assert_eq!(again, Ok(run));
        }
    }
}

/// Puts `value` in the place of value number `left`, counted in depth; none when it was put.
fn replace(whole: &mut Value, left: usize, value: &Value) -> Option<usize> {
    if left == 0 {
        *whole = value.clone();
        return None;
    }
    let mut left = left - 1;
    let children: Vec<&mut Value> = match whole {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        left = replace(child, left, value)?;
    }
    Some(left)
}
