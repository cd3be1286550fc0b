//! `recommend` through the binary: answers, refusals, bad input, and a calibration by a measured run.

use serde_json::Value;

use crate::stage::{Stage, schema};

fn answer(stage: &Stage, args: &[&str]) -> Value {
    let all: Vec<&str> = ["recommend", "--format", "json"].iter().chain(args).copied().collect();
    let ended = stage.run(&all);
    assert!(ended.code <= 1, "{}", ended.stderr);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema("recommend.schema.json")).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    document
}

#[test]
fn a_load_gets_options_with_their_formulas() {
    let stage = Stage::new();
    let args = [
        "--model",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "--users",
        "200",
        "--think-time",
        "10s",
        "--images",
        "1",
        "--image-size",
        "1024x1024",
        "--goodput",
        "ttft:1500,tpot:50",
    ];
    let document = answer(&stage, &args);
    assert_eq!(document["model"]["tokens_per_image"], 37 * 37 + 2);
    assert_eq!(document["load"]["input_tokens"], 1024.0 + 1371.0);
    let options = document["options"].as_array().unwrap();
    assert!(options.len() >= 3, "{document}");
    for option in options {
        let (replicas, bound) = (&option["replicas"]["expected"], &option["replicas"]["bound"]);
        assert!(bound.as_f64().unwrap() <= replicas.as_f64().unwrap(), "{option}");
        assert!(option["served"]["ttft_ms"]["expected"].as_f64().unwrap() <= 1500.0, "{option}");
        let names: Vec<&str> =
            option["formulas"].as_array().unwrap().iter().map(|own| own["name"].as_str().unwrap()).collect();
        for wanted in ["weights per GPU", "a step of tokens, bound", "replicas"] {
            assert!(names.contains(&wanted), "{names:?}");
        }
    }
    let ask: Vec<&str> = ["recommend"].iter().chain(&args).copied().collect();
    stage.run(&ask).says(0, &[]).prints(&[
        "Qwen2.5-VL-7B-Instruct:",
        "200 users who think 10 s",
        "How",
        "Assumed:",
    ]);
    let ask: Vec<&str> = ask.iter().chain(&["--format", "markdown"]).copied().collect();
    stage.run(&ask).says(0, &[]).prints(&["| GPU |", "<details>"]);
}

#[test]
fn a_configuration_of_ones_own_and_prices_of_ones_own() {
    let stage = Stage::new();
    stage.write(
        "config.json",
        r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
            "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256, "rope_theta": 5e5}"#,
    );
    stage.write("prices.yaml", "l40s: 0.5\nh100-sxm: 30\n");
    let args = [
        "--config-json",
        "config.json",
        "--rate",
        "2",
        "--prices",
        "prices.yaml",
        "--gpu",
        "h100-sxm,l40s,l4",
    ];
    let document = answer(&stage, &args);
    assert_eq!(document["model"]["parameters"], 8_030_261_248.0);
    let gpus: Vec<&str> = document["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| option["gpu"].as_str().unwrap())
        .collect();
    // The dear one last of those with a price; without a price after them.
    assert_eq!(gpus, ["l40s", "h100-sxm", "l4"], "{document}");
    assert!(document["options"][2]["usd_per_hour"].is_null());
    let numbers = ["--parameters", "8.03e9", "--layers", "32", "--kv-heads", "8", "--head-dim", "128"];
    let by_numbers = answer(&stage, &[&numbers[..], &["--rate", "2", "--gpu", "l40s"]].concat());
    assert_eq!(by_numbers["options"][0]["gpus"], document["options"][0]["gpus"]);
}

#[test]
fn what_no_gpu_serves_ends_with_code_1_and_its_reason() {
    let stage = Stage::new();
    let args = ["recommend", "--model", "llama-3.1-405b", "--gpu", "l4,t4", "--rate", "1"];
    stage.run(&args).says(1, &[]).prints(&[
        "no GPU serves this load",
        "Cannot serve it:",
        "L4 24 GB",
        "no server could",
    ]);
}

#[test]
fn bad_input_names_the_flag_the_value_and_the_next_step() {
    let stage = Stage::new();
    stage.write("config.json", "{\"hidden_size\": 64");
    stage.write("prices.yaml", "h100-sxm: cheap\n");
    stage.write("other.yaml", "h900: 3\n");
    for (args, words) in [
        (&["--rate", "1"][..], &["--model", "is missing"][..]),
        (&["--model", "Qwen/Qwen2.5-8B"], &["Qwen/Qwen2.5-8B", "nearest are", "--config-json"]),
        (&["--model", "llama-3.1-8b", "--gpu", "h900"], &["h900", "h100-sxm"]),
        (&["--model", "llama-3.1-8b", "--rate=-1"], &["--rate", "-1"]),
        (&["--model", "llama-3.1-8b", "--images", "2"], &["--images", "does not see"]),
        (&["--model", "llama-3.1-8b", "--precision", "int3"], &["--precision", "int3", "int4"]),
        (&["--model", "llama-3.1-8b", "--goodput", "speed:3"], &["--goodput", "speed"]),
        (&["--model", "llama-3.1-8b", "--goodput", "max_stall:3"], &["--goodput", "max_stall", "tpot"]),
        (&["--model", "llama-3.1-8b", "--attainment", "95"], &["--attainment", "95"]),
        (&["--model", "llama-3.1-8b", "--headroom", "100%"], &["--headroom", "1"]),
        (&["--model", "llama-3.1-8b", "--headroom", "much"], &["--headroom", "much", "95%"]),
        (&["--config-json", "config.json"], &["config.json"]),
        (&["--config-json", "none.json"], &["none.json"]),
        (&["--model", "llama-3.1-8b", "--prices", "prices.yaml"], &["prices.yaml:1", "h100-sxm"]),
        (&["--model", "llama-3.1-8b", "--prices", "other.yaml"], &["h900"]),
        (&["--model", "llama-3.1-8b", "--measured", "none.json"], &["none.json"]),
        (&["--layers", "3"], &["--parameters"]),
    ] {
        let all: Vec<&str> = ["recommend"].iter().chain(args).copied().collect();
        stage.run(&all).says(2, words);
    }
}

#[test]
fn a_measured_run_calibrates_and_says_how_far_the_estimate_was_off() {
    let stage = Stage::new();
    let run = ["run", "--server", "sim:h100-8b", "--concurrency", "1,2,4,8", "--num-prompts", "24"];
    let run: Vec<&str> =
        run.iter().chain(&["--input-len", "512", "--output-len", "64", "--output", "out"]).copied().collect();
    stage.run(&run).says(0, &[]);
    let args = ["--model", "llama-3.1-8b", "--gpu", "h100-sxm", "--measured", "out/result.json"];
    let document = answer(&stage, &args);
    let calibration = &document["calibration"];
    let number = |value: &Value| value.as_f64().unwrap();
    let memory = &calibration["memory_efficiency"];
    // The simulator reads 15 GB of weights in its 7.5 ms per step: 60 % of the bandwidth.
    assert!((0.3..1.0).contains(&number(&memory["value"])), "{calibration}");
    assert!(
        number(&memory["low"]) < number(&memory["value"])
            && number(&memory["value"]) < number(&memory["high"])
    );
    // A busy machine delays the client, so this only tells a fit from none.
    assert!(number(&calibration["error_after"]) < 0.3, "{calibration}");
    assert_eq!(calibration["observations"], 4);
    // A GPU that is slower than what was measured cannot have been it.
    let wrong = ["recommend", "--model", "llama-3.1-8b", "--gpu", "l4", "--measured", "out/result.json"];
    stage.run(&wrong).says(2, &["faster than", "--gpu"]);
    let nameless = ["recommend", "--model", "llama-3.1-8b", "--measured", "out/result.json"];
    stage.run(&nameless).says(2, &["which GPU", "--gpu"]);
}
