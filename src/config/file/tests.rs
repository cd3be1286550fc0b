//! Files, good, broken and hostile.

use proptest::prelude::*;

use super::*;
use crate::config::schema::json_schema;
use crate::config::starter;

fn source(text: &str) -> SourceFile {
    SourceFile { path: "loadtest.yaml".to_owned(), text: text.to_owned() }
}

fn entries(text: &str) -> String {
    let document = read(&[source(text)]).unwrap();
    let blocks = [&document.targets, &document.models, &document.workloads].into_iter().flatten();
    let all = blocks.flat_map(|block| &block.entries).chain(&document.gate);
    all.map(|entry| format!("{entry:?}")).collect::<Vec<_>>().join("\n")
}

fn wrong(text: &str) -> String {
    let error = read(&[source(text)]).unwrap_err();
    format!("{}\nhint: {}\n", error.message(), error.hint())
}

#[test]
fn every_key_knows_its_line() {
    insta::assert_snapshot!(entries(
        "targets:\n- name: t\n  base_url: sim:x\n  headers:\n    A: b\n    C: d\nmodels:\n- name: m\n\
         workloads:\n- name: w\n  concurrency:\n    - 1\n    - 10\n  input_len: [1, 2]\n  slo: {ttft: 500ms, tpot: 50}\n  \
         extra_body: {top_p: 0.9, stop: [a, 'b'], on: true}\n  max_tokens: 7\n\
         gate:\n  objectives: ['goodput >= 95%']\n  tolerances: {ttft_p95: 15%}\n  strict: true\n",
    ), @r#"
    server = sim:x (loadtest.yaml:3)
    header = A: *** (loadtest.yaml:5)
    header = C: *** (loadtest.yaml:6)
    model = m (loadtest.yaml:8)
    concurrency = 1 (loadtest.yaml:12)
    concurrency = 10 (loadtest.yaml:13)
    input-len = 1:2 (loadtest.yaml:14)
    goodput = ttft:500ms (loadtest.yaml:15)
    goodput = tpot:50 (loadtest.yaml:15)
    extra-body = {"on":true,"stop":["a","b"],"top_p":0.9} (loadtest.yaml:16)
    output-len = 7 (loadtest.yaml:17)
    objective = goodput >= 95% (loadtest.yaml:19)
    tolerance = ttft_p95:15% (loadtest.yaml:20)
    strict = true (loadtest.yaml:21)
    "#);
}

/// Broken files, each in its own way.
const MISTAKES: [&str; 26] = [
    "workload:\n- name: a",
    "workloads:\n- name: a\n  concurency: 5",
    "workloads:\n- name: a\n  zzz: 5",
    "workloads:\n- name: a\n  rate: 5\n  rps: 5",
    "workloads:\n- name: a\n  rate: 5\n  rate: 6",
    "workloads:\n- name: a\n- name: a",
    "workloads:\n- rate: 5",
    "workloads:\n  name: a",
    "workloads: 5",
    "workloads:\n- name: a\n  rate:\n",
    "workloads:\n- name: a\n  seed: [1, 2]",
    "workloads:\n- name: a\n  input_len: [1, 2, 3]",
    "workloads:\n- name: a\n  slo: [ttft, {a: b}]",
    "workloads:\n- name: a\n\trate: 5",
    "workloads:\n- name: [",
    "workloads: {a: b",
    "- just\n- a list",
    "a: 1\n---\nb: 2",
    "gate: {rounds: 5}\n---\ngate: {}",
    "workloads:\n- &a {name: a}\n- *a",
    "targets:\n- name: t",
    "targets:\n- name: t\n  base_url: sim:x\n  api_key: sk-hunter2",
    "targets:\n- name: t\n  base_url: sim:x\n  api_key: ${A}\n  api_key_env: B",
    "? [a]\n: b",
    "gate: \0",
    "workloads:\n- name: a\n  rate: 5\n\tseed: 5",
];

#[test]
fn mistakes_are_named_with_their_line() {
    insta::assert_snapshot!(MISTAKES.map(wrong).concat(), @"
    loadtest.yaml:1: unknown section 'workload'
    hint: did you mean 'workloads'?
    loadtest.yaml:3: unknown key 'concurency'
    hint: did you mean 'concurrency'?
    loadtest.yaml:3: unknown key 'zzz'
    hint: known here are target, model, models, mix, concurrency, rate, rps, stages, trace, arrivals, burstiness, ramp_up, ramp_up_from, max_in_flight, time_scale, trace_from, trace_until, trace_unit, trace_block, num_prompts, duration, warmup, seed, find_max_rate, find_max_concurrency, attainment, search_precision, search_max_levels, search_budget, api, adapter, continuous_usage, stream, prompt_type, input_len, output_len, max_tokens, input_len_stddev, output_len_stddev, length_spread, dataset, dataset_format, prompt_column, output_column, prefix_len, prefix_groups, distinct_prompts, cache, turns, think_time, cancel_rate, cancel_after, ignore_eos, temperature, extra_body, slo, timeout, timeout_first_token, timeout_stall, timeout_connect, name
    loadtest.yaml:4: 'rps' and 'rate' (line 3) are the same setting
    hint: keep one of them
    loadtest.yaml:4: 'rate' is given twice, first in line 3
    hint: keep one of them
    loadtest.yaml:3: the name 'a' is taken by an item above
    hint: give each item its own name
    loadtest.yaml:2: the item has no name
    hint: add 'name: …'
    loadtest.yaml:2: a list is needed here, this is a map
    hint: write '- name: …' beneath it, one dash per item
    loadtest.yaml:1: a list is needed here, this is a single value
    hint: write '- name: …' beneath it, one dash per item
    loadtest.yaml:3: rate: there is no value
    hint: write 'rate: …' with a number or a list, for example [2, 4, 8]
    loadtest.yaml:3: seed: a list cannot stand here
    hint: write 'seed: …' with one whole number
    loadtest.yaml:3: input_len: a list cannot stand here
    hint: write 'input_len: …' with a number or [low, high], for example 256 or [128, 512]
    loadtest.yaml:3: slo: a map cannot stand here
    hint: write 'slo: …' with a map of single values, for example {name: value}
    loadtest.yaml:3: a tab cannot indent YAML
    hint: indent with spaces
    loadtest.yaml:3: not YAML: while parsing a node, did not find expected node content
    hint: check the indentation and colons there, and quote texts that hold ': ' or start with one of *&!%@[{
    loadtest.yaml:2: not YAML: while parsing a flow mapping, did not find expected ',' or '}'
    hint: check the indentation and colons there, and quote texts that hold ': ' or start with one of *&!%@[{
    loadtest.yaml:1: the file is a list, not a map of sections
    hint: start with 'workloads:'; `llm-loadtest init` writes a complete example
    loadtest.yaml:2: a second YAML document
    hint: keep one document per file: delete the '---' and what follows, or make it a file of its own
    loadtest.yaml:2: a second YAML document
    hint: keep one document per file: delete the '---' and what follows, or make it a file of its own
    loadtest.yaml:3: aliases (*name) are not read here
    hint: write the value out
    loadtest.yaml:2: target 't' has no base_url
    hint: add 'base_url: http://localhost:8000', 'command: …' or 'image: …' to start it, or 'base_url: sim:h100-8b' for the simulator
    loadtest.yaml:4: api_key: a key must not stand in a file
    hint: write 'api_key_env: NAME' (or 'api_key: ${NAME}') and put the key into that environment variable
    loadtest.yaml:5: 'api_key_env' and 'api_key' (line 4) are the same setting
    hint: keep one of them
    loadtest.yaml:1: a key must be a word
    hint: write 'name: value'
    loadtest.yaml:1: a NUL byte
    hint: save the file as UTF-8 text
    loadtest.yaml:4: a tab cannot indent YAML
    hint: indent with spaces
    ");
}

#[test]
fn a_section_stands_in_one_file() {
    let other = SourceFile { path: "gate.yaml".to_owned(), text: "gate: {rounds: 3}".to_owned() };
    let error = read(&[source("gate: {rounds: 3}"), other.clone()]).unwrap_err();
    insta::assert_snapshot!(error.message(), @"gate.yaml:1: 'gate' stands in loadtest.yaml too");
    assert_eq!(read(&[source("# nothing yet"), other]).unwrap().gate.len(), 1);
}

#[test]
fn hostile_files_end_quickly() {
    let many = |text: &str| text.repeat(100_000 / text.len());
    let numbered = |tail: &str| (0..20_000).map(|key| format!("k{key}{tail}")).collect::<Vec<_>>().concat();
    let texts = [
        many("["),
        many("{"),
        many("- "),
        many("? "),
        many("a: "),
        many("&a "),
        many("*a "),
        many("!a "),
        many("\""),
        many("'"),
        many("#\n"),
        many("a\n"),
        many("- a\n"),
        many("[a, "),
        many("{a: "),
        many("|\n"),
        many(" "),
        many("\t"),
        many("%"),
        many("---\n"),
        many("\u{feff}"),
        many("!!"),
        many(": "),
        many("\r"),
        many("x"),
        "x".repeat(300_000),
        numbered(": 1\n"),
        format!("gate:\n  tolerances: {{{}}}", numbered(": 1,")),
    ];
    for text in texts {
        if let Err(error) = read(&[source(&text)]) {
            assert!(error.message().len() < 600, "{}", error.message());
        }
    }
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]";
    assert!(wrong(bomb).contains("aliases"));
}

#[test]
fn the_committed_schema_is_the_tables_and_the_starter_obeys_it() {
    let committed = include_str!("../../../schemas/config.schema.json");
    let committed: serde_json::Value = serde_json::from_str(committed).unwrap();
    let current = json_schema();
    assert!(
        committed == current,
        "the settings changed: llm-loadtest info --schema > schemas/config.schema.json"
    );
    let validator = jsonschema::validator_for(&committed).unwrap();
    let json = |text: &str| yaml::read(&source(text)).unwrap().unwrap().json();
    let errors: Vec<String> =
        validator.iter_errors(&json(starter())).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert!(!validator.is_valid(&json("workloads: [{name: a, concurency: 5}]")));
    assert!(!validator.is_valid(&json("workloads: [{rate: 5}]")));
}

#[test]
fn env_files_are_read_as_shells_read_them() {
    let text = "# comment\n\nA=1\nexport B = two words # and a comment\nC='as # is $A'\nD=\"a\\n\\\"b\\\"\" # c\nE=\nF=#no\nA=last\n";
    let variables = parse_env_file(&source(text)).unwrap();
    let shown =
        variables.iter().map(|(name, variable)| format!("{name}@{} {:?}", variable.line, variable.text));
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    A@9 "last"
    B@4 "two words"
    C@5 "as # is $A"
    D@6 "a\n\"b\""
    E@7 ""
    F@8 ""
    "#);
    let wrong = |text: &str| {
        let error = parse_env_file(&source(text)).err().unwrap();
        assert!(!error.to_string().contains("hunter2"));
        format!("{}\nhint: {}\n", error.message(), error.hint())
    };
    insta::assert_snapshot!(["A=1\nhunter2", "9A=hunter2", "A='hunter2", "A=\"hunter2", "A='x' hunter2"].map(wrong).concat(), @r"
    loadtest.yaml:2: no '=' in the line
    hint: write NAME=value, or start a comment with #
    loadtest.yaml:1: the part before '=' is not a variable's name
    hint: use letters, digits and _, not starting with a digit
    loadtest.yaml:1: the quotes do not close at the line's end
    hint: close them, or remove them
    loadtest.yaml:1: the quotes do not close at the line's end
    hint: close them, or remove them
    loadtest.yaml:1: the quotes do not close at the line's end
    hint: close them, or remove them
    ");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(targets:\\n|- |name: a\\n| |\\n|gate:|rounds: |[\\[\\]{},&*!|>'\"%@`#?:-]|[a-z]){0,40}") {
        let file = source(&text);
        if let Err(error) = read(std::slice::from_ref(&file)) {
            prop_assert!(error.message().starts_with("loadtest.yaml"));
        }
        if let Err(error) = parse_env_file(&file) {
            prop_assert!(error.message().starts_with("loadtest.yaml"));
        }
    }
}
