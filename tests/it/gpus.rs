//! GPUs through the binary, with a library that stands in for NVML: what is read, what is made of it, and what is not there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::stage::{Ended, Stage, ended, schema};

/// A card at work about which there is nothing to say.
const CALM: &str = "\
name NVIDIA H100 80GB HBM3
uuid GPU-5ad2
memory_used 60000000000
memory_total 80000000000
util 90
power 500000
energy auto
limit 700000
limit_default 700000
temperature 61
sm_clock 1980
memory_clock 2619
reasons 0
ecc 0
mig 0
processes 1
";

/// The stand-in, built once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("libfake-nvml-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nvml/fake.rs");
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let built = Command::new(compiler)
            .args(["--edition", "2021", "--crate-type", "cdylib", "-D", "warnings", "-o"])
            .args([path.as_os_str(), source.as_ref()])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        path
    })
}

/// The scenario of a calm card with other lines in place of its own.
fn but(lines: &str) -> String {
    let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let new: Vec<String> = lines.lines().map(key).collect();
    let kept = CALM.lines().filter(|line| !new.contains(&key(line)));
    kept.chain(lines.lines()).flat_map(|line| [line, "\n"]).collect()
}

fn with_fake(stage: &Stage, scenario: &str, arguments: &[&str]) -> Ended {
    stage.write("scenario", scenario);
    let mut command = stage.command(arguments);
    command.env("FAKE_NVML", stage.path("scenario")).env("LLM_LOADTEST_NVML", library());
    ended(&command.output().unwrap())
}

/// A second of load on the simulator, with this card beside it, and what the result says of the card.
fn measured(stage: &Stage, scenario: &str) -> (Ended, Value) {
    let line = "run --server sim:fast --gpu require --duration 1s --concurrency 2 --input-len 8 --output-len 4 --warmup 2";
    let told = with_fake(stage, scenario, &line.split_whitespace().collect::<Vec<_>>());
    told.says(0, &["wrote"]);
    let level = stage.json("llm-loadtest-results/result.json")["levels"][0].clone();
    (told, level)
}

fn codes(stage: &Stage) -> Vec<String> {
    let result = stage.json("llm-loadtest-results/result.json");
    let findings = result["findings"].as_array().unwrap();
    let of_gpus = findings.iter().filter(|finding| finding["code"].as_str().unwrap().starts_with("gpu_"));
    of_gpus
        .map(|finding| {
            format!("{} {}", finding["severity"].as_str().unwrap(), finding["code"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn a_level_tells_what_its_gpu_did_and_what_a_token_costs() {
    let stage = Stage::new();
    let (told, level) = measured(&stage, CALM);
    told.prints(&[
        "NVIDIA H100 80GB HBM3",
        "90.0%",
        "60.0 of 80.0 GB",
        "500 W (500)",
        "700 W",
        "Energy: ",
        "J/token",
        "in the warm-up",
    ]);
    let gpu = &level["observed"]["gpus"][0];
    assert_eq!((gpu["uuid"].as_str(), gpu["lost"].as_bool()), (Some("GPU-5ad2"), Some(false)));
    assert!(gpu["samples"].as_u64().unwrap() >= 7, "{gpu}");
    let number = |value: &Value| value.as_f64().unwrap();
    let seconds = number(&level["window"]["measured_s"]);
    assert!(number(&gpu["seconds"]) > 0.99 * seconds, "{gpu}");
    // The counter runs at 500 W, so it and the integral of power must agree within 5 %.
    assert_eq!(gpu["energy"]["source"], "counter");
    let (counted, integrated) =
        (number(&gpu["energy"]["joules"]), number(&gpu["power_w"]["mean"]) * number(&gpu["seconds"]));
    assert!((counted / integrated - 1.0).abs() < 0.05, "{counted} J counted, {integrated} J integrated");
    assert!(number(&gpu["warmup_energy"]["joules"]) > 0.0, "{gpu}");
    let value = |name: &str| number(&level["values"][name]);
    let tokens = value("output_throughput") * seconds;
    assert!((value("energy_per_token") * tokens / (500.0 * seconds) - 1.0).abs() < 0.05);
    assert!((value("energy_per_token") * value("tokens_per_joule") - 1.0).abs() < 1e-4);
    assert!((value("tokens_per_watt") * 500.0 / value("output_throughput") - 1.0).abs() < 1e-4);
    assert_eq!((value("gpu_util"), value("gpu_memory"), value("gpu_power")), (0.9, 60.0, 500.0));
    assert_eq!(codes(&stage), Vec::<String>::new());

    let result = stage.json("llm-loadtest-results/result.json");
    let validator = jsonschema::validator_for(&schema("result.schema.json")).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&result).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(result["environment"]["gpus"][0]["name"], "NVIDIA H100 80GB HBM3");
    let report =
        |format: &str| stage.run(&["report", "llm-loadtest-results/result.json", "--format", format]);
    report("markdown").prints(&["Hardware and server", "NVIDIA H100 80GB HBM3", "500 W"]);
    report("html").prints(&["<h2 id=\"gpus\">Hardware and server</h2>", "NVIDIA H100 80GB HBM3"]);
}

#[test]
fn gpus_that_are_not_the_servers_are_left_alone() {
    let stage = Stage::new();
    let arguments =
        ["run", "--server", "sim:fast", "--num-prompts", "4", "--input-len", "8", "--output-len", "4"];
    with_fake(&stage, CALM, &arguments).says(0, &["wrote"]);
    let result = stage.json("llm-loadtest-results/result.json");
    assert!(
        result["levels"][0]["observed"].get("gpus").is_none()
            && result["environment"]["gpus"] == serde_json::json!([])
    );
}

#[test]
fn a_card_that_tells_nothing_but_its_name_is_a_name() {
    let stage = Stage::new();
    let (told, level) = measured(&stage, "name Tesla\nutil -\nenergy -\n");
    told.prints(&["0 Tesla"]);
    assert!(!told.stdout.contains("Energy:"), "{}", told.stdout);
    let gpu = level["observed"]["gpus"][0].as_object().unwrap();
    let keys: Vec<&str> = gpu.keys().map(String::as_str).collect();
    assert_eq!(keys, ["index", "lost", "name", "samples", "seconds"]);
    assert!(level["values"].get("gpu_power").is_none() && codes(&stage).is_empty());
}

#[test]
fn without_a_counter_energy_is_the_integral_of_power_now() {
    let stage = Stage::new();
    let (told, level) = measured(&stage, &but("energy -\ninstant 400000"));
    told.prints(&["(by sampled power)"]);
    let gpu = &level["observed"]["gpus"][0];
    assert_eq!(
        (gpu["energy"]["source"].as_str(), gpu["power_w"]["mean"].as_f64()),
        (Some("power"), Some(400.0))
    );
}

#[test]
fn a_card_that_is_lost_makes_the_round_invalid() {
    let stage = Stage::new();
    // Its name and memory are read once before the first look.
    let (told, level) = measured(&stage, &but("util 90 90 90 lost"));
    told.prints(&["GPU 0 stopped answering before the window's end", "Xid 79"]);
    assert_eq!(codes(&stage), ["invalid gpu_lost"]);
    assert!(level["observed"]["gpus"][0]["lost"].as_bool().unwrap());
    assert!(level["values"].get("energy_per_token").is_none(), "{}", level["values"]);
}

#[test]
fn throttling_caps_neighbours_and_errors_mark_the_round() {
    let stage = Stage::new();
    // 0x44: held by the power cap, and too hot. Errors come and go on: the request before the load is looked at, too.
    let (told, _) = measured(
        &stage,
        &but(
            "reasons 68\nlimit 350000\nprocesses 3\necc 1 2 3 4 5 6 7 8 9\nxid - - - - 79 - - 79 - - 79 - - 79\ntemperature 95",
        ),
    );
    told.prints(&[
        "too hot, so the hardware halved its clocks (hw_thermal), at up to 95 °C",
        "limited to 350 W where 700 W is the card's own",
        "3 processes at once",
        "uncorrected memory errors in the window",
        "Xid 79",
    ]);
    assert_eq!(
        codes(&stage),
        [
            "invalid gpu_hw_thermal",
            "warning gpu_power_capped",
            "warning gpu_shared",
            "invalid gpu_ecc",
            "invalid gpu_xid"
        ]
    );
}

#[test]
fn an_idle_card_is_not_where_the_server_runs_and_mig_tells_no_utilisation() {
    let stage = Stage::new();
    let scenario = format!("gpus 2\n{}1.mig 1\n1.util -\n", but("util 0"));
    let (told, level) = measured(&stage, &scenario);
    told.prints(&["GPU 1: cut into MIG instances", "2 × NVIDIA H100 80GB HBM3"]);
    // Only the second may be at work.
    let value = |name: &str| level["values"][name].as_f64();
    assert_eq!((value("gpu_util"), value("gpu_power"), value("gpu_memory")), (None, Some(500.0), Some(60.0)));
}

#[test]
fn one_card_of_two_that_cannot_be_opened_is_a_note() {
    let stage = Stage::new();
    let (told, level) = measured(&stage, &format!("gpus 2\n{CALM}1.handle lost\n"));
    told.prints(&["GPU 1 could not be read: device fell off the bus"]);
    assert_eq!(level["observed"]["gpus"].as_array().unwrap().len(), 1);
}

#[test]
fn the_command_shows_the_cards_now_and_again() {
    let stage = Stage::new();
    let scenario = but("reasons 5\nprocesses 2\nlimit 350000\necc 2");
    with_fake(&stage, &scenario, &["gpu"]).says(0, &[]).prints(&[
        "NVIDIA driver 580.65.06, CUDA 13.0",
        "NVIDIA H100 80GB HBM3",
        "60.0 of 80.0 GB",
        "sw_power_cap idle",
        "GPU-5ad2, MIG off, its own limit is 700 W, 2 uncorrected memory errors, processes 4000 (1.07 GB), 4001",
    ]);
    let told = with_fake(&stage, &scenario, &["gpu", "--json"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema("gpus.schema.json")).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(document["gpus"][0]["clock_reasons"], serde_json::json!(["sw_power_cap", "idle"]));
    let told = with_fake(&stage, &scenario, &["gpu", "--json", "--watch", "20ms", "--count", "3"]);
    let looks: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(looks.len(), 3);
    with_fake(&stage, &but("util lost"), &["gpu", "--require"]).says(0, &[]).prints(&["lost"]);
    with_fake(&stage, CALM, &["gpu", "--watch", "1ms"]).says(2, &["20 ms"]);
}

#[test]
fn without_a_driver_there_is_a_line_and_no_error_unless_one_is_required() {
    let stage = Stage::new();
    let told = with_fake(&stage, "driver none", &["gpu"]);
    told.says(0, &[]).prints(&["NVML does not answer: NVIDIA driver is not loaded"]);
    assert_eq!(told.stdout.lines().count(), 1);
    with_fake(&stage, "driver none", &["gpu", "--require"]).says(3, &["no GPU is visible here", "hint:"]);
    stage
        .run(&["gpu", "--nvml", "none.so"])
        .says(0, &[])
        .prints(&["the NVML library none.so cannot be loaded"]);
    let line = "run --server sim:fast --gpu require --num-prompts 4";
    let arguments: Vec<&str> = line.split_whitespace().collect();
    with_fake(&stage, "driver none", &arguments).says(3, &["no GPU is visible here", "gpu: auto"]);
}

#[test]
fn info_tells_of_the_machine_even_where_the_settings_are_the_bug() {
    let stage = Stage::new();
    let told = with_fake(&stage, CALM, &["info", "--server", "sim:fast"]);
    told.says(0, &[]).prints(&[
        "llm-loadtest ",
        "kernel ",
        "open files",
        "NVIDIA driver 580.65.06",
        "concurrency",
    ]);
    let told = with_fake(&stage, CALM, &["info", "--json", "--server", "sim:fast", "--api-key", "sk-hidden"]);
    assert!(!told.stdout.contains("sk-hidden"));
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema("info.schema.json")).unwrap();
    let wrong: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(document["gpus"]["gpus"][0]["uuid"], "GPU-5ad2");
    stage.run(&["info", "--concurrency", "many"]).says(2, &["concurrency"]).prints(&["kernel "]);
}
