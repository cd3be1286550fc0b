//! Who beats whom, and what the table of origins says.

use super::support::{file, layers, origin_of, plan, variables, with_server, words};
use crate::base::Nanos;
use crate::config::{Entry, Layers, Origin, Resolved, SourceFile, config_path, origins, resolve};
use crate::workload::{Lengths, Limit, Load};

const FILE: &str = "workloads:\n  - name: chat\n    rate: 5\n    num_prompts: 7\n";

fn all_layers() -> Layers {
    let mut layers = with_server(&[("rate", "1")]);
    layers.environment = variables(&[("INPUT_RATE", "2"), ("LLM_LOADTEST_RATE", "3")]);
    layers.env_file =
        Some(SourceFile { path: ".env".to_owned(), text: "# rates\nLLM_LOADTEST_RATE=4".to_owned() });
    layers.files = file(FILE);
    layers
}

/// Three aligned columns.
fn origins_table(resolved: &Resolved) -> String {
    let rows = origins(resolved);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let lines = rows.iter().map(|[key, text, origin]| format!("{key:first$}  {text:second$}  {origin}\n"));
    lines.collect()
}

#[test]
fn each_layer_beats_the_next() {
    let mut layers = all_layers();
    assert_eq!(origin_of(&resolve(layers.clone()).unwrap(), "rate"), "1 from flag --rate");
    layers.flags.retain(|entry| entry.key != "rate");
    assert_eq!(origin_of(&resolve(layers.clone()).unwrap(), "rate"), "2 from input rate");
    layers.environment.remove("INPUT_RATE");
    let environment = "3 from environment LLM_LOADTEST_RATE";
    assert_eq!(origin_of(&resolve(layers.clone()).unwrap(), "rate"), environment);
    layers.environment.clear();
    assert_eq!(origin_of(&resolve(layers.clone()).unwrap(), "rate"), "4 from .env:2");
    layers.env_file = None;
    assert_eq!(origin_of(&resolve(layers.clone()).unwrap(), "rate"), "5 from loadtest.yaml:3");
    layers.files = file("");
    let resolved = resolve(layers).unwrap();
    assert_eq!(origin_of(&resolved, "concurrency"), "1 from default");
    assert!(resolved.values.iter().all(|entry| entry.key != "rate"));
}

#[test]
fn inputs_keep_their_dashes_and_empty_ones_are_absent() {
    let mut layers = with_server(&[]);
    layers.environment = variables(&[
        ("INPUT_NUM-PROMPTS", "42"),
        ("INPUT_RATE", ""),
        ("INPUT_OBJECTIVE", "ttft_p95 < 1s\ne2e_p95 < 9s"),
    ]);
    let resolved = resolve(layers).unwrap();
    assert_eq!(origin_of(&resolved, "num-prompts"), "42 from input num-prompts");
    assert_eq!(resolved.plan.gate.objectives.len(), 2);
}

#[test]
fn a_nearer_rival_silences_the_one_further_away() {
    let mut layers = with_server(&[("concurrency", "8"), ("duration", "5s")]);
    layers.files = file(FILE);
    let level = resolve(layers).unwrap().plan.levels[0].clone();
    assert_eq!(level.load, Load::Closed { concurrency: 8, ramp_up: Nanos::ZERO });
    assert_eq!(level.limit, Limit::Duration(Nanos::from_secs(5.0)));
    let both = plan(&[("num-prompts", "10"), ("duration", "5s")]).levels[0].limit;
    let duration = Nanos::from_secs(5.0);
    assert_eq!(both, Limit::Either { requests: 10, duration });
}

#[test]
fn the_file_names_targets_models_and_workloads() {
    let mut layers = layers(&[("workload", "b")]);
    layers.environment = variables(&[("KEY", "s3cret"), ("TENANT", "blue")]);
    layers.files = file(
        "targets:\n  - {name: x, base_url: 'http://x:1/v1/', hardware: h}\n  - name: y\n    base_url: https://y\n    api_key: ${KEY}\n    headers: {X-Tenant: 'is ${TENANT}'}\n\
         models:\n  - {name: small, full_name: org/small, context_length: 4096, tokenizer: t.json}\n  - {name: big}\n\
         workloads:\n  - {name: a, target: x, model: big}\n  - {name: b, target: y, model: small, input_len: [10, 20]}\n",
    );
    let resolved = resolve(layers.clone()).unwrap();
    let Resolved { plan, api_key, .. } = resolved;
    assert_eq!((plan.name.as_str(), plan.target.name.as_str()), ("b", "y"));
    assert_eq!(plan.target.base_url(), "https://y");
    assert_eq!(plan.target.headers, [("X-Tenant".to_owned(), "is blue".to_owned())]);
    assert_eq!(plan.target.api_key_env.as_deref(), Some("KEY"));
    assert_eq!(api_key.unwrap().expose(), "s3cret");
    assert_eq!(plan.model.as_deref(), Some("org/small"));
    assert_eq!(plan.tokenizer.as_deref(), Some("t.json"));
    assert_eq!(plan.parts[0].workload.input, Lengths::Uniform { low: 10, high: 20 });

    layers.flags.push(Entry::new("server", "x", Origin::Flag("server".to_owned())));
    let target = resolve(layers.clone()).unwrap().plan.target;
    assert_eq!((target.base_url(), target.hardware.as_deref()), ("http://x:1", Some("h")));
    assert_eq!(target.headers, []);

    layers.flags = vec![Entry::new("workload", "c", Origin::Flag("workload".to_owned()))];
    insta::assert_snapshot!(words(layers.clone()), @r"
    --workload c: there is no such name under workloads in the file
    hint: the file has: a, b
    ");
    layers.flags.clear();
    insta::assert_snapshot!(words(layers), @r"
    the file has several workloads: a, b
    hint: choose one with --workload NAME
    ");
}

#[test]
fn a_key_comes_from_the_flag_a_variable_or_the_well_known_name() {
    let key = |flags: &[(&'static str, &str)], environment: &[(&str, &str)]| {
        let mut layers = with_server(flags);
        layers.environment = variables(environment);
        let resolved = resolve(layers).unwrap();
        assert!(!format!("{resolved:?}").contains("k1"));
        assert!(!origins_table(&resolved).contains("k1"));
        (resolved.api_key.map(|key| key.expose().to_owned()), resolved.plan.target.api_key_env)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(key(&[], &[]), (None, None));
    assert_eq!(key(&[], &[("OPENAI_API_KEY", "k1\n")]), (text("k1"), text("OPENAI_API_KEY")));
    assert_eq!(key(&[("api-key-env", "MINE")], &[("MINE", "k1")]), (text("k1"), text("MINE")));
    assert_eq!(key(&[("api-key", "k1")], &[("OPENAI_API_KEY", "other")]), (text("k1"), None));
    assert_eq!(
        key(&[("api-key-env", "MINE")], &[("MINE", "k1"), ("LLM_LOADTEST_API_KEY", "k2")]),
        (text("k1"), text("MINE"))
    );
    let mut simulated = layers(&[("server", "sim:h100-8b")]);
    simulated.environment = variables(&[("OPENAI_API_KEY", "k1")]);
    assert_eq!(resolve(simulated).unwrap().api_key, None);
}

#[test]
fn origins_are_listed_with_stars_for_secrets() {
    let mut layers =
        layers(&[("header", "Authorization: Basic abc"), ("api-key", "hunter2"), ("server", "http://h:1")]);
    layers.environment = variables(&[("LLM_LOADTEST_SEED", "7")]);
    layers.files = file(FILE);
    insta::assert_snapshot!(origins_table(&resolve(layers).unwrap()), @"
    server               http://h:1                                                                   flag --server
    url-strategy         round-robin                                                                  default
    api-key              ***                                                                          flag --api-key
    header               Authorization: ***                                                           flag --header
    insecure             false                                                                        default
    gpu                  auto                                                                         default
    server-metrics       true                                                                         default
    validate             warn                                                                         default
    rate                 5                                                                            loadtest.yaml:3
    arrivals             poisson                                                                      default
    num-prompts          7                                                                            loadtest.yaml:4
    warmup               auto                                                                         default
    seed                 7                                                                            environment LLM_LOADTEST_SEED
    api                  auto                                                                         default
    adapter              auto                                                                         default
    stream               true                                                                         default
    input-len            256                                                                          default
    output-len           128                                                                          default
    dataset              synthetic                                                                    default
    ignore-eos           true                                                                         default
    timeout              10m                                                                          default
    timeout-first-token  120s                                                                         default
    timeout-stall        60s                                                                          default
    timeout-connect      10s                                                                          default
    rounds               5                                                                            default
    tolerance            ttft_from_due_p95:15%,tpot_p95:7%,e2e_from_due_p95:10%,output_throughput:7%  default
    alpha                0.05                                                                         default
    assumed-noise        3%                                                                           default
    robust               false                                                                        default
    require-baseline     false                                                                        default
    strict               false                                                                        default
    baselines            baselines                                                                    default
    save-baseline        true                                                                         default
    ledger               llm-loadtest-results/ledger                                                  default
    output               llm-loadtest-results/result.json                                             default
    explain              false                                                                        default
    quiet                false                                                                        default
    json                 false                                                                        default
    ");
}

#[test]
fn the_config_path_is_known_before_the_file_is_read() {
    let flags = layers(&[("config", "a.yaml")]).flags;
    let environment = variables(&[("LLM_LOADTEST_CONFIG", "b.yaml")]);
    assert_eq!(config_path(&flags, &environment).unwrap().text, "a.yaml");
    assert_eq!(config_path(&[], &environment).unwrap().text, "b.yaml");
    assert_eq!(config_path(&[], &variables(&[])), None);
}
