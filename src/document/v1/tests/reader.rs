//! The result as its users would declare it, from the description alone: no type is shared with the writer.

#![expect(dead_code, clippy::struct_field_names, reason = "the declaration itself is the test")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::document::v1::{StoredDocument, sample, sample_pairs};
use crate::gate::Decision;

#[test]
fn an_independent_reader_understands_every_field() {
    let text = sample::gate(Decision::Fail).to_json();
    let run: Run = serde_json::from_str(&text).unwrap();
    assert_eq!(run.format.kind, "llm-loadtest/run");
    assert_eq!((run.format.major, run.format.minor), (1, 3));
    assert_eq!(run.verdict.unwrap().cells.len(), 4);
    assert_eq!(run.rounds.len(), 2);
    assert!(run.levels[0].series.is_none() && run.levels[0].points.is_none(), "two rounds are two courses");
    let level = &run.rounds[0].levels[0];
    let series = level.series.as_ref().unwrap();
    let columns = [
        series.sent.len(),
        series.succeeded.len(),
        series.failed.len(),
        series.output_tokens.len(),
        series.in_flight.len(),
        series.ttft_p50_ms.len(),
        series.ttft_p95_ms.len(),
        series.max_stall_ms.len(),
    ];
    assert_eq!(columns, [5; 8]);
    assert_eq!(level.points.as_ref().unwrap()[1].outcome, "http_429");
    let run: Run = serde_json::from_str(&sample::search().to_json()).unwrap();
    let search = run.search.unwrap();
    assert_eq!((search.answer.value, search.answer.above), (Some(8.0), Some(8.4)));
    assert_eq!((search.levels.len(), search.steps.len(), run.levels.len()), (3, 5, 3));
    let mut rested = sample::gate(Decision::Pass);
    rested.verdict.as_mut().unwrap().baseline = Some(StoredDocument::sample());
    let run: Run = serde_json::from_str(&rested.to_json()).unwrap();
    let stored = run.verdict.unwrap().baseline.unwrap();
    let drift = stored.drift.unwrap();
    assert_eq!((stored.sessions, stored.age_days, drift.change), (6, Some(21.5), 0.031));
    assert!(stored.newest.starts_with("2025-12-12") && drift.metric == "ttft_p95");
    let run: Run = serde_json::from_str(&sample_pairs::pairs().to_json()).unwrap();
    let pairs = run.pairs.unwrap();
    assert_eq!((run.carried, run.rounds.len(), pairs.rounds.len(), pairs.levels.len()), (Some(2), 3, 3, 1));
    assert!(pairs.first[1] == "candidate" && pairs.environment.contains_key("hardware"));
    let verdict = run.verdict.unwrap();
    let cell = &verdict.cells[0];
    assert_eq!((verdict.looks, verdict.level), (vec![5, 8, 12], Some(0.0227)));
    assert_eq!((cell.rounds.len(), cell.baseline_rounds.as_ref().unwrap().len()), (5, 5));
    let tested = cell.test.as_ref().unwrap();
    assert_eq!((tested.method.as_str(), tested.freedom), ("student", Some(4.0)));
    assert!((tested.difference, tested.se, tested.allowance) == (0.2, 0.01, 0.14));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    format: Format,
    definitions: String,
    tool: String,
    created: String,
    clock_origin: Option<String>,
    partial: bool,
    name: String,
    plan: BTreeMap<String, Value>,
    environment: BTreeMap<String, Value>,
    fingerprint: BTreeMap<String, String>,
    rounds: Vec<Round>,
    pairs: Option<Pairs>,
    carried: Option<u64>,
    levels: Vec<Level>,
    findings: Vec<Finding>,
    verdict: Option<Verdict>,
    search: Option<Search>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pairs {
    environment: BTreeMap<String, Value>,
    first: Vec<String>,
    rounds: Vec<Round>,
    levels: Vec<Level>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    method: String,
    difference: f64,
    se: f64,
    freedom: Option<f64>,
    allowance: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    goal: String,
    attainment: f64,
    confidence: f64,
    precision: f64,
    start: Option<f64>,
    sized: bool,
    levels_max: u32,
    budget_s: f64,
    idle: Option<Idle>,
    answer: Answer,
    levels: Vec<SearchLevel>,
    steps: Vec<Step>,
    stopped: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Idle {
    good: u64,
    offered: u64,
    e2e_ms: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    outcome: String,
    metric: String,
    value: Option<f64>,
    above: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchLevel {
    label: String,
    load: f64,
    windows: u32,
    good: u64,
    offered: u64,
    low: f64,
    high: f64,
    standing: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    label: String,
    round: u32,
    good: u64,
    offered: u64,
    trusted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Format {
    kind: String,
    major: u8,
    minor: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Round {
    round: u8,
    seed: u64,
    levels: Vec<Level>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    label: String,
    window: Window,
    offered: u64,
    succeeded: u64,
    failures: BTreeMap<String, u64>,
    metrics: BTreeMap<String, Metric>,
    values: BTreeMap<String, f64>,
    steady: Option<Steady>,
    concurrency: Concurrency,
    goodput: Option<Goodput>,
    tokens: BTreeMap<String, Value>,
    reconnects: u64,
    histograms: Option<BTreeMap<String, String>>,
    series: Option<Series>,
    points: Option<Vec<Point>>,
    observed: Option<Observed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    gpus: Option<Vec<Value>>,
    log: Option<Value>,
    notes: Option<Vec<String>>,
    engine: Option<Engine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Engine {
    family: String,
    samples: u64,
    restarted: bool,
    requests: Option<f64>,
    failed: Option<f64>,
    prompt_tokens: Option<f64>,
    output_tokens: Option<f64>,
    cached_tokens: Option<f64>,
    cache_queries: Option<f64>,
    preemptions: Option<f64>,
    running: Option<BTreeMap<String, f64>>,
    waiting: Option<BTreeMap<String, f64>>,
    kv_usage: Option<BTreeMap<String, f64>>,
    ttft: Option<Timed>,
    itl: Option<Timed>,
    tpot: Option<Timed>,
    e2e: Option<Timed>,
    queue: Option<Timed>,
    prefill: Option<Timed>,
    decode: Option<Timed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Timed {
    count: f64,
    sum_s: f64,
    bounds_s: Option<Vec<f64>>,
    cumulative: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    width_s: f64,
    sent: Vec<u64>,
    succeeded: Vec<u64>,
    failed: Vec<u64>,
    output_tokens: Vec<u64>,
    in_flight: Vec<f64>,
    ttft_p50_ms: Vec<Option<f64>>,
    ttft_p95_ms: Vec<Option<f64>>,
    max_stall_ms: Vec<Option<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    at_s: f64,
    ttft_ms: Option<f64>,
    e2e_ms: Option<f64>,
    max_stall_ms: Option<f64>,
    stall_at_s: Option<f64>,
    output_tokens: u32,
    outcome: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    start_s: f64,
    end_s: f64,
    measured_s: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metric {
    unit: String,
    n: u64,
    mean: f64,
    sd: Option<f64>,
    min: f64,
    max: f64,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    more: Option<BTreeMap<String, f64>>,
    thin: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steady {
    window: Window,
    request_throughput: f64,
    output_throughput: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Concurrency {
    mean: f64,
    peak: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Goodput {
    good: u64,
    offered: u64,
    ratio: f64,
    rate: f64,
    token_rate: f64,
    objectives: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    severity: String,
    code: String,
    message: String,
    hint: Option<String>,
    level: Option<String>,
    round: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    decision: String,
    headline: String,
    next: String,
    basis: Value,
    alpha: f64,
    family: u64,
    level: Option<f64>,
    rounds: u64,
    looks: Vec<u32>,
    cells: Vec<Cell>,
    broken_rules: Vec<String>,
    common_shift: Option<f64>,
    worth_a_look: Vec<BTreeMap<String, String>>,
    baseline: Option<Stored>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    sessions: u64,
    newest: String,
    age_days: Option<f64>,
    drift: Option<Drift>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drift {
    level: String,
    metric: String,
    change: f64,
    absolute: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    level: String,
    metric: String,
    rule: Value,
    status: Value,
    baseline: Option<f64>,
    now: Option<f64>,
    effect: Option<Effect>,
    detectable: Option<f64>,
    p_fail: Option<f64>,
    p_pass: Option<f64>,
    rounds: Vec<f64>,
    baseline_rounds: Option<Vec<f64>>,
    samples: u64,
    test: Option<Test>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Effect {
    change: f64,
    low: Option<f64>,
    high: Option<f64>,
    absolute: bool,
}
