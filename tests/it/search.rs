//! `run --find-max-rate` through the binary: the answer, the document that holds it, and the exit code.

use serde_json::Value;

use crate::stage::{Stage, schema};

const SHORT: [&str; 12] = [
    "run",
    "--server",
    "sim:h100-8b",
    "--input-len",
    "16",
    "--output-len",
    "4",
    "--num-prompts",
    "60",
    "--search-budget",
    "60s",
    "--json",
];

fn search(stage: &Stage, more: &[&str], code: i32) -> Value {
    stage.run(&[&SHORT[..], more].concat()).says(code, &["wrote"]);
    let result = stage.json("llm-loadtest-results/result.json");
    let validator = jsonschema::validator_for(&schema("result.schema.json")).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&result).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    result
}

/// What must be true of any search, whatever it found.
fn is_consistent(result: &Value) {
    let search = &result["search"];
    let levels = search["levels"].as_array().unwrap();
    let loads: Vec<f64> = levels.iter().map(|level| level["load"].as_f64().unwrap()).collect();
    assert!(loads.is_sorted(), "{loads:?}");
    let labels = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|level| level["label"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(labels(&search["levels"]), labels(&result["levels"]));
    assert_eq!(labels(&search["levels"]), labels(&result["plan"]["workload"]["levels"]));
    let windows: usize =
        result["rounds"].as_array().unwrap().iter().map(|round| labels(&round["levels"]).len()).sum();
    assert_eq!(search["steps"].as_array().unwrap().len(), windows);
    let (attainment, value) = (search["attainment"].as_f64().unwrap(), search["answer"]["value"].as_f64());
    for level in levels {
        let held = level["standing"] == "held";
        assert_eq!(held, value.is_some_and(|value| level["load"].as_f64().unwrap() <= value), "{level}");
        assert!(!held || level["low"].as_f64().unwrap() >= attainment, "{level}");
    }
    let above = search["answer"]["above"].as_f64();
    assert!(above.is_none_or(|above| value.is_none_or(|value| above > value)));
}

#[test]
fn a_rate_that_no_server_of_this_kind_holds_is_bracketed() {
    let stage = Stage::new();
    // A batch of the simulated server decodes in no less than 7.5 ms, and in more under load.
    let result = search(
        &stage,
        &["--find-max-rate", "--goodput", "e2e:45", "--rate", "8", "--search-precision", "50%"],
        0,
    );
    is_consistent(&result);
    let answer = &result["search"]["answer"];
    assert_eq!(answer["metric"], "max_goodput_rate");
    assert!(answer["value"].as_f64().unwrap() > 0.0, "{answer}");
    stage
        .run(&["report", "llm-loadtest-results/result.json"])
        .says(0, &[])
        .prints(&["holds E2E from due ≤ 45 ms for 95% of requests", "achieved"]);
    stage
        .run(&["report", "llm-loadtest-results/result.json", "--format", "markdown"])
        .says(0, &[])
        .prints(&["holds E2E from due", "--find-max-rate"]);
    stage.run(&["baseline", "save", "llm-loadtest-results/result.json"]).says(2, &["search", "hint:"]);
    let twice = "llm-loadtest-results/result.json";
    stage.run(&["compare", twice, twice]).says(2, &["search", "hint:"]);
}

#[test]
fn objectives_that_an_idle_server_misses_end_the_search_with_code_1() {
    let stage = Stage::new();
    let result = search(&stage, &["--find-max-concurrency", "--goodput", "ttft:1"], 1);
    is_consistent(&result);
    let search = &result["search"];
    assert_eq!((&search["stopped"], &search["answer"]["outcome"]), (&"idle".into(), &"none_holds".into()));
    assert_eq!(search["idle"]["good"], 0);
}

#[test]
fn a_search_without_time_says_what_it_saw() {
    let stage = Stage::new();
    let result = search(&stage, &["--find-max-rate", "--goodput", "ttft:9000", "--rate", "0.5"], 4);
    is_consistent(&result);
    assert_eq!(result["search"]["stopped"], "budget");
}

#[test]
fn a_gate_does_not_search() {
    let stage = Stage::new();
    let mut gate = stage.command(&["gate", "--server", "sim:fast", "--goodput", "ttft:500"]);
    gate.env("LLM_LOADTEST_FIND_MAX_RATE", "true");
    crate::stage::ended(&gate.output().unwrap()).says(2, &["gate", "run", "hint:"]);
}

#[test]
fn a_range_is_a_sweep_with_its_knee() {
    let stage = Stage::new();
    stage
        .run(&[
            "run",
            "--server",
            "sim:fast",
            "--concurrency",
            "1..4x2",
            "--num-prompts",
            "20",
            "--output-len",
            "4",
        ])
        .says(0, &["wrote"])
        .prints(&["c=1", "c=2", "c=4", "knee: c=", "Kleinrock"]);
}
