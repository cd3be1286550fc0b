//! What a workflow's step is asked, from inputs to a plan.

use super::support::{layers, variables};
use crate::config::{
    ActionCommand, ActionPlan, BaselinesFrom, CommentWhen, CommitReport, FailOn, inputs_table, resolve_action,
};

fn step(pairs: &[(&str, &str)]) -> Result<ActionPlan, String> {
    let mut layers = layers(&[]);
    layers.environment = variables(pairs);
    resolve_action(layers).map_err(|error| format!("{}\nhint: {}", error.message(), error.hint()))
}

#[test]
fn empty_inputs_are_defaults() {
    let step = step(&[("INPUT_COMMAND", ""), ("INPUT_MATRIX", "null"), ("GITHUB_JOB", "perf")]).unwrap();
    let ActionPlan {
        command,
        candidates,
        baselines_from,
        fail_on,
        comment,
        comment_key,
        report,
        annotations,
        ..
    } = step;
    assert_eq!((command, fail_on, comment), (ActionCommand::Gate, FailOn::Regression, CommentWhen::Auto));
    assert_eq!((baselines_from, report, annotations), (BaselinesFrom::Base, CommitReport::None, true));
    assert_eq!((candidates.len(), comment_key.as_str()), (0, "perf"));
}

#[test]
fn inputs_are_read_with_their_dashes() {
    let step = step(&[
        ("INPUT_COMMAND", "comment"),
        ("INPUT_CANDIDATE", "a/result.json\n b/result.json \n"),
        ("INPUT_FAIL-ON", "never"),
        ("INPUT_COMMENT", "on-change"),
        ("INPUT_STATUS", "check"),
        ("INPUT_ANNOTATIONS", "false"),
        ("INPUT_PR-NUMBER", "12"),
        ("INPUT_HEAD-SHA", "0123456789abcdef0123456789abcdef01234567"),
        ("INPUT_GITHUB-TOKEN", "ghs_secret"),
        ("GITHUB_REPOSITORY", "org/llm-server"),
    ])
    .unwrap();
    assert_eq!(step.command, ActionCommand::Comment);
    assert_eq!(step.candidates, ["a/result.json", "b/result.json"].map(std::path::PathBuf::from));
    assert_eq!((step.fail_on, step.comment), (FailOn::Never, CommentWhen::OnChange));
    assert_eq!((step.report, step.annotations, step.pull), (CommitReport::Check, false, Some(12)));
    assert_eq!(step.repository.as_deref(), Some("org/llm-server"));
    assert!(!format!("{step:?}").contains("ghs_secret"), "{step:?}");
}

#[test]
fn each_leg_of_a_matrix_has_a_key_of_its_own() {
    let key = |matrix: &str| step(&[("GITHUB_JOB", "perf"), ("INPUT_MATRIX", matrix)]).unwrap().comment_key;
    assert_eq!(key("{\n  \"gpu\": \"h100\",\n  \"tp\": 2\n}"), "perf/h100/2");
    assert_eq!(key("not JSON"), "perf");
    let named = step(&[("INPUT_COMMENT-KEY", "chat"), ("INPUT_MATRIX", r#"{"tp": 4}"#)]).unwrap().comment_key;
    assert_eq!(named, "chat/4");
}

#[test]
fn wrong_inputs_say_what_to_write() {
    let wrong = |key: &str, text: &str| step(&[(key, text)]).unwrap_err();
    insta::assert_snapshot!(wrong("INPUT_COMMAND", "gait"), @"
    input command 'gait': no such choice
    hint: write one of gate, run, compare, report, comment, baseline
    ");
    insta::assert_snapshot!(wrong("INPUT_PR-NUMBER", "#12"), @"
    input pr-number '#12': not a whole number
    hint: write digits only, from 1 to 4294967295
    ");
    insta::assert_snapshot!(wrong("INPUT_HEAD-SHA", "main; rm"), @"
    input head-sha 'main; rm': not a commit
    hint: write its 40 hexadecimal digits
    ");
    insta::assert_snapshot!(wrong("INPUT_REPOSITORY", "org/a/../b"), @"
    input repository 'org/a/../b': not owner/name
    hint: write for example org/llm-server
    ");
}

#[test]
fn the_table_of_inputs_keeps_its_columns() {
    for line in inputs_table().lines().filter(|line| line.starts_with('|')) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 4, "{line}");
    }
}
