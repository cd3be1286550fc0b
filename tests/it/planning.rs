//! `plan` through the binary: what is known, what is not, and what it says of a slip.

use serde_json::{Value, json};

use crate::stage::{Stage, schema};

const QUIET: &str = "ttft_p95:4%,tpot_p95:2%,e2e_p95:3%,output_throughput:2%";

fn plan(stage: &Stage, more: &[&str]) -> crate::stage::Ended {
    stage.run(&[&["plan", "--server", "http://127.0.0.1:9"][..], more].concat())
}

/// A load whose rounds are short.
const LOAD: [&str; 10] = [
    "--server",
    "sim:h100-70b",
    "--concurrency",
    "48",
    "--num-prompts",
    "48",
    "--input-len",
    "64",
    "--output-len",
    "8",
];

#[test]
fn a_plan_needs_no_server_and_says_rounds_tolerances_and_minutes() {
    let stage = Stage::new();
    plan(&stage, &["--noise", QUIET, "--round-time", "90s", "--gpus", "2", "--markdown", "plan.md"])
        .says(0, &[])
        .prints(&["looks after 5, 8, 12 pairs", "TTFT p95", "2 rounds × 90 s × 2 GPUs", "it is enough"]);
    let markdown = stage.read("plan.md");
    assert!(markdown.contains("| TTFT p95 | 4.0% | 15.0% |"), "{markdown}");
    plan(&stage, &["--noise", "ttft_p95:20%"]).says(0, &[]).prints(&[
        "TTFT p95 limits this gate",
        "widen its tolerance",
        "--rounds 5,8,12,",
        "quieter runner",
        "No noise is known of TPOT p95, E2E p95, Output throughput",
        "--round-time",
    ]);
    plan(&stage, &["--noise", "ttft_p99:4%", "--tolerance", "ttft_p99:15%"])
        .says(0, &[])
        .prints(&["TTFT p99 needs 2,000 requests a round"]);
}

#[test]
fn the_json_is_what_its_schema_says() {
    let stage = Stage::new();
    let text = plan(&stage, &["--noise", QUIET, "--round-time", "60", "--json"]).says(0, &[]).stdout.clone();
    let forecast: Value = serde_json::from_str(&text).unwrap();
    let validator = jsonschema::validator_for(&schema("forecast.schema.json")).unwrap();
    let errors: Vec<String> = validator.iter_errors(&forecast).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!((&forecast["looks"], &forecast["family"]), (&json!([5, 8, 12]), &json!(4)));
    let level = |name: &str| forecast[name].as_f64().unwrap();
    assert!((level("pass_level") / 0.0227 - 1.0).abs() < 0.01, "{text}");
    assert!((level("fail_level") / 0.0052 - 1.0).abs() < 0.05, "{text}");
    let minutes = forecast["cost"]["mean_gpu_minutes"].as_f64().unwrap();
    let pairs = forecast["cost"]["mean_pairs"].as_f64().unwrap();
    assert!((minutes - pairs * 2.0).abs() < 1e-9 && (5.0..6.0).contains(&pairs), "{text}");
    let ttft = &forecast["metrics"][0]["pairs"];
    assert_eq!((&ttft["pairs_to_pass"], &ttft["noise"]["source"]), (&json!(3), &json!("given")), "{text}");
    // One look after five pairs: 1.61 sds of a pair, as in docs/STATISTICS.md.
    let text =
        plan(&stage, &["--noise", "ttft_p95:4%", "--rounds", "5", "--json"]).says(0, &[]).stdout.clone();
    let forecast: Value = serde_json::from_str(&text).unwrap();
    let resolves = forecast["metrics"][0]["pairs"]["resolves"].as_f64().unwrap();
    assert!((resolves.ln_1p() / 0.04 - 1.61).abs() < 0.01, "{text}");
}

#[test]
fn a_slip_is_named_with_its_flag_and_value() {
    let stage = Stage::new();
    for (arguments, words) in [
        (&["--noise", "speed:4%"][..], &["'speed:4%'", "--noise", "not a metric"][..]),
        (&["--noise", "ttft_p95"], &["'ttft_p95'", "--noise", "ttft_p95:4%"]),
        (&["--noise", "ttft_p95:0%"], &["'ttft_p95:0%'", "no runner is without noise"]),
        (&["--noise", "ttft_p95:150%"], &["'ttft_p95:150%'", "below 100%"]),
        (&["--noise", "ttft_p99:4%"], &["--noise ttft_p99", "does not judge", "ttft_p95, tpot_p95"]),
        (&["--noise", "ttft_p95:1%,ttft_p95:2%"], &["--noise ttft_p95", "twice"]),
        (&["--power", "20%"], &["'20%'", "--power", "50%"]),
        (&["--round-time", "soon"], &["'soon'", "--round-time"]),
        (&["--gpus", "0"], &["'0'", "--gpus"]),
        (&["--alpha", "0.9"], &["--alpha", "0.9"]),
    ] {
        plan(&stage, arguments).says(2, words);
    }
}

#[test]
fn stored_sessions_speak_for_themselves() {
    let stage = Stage::new();
    let load = [&LOAD[..], &["--tolerance", "e2e_p50:10%"]].concat();
    stage.run(&[&["gate", "--rounds", "2"][..], &load].concat()).says(0, &["stored as the first session"]);
    let name = std::fs::read_dir(stage.path("baselines")).unwrap().next().unwrap().unwrap().file_name();
    let path = format!("baselines/{}", name.to_string_lossy());
    let plan = || stage.run(&[&["plan"][..], &load].concat());
    plan().says(0, &[]).prints(&["No noise is known of E2E p50"]);
    // More sessions of the same machine, each slower than the one before by 2 %.
    let mut baseline = stage.json(&path);
    let first = baseline["sessions"][0].clone();
    for at in 1..7 {
        let mut session = first.clone();
        session["id"] = json!(format!("night {at}"));
        for round in session["levels"][0]["rounds"].as_array_mut().unwrap() {
            let value = &mut round["values"]["e2e_p50"];
            *value = json!(value.as_f64().unwrap() * 1.02_f64.powi(at));
        }
        if at == 1 {
            let mut edited = baseline.clone();
            edited["sessions"].as_array_mut().unwrap().push(session.clone());
            stage.write(&path, &edited.to_string());
            plan().says(2, &[&path, "edited"]);
        }
        session["digest"] = Value::Null;
        baseline["sessions"].as_array_mut().unwrap().push(session);
        stage.write(&path, &baseline.to_string());
        if at == 1 {
            plan().says(0, &[]).prints(&["E2E p50: sessions differ by 1.4% (2 sessions)", "from five on"]);
        }
    }
    // The sd of 0, 1, … 6 is 2.16.
    plan()
        .says(0, &[])
        .prints(&["sessions differ by 4.3% (7 sessions)", "an unchanged server passes 10.0% with"]);
}

#[test]
fn the_noise_of_a_server_is_measured_against_itself() {
    let stage = Stage::new();
    let plan = |more: &[&str]| {
        let load = [&["plan"], &LOAD[..], &["--rounds", "3", "--tolerance", "e2e_p50:60%"]].concat();
        stage.run(&[&load[..], more].concat())
    };
    plan(&["--measure", "--baseline-server", "sim:h100-70b"]).says(2, &["--measure", "--baseline-server"]);
    plan(&[]).says(0, &[]).prints(&["unknown", "--measure"]);
    plan(&["--measure"]).says(0, &["pairs:", "after 3"]).prints(&["(3 pairs)", "E2E p50 limits this gate"]);
    let again = plan(&["--json"]).says(0, &[]).stdout.clone();
    let forecast: Value = serde_json::from_str(&again).unwrap();
    let noise = &forecast["metrics"][0]["pairs"]["noise"];
    assert_eq!((&noise["count"], &noise["source"]), (&json!(3), &json!("pairs")), "{again}");
    assert!((0.002..0.5).contains(&noise["sd"].as_f64().unwrap()), "{again}");
    // What the user says counts more.
    plan(&["--noise", "e2e_p50:60%"]).says(0, &[]).prints(&["60.0%", "widen its tolerance"]);
    // Another load is another question.
    plan(&["--concurrency", "4"]).says(0, &[]).prints(&["unknown"]);
}
