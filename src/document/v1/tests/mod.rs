//! The files as a stranger reads them: round trips, versions, schemas, and an independent reader.

mod forecast;
mod observed;
mod reader;
mod recommend;

use std::path::Path;

use serde_json::{Value, json};

use crate::base::Nanos;
use crate::diagnosis::{Facts, Place, Reach, diagnose};
use crate::document::v1::{
    BaselineDocument, Candidate, DoctorDocument, DoctorParts, DocumentProblem, RowDocument, RunDocument,
    SessionDocument, WorkloadDocument, baseline_schema, comparable, doctor_schema, history_schema,
    ledger_schema, nights, run_schema, sample, sample_pairs,
};
use crate::gate::Decision;
use crate::record::{Ask, Chunk, Failure, FailureClass, Metric, MetricKey, Outcome, Phase, Row, Usage};
use crate::workload::CacheLabel;

fn path() -> &'static Path {
    Path::new("result.json")
}

fn baseline(sessions: usize) -> BaselineDocument {
    let run = sample::run();
    let workload = run.plan.workload.clone();
    let mut baseline = BaselineDocument::empty(run.fingerprint.clone(), workload, "0.1.0");
    for at in 0..sessions {
        let mut session = SessionDocument::from_run(&run, &format!("s{at}"), Some("4f1c2e9"));
        session.created = format!("2026-01-{:02}T00:00:00Z", at + 1);
        baseline.sessions.push(session);
    }
    baseline
}

#[test]
fn results_and_baselines_survive_their_files() {
    for run in
        [sample::run(), sample::search(), sample::gate(Decision::Fail), sample::gate(Decision::Invalid)]
    {
        assert_eq!(RunDocument::from_json(path(), &run.to_json()), Ok(run));
    }
    let baseline = baseline(3);
    assert_eq!(BaselineDocument::from_json(path(), &baseline.to_json()), Ok(baseline));
}

#[test]
fn files_hold_no_secret() {
    assert!(!sample::run().to_json().contains("secret"));
}

#[test]
fn text_is_deterministic_sorted_and_one_value_per_line() {
    let text = baseline(1).to_json();
    assert_eq!(text, baseline(1).to_json());
    assert!(text.ends_with("}\n"));
    let top: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("  \""))
        .map(|line| line.split('"').next().unwrap())
        .collect();
    assert!(top.is_sorted(), "{top:?}");
    assert_eq!(top.len(), 7);
    assert!(text.contains("\"ttft_p95\": 519.2,\n"), "{text}");
}

#[test]
fn every_wrong_file_has_its_own_words() {
    let good = sample::run().to_json();
    let version = |major: u32, minor: u32| {
        let mut value: Value = serde_json::from_str(&good).unwrap();
        value["format"]["major"] = json!(major);
        value["format"]["minor"] = json!(minor);
        value["tool"] = json!("9.9.9");
        value["added"] = json!("later");
        value.to_string()
    };
    let words = |text: &str| {
        let error = RunDocument::from_json(path(), text).unwrap_err();
        format!("{error} (hint: {})", error.hint())
    };
    insta::assert_snapshot!(words(""), @"result.json: the file is empty (hint: run again, or restore the file from version control or the artifact)");
    insta::assert_snapshot!(words(&good[..good.len() / 2]), @"result.json: the JSON ends too early at line 306: the file was cut (hint: run again, or restore the file from version control or the artifact)");
    insta::assert_snapshot!(words("not json"), @"result.json: the file is not JSON: expected ident at line 1 column 2 (hint: give a result.json that `llm-loadtest run` wrote, or a file of the baseline folder)");
    insta::assert_snapshot!(words("[1, 2]"), @"result.json: the file is JSON of another tool, not a result (llm-loadtest/run) (hint: give the result.json that `llm-loadtest run` or `gate` wrote)");
    insta::assert_snapshot!(words(&baseline(1).to_json()), @"result.json: the file is of kind 'llm-loadtest/baseline', not a result (llm-loadtest/run) (hint: give the result.json that `llm-loadtest run` or `gate` wrote)");
    insta::assert_snapshot!(words(&version(2, 0)), @"result.json: the file has format 2.0 and was written by llm-loadtest 9.9.9; this version reads 1.0 to 1.3 (hint: update llm-loadtest to the version that wrote the file, or a later one)");
    insta::assert_snapshot!(words(&version(1, 7)), @"result.json: the file has format 1.7 and was written by llm-loadtest 9.9.9; this version reads 1.0 to 1.3 (hint: update llm-loadtest to the version that wrote the file, or a later one)");
    insta::assert_snapshot!(words(&good.replace("\"offered\"", "\"ofered\"")), @"result.json: the file says it is a result but does not hold it: unknown field `ofered`, expected one of `good`, `offered`, `ratio`, `rate`, `token_rate`, `objectives` at line 67 column 16 (hint: undo edits by hand, or restore the file from version control)");
}

#[test]
fn a_baseline_that_contradicts_itself_is_refused() {
    let cause = |change: fn(&mut BaselineDocument)| {
        let mut document = baseline(2);
        change(&mut document);
        match BaselineDocument::from_json(path(), &document.to_json()).map_err(|error| error.problem) {
            Err(DocumentProblem::Shape { cause, .. }) => cause,
            other => panic!("{other:?}"),
        }
    };
    insta::assert_snapshot!(cause(|document| document.promoted = Some("gone".to_owned())), @"the promoted session 'gone' is missing");
    insta::assert_snapshot!(cause(|document| document.sessions[1].id = "s0".to_owned()), @"two sessions have the id 's0'");
    insta::assert_snapshot!(cause(|document| {
        let values = &mut document.sessions[0].levels[0].rounds[0].values;
        values.insert("speed".to_owned(), 1.0);
    }), @"'speed' is not a metric; known are send_lag, ttft, ttft_from_due, ttfo, ttst, tpot, tpot_exact, icl, itl, max_stall, e2e, e2e_from_due, ttlb, tokens_per_user, request_throughput, output_throughput, total_throughput, goodput, goodput_rate, success_rate, error_rate, gpu_util, gpu_memory, gpu_power, energy_per_token, tokens_per_joule, tokens_per_watt");
    let edited =
        |document: &mut BaselineDocument| document.sessions[0].levels[0].rounds[0].output_tokens += 1;
    insta::assert_snapshot!(cause(edited), @"session 's0' was edited: its numbers are not those that were measured");
    assert!(cause(|document| document.sessions[0].created = "yesterday".to_owned()).contains("yesterday"));
}

#[test]
fn the_committed_schemas_are_current_and_accept_what_we_write() {
    let committed = [
        include_str!("../../../../schemas/result.schema.json"),
        include_str!("../../../../schemas/baseline.schema.json"),
        include_str!("../../../../schemas/ledger.schema.json"),
        include_str!("../../../../schemas/history.schema.json"),
        include_str!("../../../../schemas/doctor.schema.json"),
    ];
    let samples = [
        sample::gate(Decision::Inconclusive).to_json(),
        baseline(2).to_json(),
        sample_pairs::ledger().to_json(),
        nights::history().to_json(),
        doctor().to_json(),
    ];
    let generated = [run_schema(), baseline_schema(), ledger_schema(), history_schema(), doctor_schema()];
    let names = ["result", "baseline", "ledger", "history", "doctor"];
    for (((committed, generated), sample), name) in
        committed.into_iter().zip(generated).zip(samples).zip(names)
    {
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            let path = format!("{}/schemas/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
            crate::host::files::write_atomic(Path::new(&path), generated.as_bytes()).unwrap();
            continue;
        }
        assert!(
            committed == generated,
            "a type changed: run the tests once with UPDATE_SCHEMAS=1, then again"
        );
        let validator = jsonschema::validator_for(&serde_json::from_str(committed).unwrap()).unwrap();
        let mut document: Value = serde_json::from_str(&sample).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
        document["surprise"] = json!(true);
        assert!(!validator.is_valid(&document));
    }
}

#[test]
fn the_numbers_come_back_as_the_gate_wants_them() {
    let run = sample::gate(Decision::Pass);
    let rounds = run.rounds_of("c=32");
    assert_eq!(rounds.len(), 2);
    let value = |key: &str| rounds[0].values[&key.parse::<MetricKey>().unwrap()];
    let summary = sample::summary(0.0);
    for key in ["ttft_mean", "ttft_p50", "ttft_p90", "ttft_p95", "ttft_p99", "e2e_p99.9", "goodput"] {
        let exact = summary.value(key.parse().unwrap()).unwrap();
        assert!((value(key) / exact - 1.0).abs() < 1e-5, "{key}");
    }
    assert_eq!(rounds[0].samples[&Metric::Ttft], 97);
    assert_eq!((rounds[0].offered, rounds[0].succeeded, rounds[0].failed()), (100, 97, 3));
    assert_eq!((rounds[0].good, rounds[0].output_tokens), (Some(87), 9_300));

    let mut stored = baseline(0);
    stored.sessions.push(SessionDocument::from_run(&run, "s", None));
    assert_eq!(stored.sessions("c=32"), vec![rounds]);
    assert!(stored.sessions("c=64").is_empty());
}

#[test]
fn rounds_pool_by_counts_and_merged_samples() {
    let run = sample::gate(Decision::Pass);
    let level = &run.levels[0];
    assert_eq!((level.offered, level.failures["http_429"]), (200, 4));
    let ttft = &level.metrics["ttft"];
    assert_eq!((ttft.n, ttft.min, ttft.max), (Some(194), Some(200.0), Some(566.0)));
    let (first, second) = (&run.rounds[0].levels[0], &run.rounds[1].levels[0]);
    let between = first.metrics["ttft"].p95..second.metrics["ttft"].p95;
    assert!(between.contains(&ttft.p95), "{ttft:?}");
    let all: Vec<f64> = [0.0, 30.0]
        .iter()
        .flat_map(|shift| (0..97).map(move |at| 200.0 + shift + 3.5 * f64::from(at)))
        .collect();
    let mean = all.iter().sum::<f64>() / 194.0;
    let sd = (all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 193.0).sqrt();
    assert!((ttft.mean.unwrap() - mean).abs() < 0.01 && (ttft.sd.unwrap() - sd).abs() < 0.01, "{ttft:?}");
    assert_eq!(ttft.thin, ["p99"]);
    assert!((level.values["error_rate"] - 0.03).abs() < 1e-9);
    assert!(level.histograms.is_empty() && !first.histograms.is_empty());
}

#[test]
fn the_window_is_new_short_and_starts_at_the_promoted_session() {
    let ids = |baseline: &BaselineDocument, now: &str| -> Vec<String> {
        let window = baseline.window(now, Some(BaselineDocument::WINDOW_DAYS));
        window.sessions.into_iter().map(|session| session.id).collect()
    };
    let mut stored = baseline(20);
    assert_eq!(ids(&stored, "2026-01-21T00:00:00Z").len(), 15);
    assert_eq!(ids(&stored, "2026-01-21T00:00:00Z").last().unwrap(), "s19");
    assert_eq!(ids(&stored, "2026-02-18T00:00:00Z"), ["s18", "s19"]);
    assert_eq!(stored.window("2027-01-01T00:00:00Z", None).sessions.len(), 15);
    stored.promoted = Some("s17".to_owned());
    assert_eq!(ids(&stored, "2026-01-21T00:00:00Z"), ["s17", "s18", "s19"]);
}

#[test]
fn what_may_not_be_compared_says_why() {
    let stored = baseline(1);
    let same = sample::run();
    assert_eq!(comparable(&stored, Candidate::of(&same)), Vec::<String>::new());

    let mut plan = sample::plan();
    plan.cache = CacheLabel::Mixed;
    plan.stream = false;
    let mut key = stored.key.clone();
    key.hardware = "l4".to_owned();
    key.workload_hash = "other".to_owned();
    let workload = WorkloadDocument::from(&plan);
    let reasons = |workload| {
        let candidate = Candidate { key: &key, definitions: "2", workload };
        comparable(&stored, candidate).join("\n")
    };
    insta::assert_snapshot!(reasons(&workload), @r#"
    metric definitions: baseline '1', now '2'
    hardware: baseline 'h100', now 'l4'
    workload: cache was "cold", now "mixed"; stream was true, now false
    "#);
    insta::assert_snapshot!(reasons(&stored.workload), @"
    metric definitions: baseline '1', now '2'
    hardware: baseline 'h100', now 'l4'
    workload: the settings are the same, but the prompts of the dataset or the tokenizer are not
    ");
}

#[test]
fn a_row_is_one_line_with_offsets_from_sent() {
    let ask = Ask { prompt_tokens: Some(512), output_tokens: Some(3), ..Ask::plain(7, "hi".to_owned()) };
    let failure = Failure::new(FailureClass::Truncated, "cut").with_status(200);
    let unsent = Row::unsent(&ask, Phase::Measure, None, Nanos::from_ms(5.0), Outcome::Failed(failure));
    let chunk = |ms: f64, tokens: u32| Chunk { at: Nanos::from_ms(ms), tokens: Some(tokens) };
    let row = Row {
        due: Some(Nanos::from_ms(9.5)),
        sent: Some(Nanos::from_ms(10.0)),
        chunks: vec![chunk(210.123_456, 1), chunk(230.0, 2)],
        done: Nanos::from_ms(231.0),
        streamed: true,
        usage: Usage { prompt: Some(513), output: Some(3), cached: None },
        finish_reason: Some("length".to_owned()),
        outcome: Outcome::Success,
        ..unsent.clone()
    };
    insta::assert_snapshot!(RowDocument::from_row(&row, 2, "c=32").to_line(), @r#"{"index":7,"round":2,"level":"c=32","phase":"measure","due_ms":9.5,"sent_ms":10.0,"ttft_ms":200.123,"e2e_ms":220.0,"done_ms":231.0,"chunk_ms":[200.123,220.0],"chunk_tokens":[1,2],"tokens":{"prompt_asked":512,"prompt":513,"cached":null,"output_asked":3,"output":3,"source":"usage"},"finish_reason":"length","outcome":"success","status":null,"detail":null,"reconnects":0}"#);
    insta::assert_snapshot!(RowDocument::from_row(&unsent, 1, "c=1").to_line(), @r#"{"index":7,"round":1,"level":"c=1","phase":"measure","due_ms":null,"sent_ms":null,"ttft_ms":null,"e2e_ms":null,"done_ms":5.0,"chunk_ms":[],"tokens":{"prompt_asked":512,"prompt":null,"cached":null,"output_asked":3,"output":0,"source":"chunks"},"finish_reason":null,"outcome":"truncated","status":200,"detail":"cut","reconnects":0}"#);
}

/// Wanted values: the sample's TTFT runs from 200 to 536 ms in 97 equal steps, and 30 ms later in the second round.
#[test]
fn quantiles_are_read_over_all_rounds() {
    let run = sample::gate(Decision::Pass);
    let (n, values) = run.quantiles("c=32", Metric::Ttft, &[0.0, 0.5, 1.0]).unwrap();
    assert_eq!(n, 194);
    for (got, wanted) in values.into_iter().zip([200.0, 383.0, 566.0]) {
        assert!((got - wanted).abs() < 2.0, "{got} {wanted}");
    }
    assert_eq!(run.quantiles("c=32", Metric::Ttfo, &[0.5]), None);
    assert_eq!(run.quantiles("c=1", Metric::Ttft, &[0.5]), None);
}

fn doctor() -> DoctorDocument {
    let reach = Reach::NoName { host: "vlm".to_owned(), why: "not known".to_owned() };
    let facts = Facts {
        url: "http://vlm".to_owned(),
        place: Place::default(),
        reach,
        service: None,
        whole: None,
        stream: None,
        repeat: None,
        parallel: None,
    };
    DoctorDocument::new(&DoctorParts {
        tool: "0.1.0",
        created: "2026-01-31T12:00:00Z",
        server: "vlm",
        adapter: None,
        api: "chat",
        checks: &diagnose(&facts),
    })
}

#[test]
fn whole_results_of_one_key_become_the_sessions_of_a_history() {
    let at = |created: &str| RunDocument { created: created.to_owned(), ..sample::run() };
    let newest = at("2026-03-01T00:00:00Z");
    let oldest = at("2026-01-01T00:00:00.5Z");
    let partial = RunDocument { partial: true, ..at("2026-02-01T00:00:00Z") };
    let mut invalid = at("2026-02-02T00:00:00Z");
    invalid.findings[0].severity = "invalid".to_owned();
    let mut other = at("2026-02-03T00:00:00Z");
    other.fingerprint.model = "another".to_owned();
    let runs = [
        ("d", Some("c4"), &newest),
        ("a", None, &partial),
        ("b", None, &invalid),
        ("c", None, &other),
        ("e", Some("c1"), &oldest),
        ("f", None, &sample::search()),
    ];
    let baseline = BaselineDocument::of_runs(&runs).unwrap();
    let sessions: Vec<_> =
        baseline.sessions.iter().map(|one| (one.id.as_str(), one.commit.as_deref())).collect();
    assert_eq!(sessions, [("e", Some("c1")), ("d", Some("c4"))]);
    assert_eq!(baseline.key, newest.fingerprint);
    BaselineDocument::from_json(Path::new("b.json"), &baseline.to_json()).unwrap();
    assert_eq!(BaselineDocument::of_runs(&runs[1..3]), None);
}
