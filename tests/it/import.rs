//! `import` and the forms that other tools read, through the binary.

use std::path::Path;

use crate::stage::{Stage, schema};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/import").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn stage(files: &[&str]) -> Stage {
    let stage = Stage::new();
    for file in files {
        stage.write(file, &fixture(file));
    }
    stage
}

#[test]
fn every_tool_is_recognised_and_what_is_left_out_is_said() {
    let cases = [
        ("vllm_append.json", "vllm bench serve", "left out: max_output_tokens_per_s"),
        ("vllm_chat.json", "vllm bench serve", "left out: ttft, tpot, itl"),
        ("vllm_detailed.json", "vllm bench serve", "made anew"),
        ("sglang.jsonl", "SGLang bench_serving", "the last of 2 results"),
        ("sglang_detailed.jsonl", "SGLang bench_serving", "left out: output_throughput"),
        ("aiperf.json", "AIPerf", "our tpot"),
        ("aiperf.jsonl", "AIPerf", "our tpot"),
        ("guidellm.json", "GuideLLM", "wall clock"),
    ];
    let stage = stage(&cases.map(|(file, ..)| file));
    let validator = jsonschema::validator_for(&schema("result.schema.json")).unwrap();
    for (file, tool, said) in cases {
        stage
            .run(&["import", file, "--output", "result.json"])
            .says(0, &[&format!("read as a result of {tool}"), said]);
        let result = stage.json("result.json");
        let wrong: Vec<String> = validator.iter_errors(&result).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{file}: {wrong:?}");
        for form in ["table", "markdown", "junit", "csv", "vllm"] {
            let text = stage.run(&["report", "result.json", "--format", form]);
            text.says(0, &[]);
            assert!(!text.stdout.contains("llm-loadtest run "), "{file} as {form}: {}", text.stdout);
        }
        stage.run(&["report", "result.json"]).prints(&[&format!("a result of {tool}")]);
    }
}

#[test]
fn imports_are_compared_with_each_other_and_not_with_ours() {
    let stage = stage(&["vllm_append.json"]);
    let slower = fixture("vllm_append.json").replace("\"median_ttft_ms\": 75.0", "\"median_ttft_ms\": 175.0");
    stage.write("slower.json", &slower);
    stage.run(&["import", "vllm_append.json", "-o", "old.json", "--hardware", "h100"]).says(0, &[]);
    stage.run(&["import", "slower.json", "-o", "new.json", "--hardware", "h100"]).says(0, &[]);
    stage.run(&["compare", "old.json", "new.json"]).prints(&["TTFT p50"]);

    let quick = ["--num-prompts", "20", "--input-len", "8", "--output-len", "4"];
    stage.run(&[&["run", "--server", "sim:fast", "-o", "ours.json"][..], &quick].concat()).says(0, &[]);
    stage
        .run(&["compare", "ours.json", "new.json"])
        .says(2, &["metric definitions: baseline '1', now '1/vllm'"]);
    stage.run(&["baseline", "save", "new.json"]).says(2, &["metric definitions"]);
    stage
        .run(&["report", "ours.json", "--format", "vllm"])
        .prints(&["\"mean_ttft_ms\": ", "\"p99_itl_ms\": "]);
}

#[test]
fn what_cannot_be_imported_says_why() {
    let stage = stage(&["vllm_append.json", "aiperf.json"]);
    stage.write("empty.json", "");
    stage.write("other.json", "{\"a\": 1}");
    stage.run(&["import"]).says(2, &["FILE"]);
    stage.run(&["import", "nowhere.json"]).says(2, &["nowhere.json"]);
    stage.run(&["import", "empty.json"]).says(2, &["empty.json: the file is empty", "hint: "]);
    stage.run(&["import", "other.json"]).says(2, &["known here", "hint: "]);
    stage
        .run(&["import", "vllm_append.json", "aiperf.json"])
        .says(2, &["a result of AIPerf, not of vllm bench serve"]);
    stage.run(&["import", "vllm_append.json", "--entry", "7"]).says(2, &["3 results, not 7", "--entry"]);
    stage.run(&["import", "vllm_append.json", "--entry", "none"]).says(2, &["all, last, or a number"]);
}
