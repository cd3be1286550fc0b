//! Asks as strangers may write them.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Grants, Refusal, asked, masked, shown_command, was_masked};
use crate::config::Resolved;
use crate::document::v1::service::{BenchmarkAsk, PurposeDocument, SettingValue};

fn ask(purpose: PurposeDocument, settings: &[(&str, SettingValue)], config: Option<&str>) -> BenchmarkAsk {
    let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    BenchmarkAsk { purpose, settings, config: config.map(str::to_owned), ..BenchmarkAsk::default() }
}

fn text(text: &str) -> SettingValue {
    SettingValue::Text(text.to_owned())
}

fn plan(ask: &BenchmarkAsk) -> Result<Resolved, Refusal> {
    let environment = BTreeMap::from([("LENT_KEY".to_owned(), "sk-1".to_owned())]);
    asked(ask, Grants { environment: &environment, folder: Path::new("/data/running/1"), own: &[] })
}

fn refused(settings: &[(&str, SettingValue)], config: Option<&str>) -> Refusal {
    plan(&ask(PurposeDocument::Run, settings, config)).unwrap_err()
}

#[test]
fn numbers_lists_and_files_become_a_plan() {
    let list = SettingValue::List(vec![SettingValue::Number(2.0), SettingValue::Number(4.5)]);
    let start = ask(
        PurposeDocument::Run,
        &[("server", text("sim:fast")), ("rate", list), ("stream", SettingValue::Switch(false))],
        Some("workloads:\n  - name: chat\n    input_len: 64\n"),
    );
    let resolved = plan(&start).unwrap();
    assert_eq!(resolved.plan.name, "chat");
    assert_eq!(resolved.plan.levels.len(), 2);
    assert!(!resolved.plan.stream);
    assert_eq!(resolved.outputs.result, Path::new("/data/running/1/result.json"));
    let shown = shown_command(&start);
    assert!(shown.contains("--rate 2 --rate 4.5") && shown.contains("--no-stream"), "{shown}");
}

#[test]
fn files_programs_and_the_environment_are_out_of_reach() {
    let server = ("server", text("sim:fast"));
    for (name, value) in [
        ("dataset", "/etc/passwd"),
        ("tokenizer", "/etc/passwd.json"),
        ("tokenizer", "../secret/tokenizer.json"),
        ("input-len", "file:/etc/passwd"),
        ("output-len", "file:/etc/passwd"),
        ("turns", "file:/etc/passwd"),
        ("trace", "/etc/passwd"),
        ("server-command", "id"),
        ("output", "/tmp/x"),
        ("api-key-env", "HOME"),
        ("store", "postgres://evil"),
    ] {
        let refusal = refused(&[server.clone(), (name, text(value))], None);
        assert_eq!(refusal.field.as_deref(), Some(name), "{refusal:?}");
    }
    assert!(plan(&ask(PurposeDocument::Run, &[server, ("api-key-env", text("LENT_KEY"))], None)).is_ok());
}

#[test]
fn a_configuration_reaches_no_further_than_settings() {
    for (config, field) in [
        ("targets:\n  - name: a\n    base_url: http://127.0.0.1:1\n    command: id\n", "server-command"),
        ("targets:\n  - name: a\n    base_url: sim:fast\n    cacert: /etc/passwd\n", "cacert"),
        ("targets:\n  - name: a\n    base_url: http://127.0.0.1:1\n    api_key_env: HOME\n", "api-key-env"),
        ("workloads:\n  - name: a\n    dataset: /etc/passwd\n", "dataset"),
        (
            "workloads:\n  - name: a\n    dataset: /etc/passwd\n  - name: b\n    input_len: 8\n  - name: m\n    mix: a=1,b=1\n",
            "dataset",
        ),
    ] {
        let mut settings = vec![];
        if !config.contains("targets") {
            settings.push(("server", text("sim:fast")));
        }
        if config.contains("mix") {
            settings.push(("workload", text("m")));
        }
        let refusal = refused(&settings, Some(config));
        assert_eq!(refusal.field.as_deref(), Some(field), "{config}: {refusal:?}");
    }
}

#[test]
fn wrong_names_and_other_purposes_are_told_with_the_next_step() {
    let near = refused(&[("concurency", SettingValue::Number(2.0))], None);
    assert_eq!(near.hint.as_deref(), Some("did you mean 'concurrency'?"));
    let other = refused(&[("server", text("sim:fast")), ("rounds", SettingValue::Number(3.0))], None);
    assert!(other.hint.unwrap().contains("purpose gate"));
    let bad = refused(&[("server", text("sim:fast")), ("concurrency", text("many"))], None);
    assert_eq!(bad.field.as_deref(), Some("concurrency"));
}

#[test]
fn secrets_are_not_kept() {
    let start = ask(
        PurposeDocument::Run,
        &[
            ("api-key", text("sk-secret")),
            (
                "header",
                SettingValue::List(vec![text("Authorization: Bearer sk-secret"), text("X-Tenant: blue")]),
            ),
            ("extra-body", text("{\"password\": \"sk-secret\"}")),
        ],
        Some("targets: [{name: a, headers: {Authorization: sk-secret}}]"),
    );
    let kept = masked(&start);
    let shown = format!("{kept:?} {}", shown_command(&kept));
    assert!(!shown.contains("sk-secret"), "{shown}");
    assert!(shown.contains("X-Tenant: blue"));
    assert!(was_masked(&kept) && !was_masked(&start));
    let plain = ask(PurposeDocument::Run, &[("header", text("X-Tenant: blue"))], Some("workload: {}"));
    assert_eq!(masked(&plain), plain);
}
