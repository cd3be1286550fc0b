//! Nights in a baseline file: their history in every form, and what a gate makes of them.

use serde_json::Value;

use crate::stage::{Ended, Stage};

const PLAN: &str = "\
targets:
  - name: simulator
    base_url: sim:h100-70b
workloads:
  - name: small
    target: simulator
    input_len: 128
    output_len: 8
    concurrency: 48
    num_prompts: 48
    warmup: 4
gate:
  rounds: 3
  tolerances: {tpot_p50: 60%, e2e_p50: 60%}
";

const FILE: &str = "baselines/small--sim-70b--sim-h100-70b.json";

/// One real session, and as many nights made of it: all times of a night are the measured ones times its factor.
fn stage(nights: &[f64]) -> Stage {
    let stage = Stage::new();
    stage.write("loadtest.yaml", PLAN);
    stage.run(&["gate"]).says(0, &["stored as the first session"]);
    let mut file = stage.json(FILE);
    let first = file["sessions"][0].clone();
    let sessions = nights.iter().enumerate().map(|(night, factor)| {
        let mut session = first.clone();
        session["id"] = format!("n{}", night + 1).into();
        session["created"] = format!("2026-{:02}-{:02}T02:00:00Z", 1 + night / 28, 1 + night % 28).into();
        session["commit"] = format!("c{night:03}").into();
        session["digest"] = Value::Null;
        for round in session["levels"][0]["rounds"].as_array_mut().unwrap() {
            for (name, value) in round["values"].as_object_mut().unwrap() {
                if ["ttft", "tpot", "e2e"].iter().any(|metric| name.starts_with(metric)) {
                    *value = (value.as_f64().unwrap() * factor).into();
                }
            }
        }
        session
    });
    file["sessions"] = sessions.collect();
    stage.write(FILE, &file.to_string());
    stage
}

/// Nights around 1 until `at`, around `factor` from then on.
fn steps(count: usize, at: usize, factor: f64) -> Vec<f64> {
    let noise = [1.0, 1.006, 0.995, 1.011, 0.99, 1.003, 0.997];
    (0..count).map(|night| noise[night % 7] * if night < at { 1.0 } else { factor }).collect()
}

fn history(stage: &Stage, more: &[&str]) -> Ended {
    stage.run(&[&["history"][..], more].concat())
}

#[test]
fn a_slower_night_is_an_alarm_in_every_form() {
    let stage = stage(&steps(40, 35, 1.12));
    history(&stage, &[]).says(1, &[]).prints(&[
        "ALARM: ",
        "is slower since night 36 (2026-02-08, commit c035): +1",
        "last good night 35 (2026-02-07, commit c034)",
        "│",
    ]);
    let only = history(&stage, &["small--sim-70b--sim-h100-70b", "--metric", "tpot_p95", "--level", "c=48"]);
    assert!(!only.says(1, &[]).prints(&["TPOT p95"]).stdout.contains("TTFT"));
    history(&stage, &["--metric", "output_throughput"]).says(0, &[]).prints(&["STEADY"]);
    history(&stage, &["--format", "markdown", "-o", "history.md"]).says(1, &[]);
    assert!(stage.read("history.md").contains("```mermaid\n%%{init"));
    history(&stage, &["--format", "html", "--output", "history.html"]).says(1, &[]);
    assert!(stage.read("history.html").contains("</svg>"));
    let told: Value = serde_json::from_str(&history(&stage, &["--format", "json"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&crate::stage::schema("history.schema.json")).unwrap();
    assert!(validator.is_valid(&told));
    assert_eq!(
        (&told["trends"][0]["alarm"]["since"], &told["nights"][35]["commit"]),
        (&35.into(), &"c035".into())
    );
    let name = "small--sim-70b--sim-h100-70b";
    stage.run(&["baseline", "promote", name, "n36"]).says(0, &[]);
    history(&stage, &[]).says(0, &[]).prints(&["9 more needed"]);
}

#[test]
fn wrong_questions_are_answered_with_what_there_is() {
    let stage = stage(&steps(3, 3, 1.0));
    history(&stage, &[]).says(0, &[]).prints(&["TOO FEW NIGHTS: 3 nights stored, 11 more needed"]);
    history(&stage, &["nothing"]).says(2, &["nothing", "small--sim-70b"]);
    history(&stage, &["--level", "c=7"]).says(2, &["c=7", "levels are: c=48"]);
    history(&stage, &["--metric", "speed"]).says(2, &["speed", "ttft"]);
    history(&stage, &["--metric", "ttft_from_due_p95"]).says(2, &["ttft_from_due_p95", "ttft_p95"]);
    history(&stage, &["--baselines", "elsewhere"]).says(2, &["holds no baseline yet"]);
    stage.write("baselines/other.json", &stage.read(FILE));
    history(&stage, &[]).says(2, &["several baselines", "other, small--sim-70b"]);
    stage.write("baselines/other.json", "{");
    history(&stage, &["other"]).says(2, &["other.json"]);
    let mut file = stage.json(FILE);
    file["sessions"] = Vec::<Value>::new().into();
    stage.write(FILE, &file.to_string());
    history(&stage, &["small--sim-70b--sim-h100-70b"]).says(0, &[]).prints(&["0 nights stored"]);
}

#[test]
fn a_gate_does_not_use_what_lies_before_a_change() {
    let changed: Vec<f64> = steps(20, 12, 0.25).iter().map(|factor| factor * 4.0).collect();
    let stage = stage(&changed);
    stage.run(&["gate", "--seed", "7"]).says(
        0,
        &[
            "baseline: 8 stored sessions",
            "7 earlier sessions are not used: ",
            "changed by -7",
            "at session n13 (llm-loadtest history shows it)",
        ],
    );
}

#[test]
fn pairs_confirm_or_refute_an_alarm() {
    let stage = stage(&steps(40, 35, 1.4));
    let confirm = |server: &str, more: &[&str]| {
        let arguments = ["--confirm", "--baseline-server", "sim:h100-70b", "--server", server];
        history(&stage, &[&arguments[..], more].concat())
    };
    let median = ["--metric", "tpot_p50"];
    confirm("sim:h100-70b?itl=+400%&ttft=+400%", &median).says(1, &["pairs: "]).prints(&[
        "ALARM: TPOT p50 is slower since night 36",
        "Confirmed in pairs of both builds: +",
        "Next: Find the commit: llm-loadtest bisect --good c034 --bad c039",
    ]);
    confirm("sim:h100-70b", &median).says(0, &[]).prints(&[
        "ENVIRONMENT: ",
        "Refuted in pairs",
        "Next: Look at what else changed",
    ]);
    // Too few requests for a p95.
    confirm("sim:h100-70b", &["--metric", "tpot_p95"]).says(4, &[]).prints(&["could not decide", "--rounds"]);
    confirm("sim:h100-70b", &["--metric", "output_throughput"]).says(0, &["nothing to confirm"]);
    confirm("sim:h100-70b", &["--output-len", "9"]).says(2, &["this load is not the one"]);
    history(&stage, &["--confirm"])
        .says(2, &["needs the last good build", "serve c034", "--baseline-server"]);
    history(&stage, &["--seed", "3"]).says(2, &["--confirm"]);
}
