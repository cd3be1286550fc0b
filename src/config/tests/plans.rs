//! What settings become.

use proptest::prelude::*;

use super::support::{file, layers, plan, with_server, words};
use crate::base::{Nanos, Seed};
use crate::config::{Entry, Objective, Origin, Purpose, RunPlan, SETTINGS, resolve, starter};
use crate::protocol::{Adapter, Api};
use crate::record::Metric;
use crate::search::Goal;
use crate::workload::{Arrivals, CacheLabel, DataFormat, Dataset, Lengths, Level, Limit, Load, Workload};

#[test]
fn defaults_make_a_small_closed_run() {
    let plan = plan(&[]);
    assert_eq!(plan.levels.len(), 1);
    assert_eq!(plan.levels[0].load, Load::Closed { concurrency: 1, ramp_up: Nanos::ZERO });
    assert_eq!(plan.levels[0].limit, Limit::Requests(400));
    assert_eq!((plan.api, plan.stream, plan.seed), (Api::Chat, true, Seed(0)));
    assert_eq!(plan.parts[0].workload.input, Lengths::Fixed(256));
    assert_eq!(plan.parts[0].workload.output, Some(Lengths::Fixed(128)));
    assert_eq!(plan.cache, CacheLabel::Cold);
    assert_eq!(plan.timeouts.total, Nanos::from_secs(600.0));
    assert_eq!(plan.timeouts.first_token, Nanos::from_secs(120.0));
    assert_eq!(plan.gate.looks.counts(), [5]);
    assert_eq!(tolerances(&plan), "ttft_p95 0.15, tpot_p95 0.07, e2e_p95 0.1, output_throughput 0.07");
}

fn tolerances(plan: &RunPlan) -> String {
    let text = plan.gate.tolerances.iter().map(|(key, tolerance)| format!("{key} {tolerance}"));
    text.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_run_has_one_round() {
    let mut layers = with_server(&[]);
    layers.purpose = Purpose::Run;
    layers.files = file("gate: {rounds: 9}");
    assert_eq!(resolve(layers).unwrap().plan.gate.looks.counts(), [1]);
}

#[test]
fn default_tolerances_follow_the_load() {
    let open = plan(&[("rate", "2,4"), ("goodput", "ttft:500 tpot:50")]);
    let expected =
        "ttft_from_due_p95 0.15, tpot_p95 0.07, e2e_from_due_p95 0.1, output_throughput 0.07, goodput 0.02";
    assert_eq!(tolerances(&open), expected);
    assert_eq!(tolerances(&plan(&[("stream", "false")])), "e2e_p95 0.1, output_throughput 0.07");
    assert_eq!(tolerances(&plan(&[("tolerance", "ttft_p99:20%")])), "ttft_p99 0.2");
}

#[test]
fn rates_make_open_levels() {
    let plan = plan(&[("rate", "2, 4"), ("arrivals", "constant"), ("max-in-flight", "64")]);
    let labels: Vec<String> = plan.levels.iter().map(Level::label).collect();
    assert_eq!(labels, ["rate=2", "rate=4"]);
    let Load::Open { arrivals, max_in_flight, .. } = plan.levels[0].load else { panic!("{plan:?}") };
    assert_eq!((arrivals, max_in_flight), (Arrivals::Constant, Some(64)));
}

#[test]
fn ranges_make_sweeps() {
    let labels = |key: &'static str, text: &str| {
        plan(&[(key, text)]).levels.iter().map(Level::label).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(labels("rate", "2..64x2"), "rate=2 rate=4 rate=8 rate=16 rate=32 rate=64");
    assert_eq!(labels("rate", "0.1..0.5+0.1,3"), "rate=0.1 rate=0.2 rate=0.3 rate=0.4 rate=0.5 rate=3");
    assert_eq!(labels("rate", "2..10x1.5"), "rate=2 rate=3 rate=4.5 rate=6.75");
    assert_eq!(labels("concurrency", "8..33+8"), "c=8 c=16 c=24 c=32");
    assert_eq!(labels("concurrency", "1..10x1.5"), "c=1 c=2 c=3 c=5 c=8");
}

#[test]
fn a_search_is_a_goal_and_what_it_may_cost() {
    let search = |flags: &[(&'static str, &str)]| {
        let flags = [&[("goodput", "ttft:500,tpot:50")][..], flags].concat();
        plan(&flags).search.unwrap()
    };
    let plain = search(&[("find-max-rate", "true")]);
    assert_eq!((plain.start, plain.limit, plain.policy.goal), (None, None, Goal::Rate));
    assert_eq!((plain.policy.attainment, plain.policy.precision, plain.policy.levels_max), (0.95, 0.05, 20));
    let told = search(&[
        ("find-max-concurrency", "true"),
        ("concurrency", "16"),
        ("duration", "20s"),
        ("attainment", "99%"),
        ("search-precision", "10%"),
        ("search-budget", "5m"),
    ]);
    assert_eq!((told.start, told.policy.goal), (Some(16.0), Goal::Concurrency));
    assert_eq!(told.limit, Some(Limit::Duration(Nanos::from_secs(20.0))));
    assert_eq!((told.policy.attainment, told.policy.precision), (0.99, 0.1));
    assert_eq!(told.policy.budget, Nanos::from_secs(300.0));
    let open = plan(&[("find-max-rate", "true"), ("goodput", "ttft:500"), ("arrivals", "constant")]);
    assert_eq!(open.slos[0].metric, Metric::TtftFromDue);
    assert_eq!(plan(&[("find-max-rate", "false")]).search, None);
}

#[test]
fn slos_are_read_in_everyones_spelling() {
    let slos = |text: &str| {
        let slos = plan(&[("goodput", text)]).slos;
        slos.iter().map(|slo| format!("{} {}", slo.metric, slo.limit)).collect::<Vec<_>>().join(", ")
    };
    let expected = "ttft 500.0ms, tpot 50.0ms, e2e 2.0s";
    assert_eq!(slos("ttft:500,tpot:50ms,e2e:2s"), expected);
    assert_eq!(slos("ttft:500 tpot:50 e2el:2000"), expected);
    assert_eq!(slos("time_to_first_token: 500, time_per_output_token: 50, request_latency: 2s"), expected);
    assert_eq!(plan(&[("goodput", "ttft:1s"), ("rate", "1")]).slos[0].metric, Metric::TtftFromDue);
}

#[test]
fn objectives_are_in_the_metrics_unit() {
    let objective = |text: &str| {
        let plan = plan(&[("objective", text), ("goodput", "ttft:500")]);
        let Objective { key, bound, limit } = plan.gate.objectives[0];
        format!("{key} {bound:?} {limit}")
    };
    assert_eq!(objective("goodput >= 95%"), "goodput AtLeast 0.95");
    assert_eq!(objective("ttft_p99<0.5s"), "ttft_p99 AtMost 500");
    assert_eq!(objective("tpot_p95 <= 30"), "tpot_p95 AtMost 30");
    assert_eq!(objective("output_throughput > 1500 tokens/s"), "output_throughput AtLeast 1500");
    assert_eq!(objective("request_throughput >= 4req/s"), "request_throughput AtLeast 4");
}

#[test]
fn servers_are_cut_to_their_base() {
    let base =
        |text: &str| resolve(layers(&[("server", text)])).unwrap().plan.target.base_urls.swap_remove(0);
    for text in
        ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"]
    {
        assert_eq!(base(text), "http://h:1");
    }
    assert_eq!(base("https://h/gateway/v1/completions"), "https://h/gateway");
    assert_eq!(base("http://[::1]:8000/v1"), "http://[::1]:8000");
    assert_eq!(base("sim:h100-8b?regression=ttft:+10%"), "sim:h100-8b?regression=ttft:+10%");
}

#[test]
fn lengths_come_from_numbers_ranges_words_and_datasets() {
    let lengths = |flags: &[(&'static str, &str)]| {
        let workload = plan(flags).parts.swap_remove(0).workload;
        (workload.input, workload.output)
    };
    let fixed = |tokens| Some(Lengths::Fixed(tokens));
    assert_eq!(lengths(&[("input-len", "128:512")]), (Lengths::Uniform { low: 128, high: 512 }, fixed(128)));
    assert_eq!(lengths(&[("prompt-type", "medium")]), (Lengths::Fixed(512), fixed(256)));
    assert_eq!(lengths(&[("prompt-type", "long"), ("output-len", "9")]), (Lengths::Fixed(4096), fixed(9)));
    assert_eq!(lengths(&[("output-len", "auto")]).1, None);
    let plan = plan(&[("dataset", "prompts.jsonl")]);
    let workload = &plan.parts[0].workload;
    let Dataset::File(file) = &workload.dataset else { panic!("{workload:?}") };
    assert_eq!((file.path.to_str(), file.format), (Some("prompts.jsonl"), DataFormat::Auto));
    assert_eq!((&workload.output, plan.cache), (&None, CacheLabel::Mixed));
}

#[test]
fn one_timeout_may_hold_several() {
    let timeouts = plan(&[("timeout", "first-token:30s,stall:20s,total:5m")]).timeouts;
    assert_eq!(timeouts.first_token, Nanos::from_secs(30.0));
    assert_eq!(timeouts.stall, Nanos::from_secs(20.0));
    assert_eq!(timeouts.total, Nanos::from_secs(300.0));
    assert_eq!(timeouts.connect, Nanos::from_secs(10.0));
}

#[test]
fn bodies_are_merged_and_apis_have_many_names() {
    let body = |text: &str| plan(&[("extra-body", text)]).sampling.extra_body.unwrap();
    assert_eq!(body(r#"{"top_p": 0.9, "a": {"b": [1]}}"#), r#"{"a":{"b":[1]},"top_p":0.9}"#);
    assert_eq!(body("min_tokens:5"), r#"{"min_tokens":5}"#);
    assert_eq!(body("user:me"), r#"{"user":"me"}"#);
    assert_eq!(plan(&[("api", "openai-chat")]).api, Api::Chat);
    assert_eq!(plan(&[("api", "vllm")]).api, Api::Completions);
}

#[test]
fn api_and_engine_follow_from_each_other() {
    let spoken = |flags: &[(&'static str, &str)]| {
        let plan = plan(flags);
        (plan.api, plan.adapter, plan.stream)
    };
    assert_eq!(spoken(&[("adapter", "ollama")]), (Api::OllamaChat, Some(Adapter::Ollama), true));
    assert_eq!(spoken(&[("adapter", "ollama"), ("api", "chat")]), (Api::Chat, Some(Adapter::Ollama), true));
    assert_eq!(spoken(&[("adapter", "vllm")]), (Api::Chat, Some(Adapter::Vllm), true));
    assert_eq!(spoken(&[("api", "sglang")]), (Api::SglangGenerate, Some(Adapter::Sglang), true));
    // It has no stream to ask for.
    assert_eq!(spoken(&[("api", "kserve-infer")]), (Api::KserveInfer, Some(Adapter::Triton), false));
    let over_grpc = |flags: &[(&'static str, &str)]| {
        let mut flags = flags.to_vec();
        flags.push(("server", "grpc://h:8001"));
        let plan = resolve(layers(&flags)).unwrap().plan;
        (plan.api, plan.adapter, plan.has_exact_outputs())
    };
    assert_eq!(over_grpc(&[]), (Api::KserveGrpc, Some(Adapter::Triton), false));
    // The ensemble has no such input, the vLLM backend has.
    assert_eq!(over_grpc(&[("adapter", "trtllm")]), (Api::KserveGrpc, Some(Adapter::TrtLlm), false));
    assert_eq!(over_grpc(&[("adapter", "vllm")]), (Api::KserveGrpc, Some(Adapter::Vllm), true));
}

#[test]
fn an_api_that_generates_nothing_has_no_stream_no_lengths_and_gates_of_its_own() {
    for api in ["embeddings", "rerank"] {
        let plan = plan(&[("api", api), ("prompt-type", "short"), ("duration", "9s")]);
        let Workload { output, ignore_eos, .. } = &plan.parts[0].workload;
        assert_eq!((plan.stream, output.is_none(), *ignore_eos), (false, true, false));
        assert!(!plan.has_exact_outputs());
        let keys: Vec<String> = plan.gate.tolerances.keys().map(ToString::to_string).collect();
        assert_eq!(keys, ["e2e_p95", "request_throughput"]);
    }
    let refused = |key: &'static str, text: &str| words(with_server(&[("api", "embeddings"), (key, text)]));
    insta::assert_snapshot!(refused("stream", "true"), @"
    --stream: --api embeddings generates no tokens
    hint: leave --stream out, or choose an API that generates, for example --api chat
    ");
    insta::assert_snapshot!(refused("output-len", "64"), @"
    --output-len 64: --api embeddings generates no tokens
    hint: leave --output-len out, or choose an API that generates, for example --api chat
    ");
    insta::assert_snapshot!(refused("tolerance", "output_throughput:7%"), @"
    --tolerance output_throughput:7%: output_throughput needs generated tokens, and this --api generates none
    hint: use e2e, request_throughput or total_throughput
    ");
    // What agrees is no error.
    assert!(!plan(&[("api", "embeddings"), ("stream", "false"), ("output-len", "auto")]).stream);
    assert!(!plan(&[("api", "anthropic")]).has_exact_outputs());
}

#[test]
fn outputs_stand_beside_the_result() {
    let result = |text: &str| resolve(with_server(&[("output", text)])).unwrap().outputs;
    assert_eq!(result("out/a.json").requests, std::path::Path::new("out/requests.jsonl"));
    assert_eq!(result("out").result, std::path::Path::new("out/result.json"));
    assert_eq!(result("r.json").summary, std::path::Path::new("summary.csv"));
    let outputs = resolve(with_server(&[])).unwrap().outputs;
    assert_eq!(outputs.result, std::path::Path::new("llm-loadtest-results/result.json"));
    assert_eq!(outputs.baselines, std::path::Path::new("baselines"));
    assert!(outputs.save_baseline && !outputs.print.quiet && !outputs.print.json);
}

#[test]
fn the_fingerprint_is_the_load_and_nothing_else() {
    let base = plan(&[]).workload_hash();
    // Stored baselines carry this value: when it changes, they stop matching.
    insta::assert_snapshot!(base, @"ba3090b7c762");
    for same in
        [("seed", "9"), ("rounds", "9"), ("tolerance", "e2e_p95:1%"), ("hardware", "x"), ("timeout", "1s")]
    {
        assert_eq!(plan(&[same]).workload_hash(), base, "{same:?}");
    }
    let different = [
        ("api", "completions"),
        ("stream", "false"),
        ("input-len", "255"),
        ("output-len", "auto"),
        ("dataset", "a.jsonl"),
        ("concurrency", "2"),
        ("rate", "1"),
        ("num-prompts", "99"),
        ("duration", "9s"),
        ("goodput", "ttft:500"),
        ("temperature", "0"),
        ("extra-body", "a:1"),
        ("ignore-eos", "false"),
        ("warmup", "0"),
    ];
    let mut hashes: Vec<String> = different.iter().map(|pair| plan(&[*pair]).workload_hash()).collect();
    let searching = [("goodput", "ttft:500"), ("find-max-rate", "true"), ("attainment", "90%")];
    hashes.extend([plan(&searching[..2]).workload_hash(), plan(&searching).workload_hash()]);
    hashes.push(base);
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), different.len() + 3);
}

#[test]
fn the_starter_is_a_plan() {
    let mut layers = layers(&[]);
    layers.files = file(starter());
    let plan = resolve(layers).unwrap().plan;
    assert_eq!(plan.target.base_url(), "sim:h100-8b");
    assert_eq!(plan.slos.len(), 2);
    assert_eq!(plan.gate.objectives.len(), 1);
}

proptest! {
    #[test]
    fn no_text_panics_or_breaks_a_line(row in 0..SETTINGS.len(), text in "[ -~\\n\\t€]{0,40}|[0-9:.,%<>=a-z_]{0,20}") {
        let mut layers = with_server(&[]);
        layers.flags.insert(0, Entry::new(SETTINGS[row].key, text.as_str(), Origin::Flag("x".to_owned())));
        if let Err(error) = resolve(layers) {
            prop_assert!(!error.message().is_empty() && !error.message().contains('\n'));
            prop_assert!(!error.hint().0.is_empty() && !error.hint().0.contains('\n'));
        }
    }
}

#[test]
fn pairs_look_three_times_unless_told_otherwise() {
    let looks = |more: &[(&'static str, &str)]| {
        let plan = plan(&[&[("baseline-server", "sim:h100-8b")][..], more].concat());
        (plan.gate.looks.counts().to_vec(), plan.baseline.unwrap().base_urls)
    };
    assert_eq!(looks(&[]), (vec![5, 8, 12], vec!["sim:h100-8b".to_owned()]));
    assert_eq!(looks(&[("rounds", "6")]).0, [6]);
    assert_eq!(looks(&[("rounds", "4,6")]).0, [4, 6]);
    let asked = plan(&[("budget", "30"), ("robust", "true"), ("rounds", "8, 12")]).gate;
    assert_eq!((asked.budget, asked.robust), (Some(Nanos::from_secs(1_800.0)), true));
    assert_eq!(asked.looks.counts(), [8, 12]);
}

#[test]
fn a_baseline_server_may_be_a_target_of_the_file() {
    let mut layers = layers(&[("server", "new"), ("baseline-server", "old")]);
    layers.files = file(
        "targets:\n  - {name: old, base_url: 'http://localhost:8001'}\n  - {name: new, base_url: 'http://localhost:8000'}\n",
    );
    let plan = resolve(layers).unwrap().plan;
    assert_eq!(plan.target.base_url(), "http://localhost:8000");
    assert_eq!(plan.baseline.unwrap().base_urls, ["http://localhost:8001"]);
}
