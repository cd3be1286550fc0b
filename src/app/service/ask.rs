//! A start that somebody else asks for, as a checked plan; and the same ask without its secrets.

use std::collections::BTreeMap;
use std::path::Path;

use super::admission::{Admission, admission};
use crate::config::{
    ConfigError, Entry, Group, Layers, MetricsSource, Origin, Purpose, Resolved, RunPlan, Shape, SourceFile,
    named, resolve,
};
use crate::document::v1::service::{BenchmarkAsk, PurposeDocument, SettingValue};
use crate::workload::{Dataset, Lengths, Part, TokenCounter, Workload};

/// What the server grants to those who ask.
#[derive(Debug, Clone, Copy)]
pub struct Grants<'a> {
    /// Variables that `api-key-env` and `${NAME}` may name, with their values.
    pub environment: &'a BTreeMap<String, String>,
    /// Where this benchmark's files go until they are stored.
    pub folder: &'a Path,
    /// Settings that the server decides, behind which nobody's word counts: where baselines and evidence are.
    pub own: &'a [(&'static str, String)],
}

/// A start that cannot be taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The setting at fault, where it is one.
    pub field: Option<String>,
    pub message: String,
    pub hint: Option<String>,
}

impl Refusal {
    pub fn of(field: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), message: message.into(), hint: Some(hint.into()) }
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        let hint = error.hint().0.clone();
        Self { field: error.key().map(str::to_owned), message: error.message().to_owned(), hint: Some(hint) }
    }
}

/// How people see the text of a configuration in messages.
const CONFIG_NAME: &str = "config";

/// The plan of an ask. Nothing is read: not the working folder, not this process's environment. Addresses are not checked here:
/// see `addresses`.
pub fn asked(ask: &BenchmarkAsk, grants: Grants<'_>) -> Result<Resolved, Refusal> {
    let BenchmarkAsk { purpose, settings, config, title: _, commit: _ } = ask;
    let mut flags = Vec::new();
    for (name, value) in settings {
        flags.extend(entries(name, value, *purpose)?);
    }
    let Grants { environment, folder, own } = grants;
    if let Some(entry) = flags.iter().find(|entry| entry.key == "api-key-env")
        && !environment.contains_key(&entry.text)
    {
        return Err(Refusal::of(
            entry.key,
            format!("api-key-env: this server lends no variable {}", entry.shown()),
            "ask its operator to start it with --api-key-env NAME, or give the key itself as api-key",
        ));
    }
    let ours = |key, text: String| Entry::new(key, text, Origin::Flag("serve".to_owned()));
    flags.push(ours("output", folder.join("result.json").display().to_string()));
    flags.extend(own.iter().map(|(key, text)| ours(key, text.clone())));
    let files = config.iter().map(|text| SourceFile { path: CONFIG_NAME.to_owned(), text: text.clone() });
    let purpose = match purpose {
        PurposeDocument::Run => Purpose::Run,
        PurposeDocument::Gate => Purpose::Gate,
    };
    let resolved = resolve(Layers {
        purpose,
        flags,
        environment: environment.clone(),
        env_file: None,
        files: files.collect(),
    })?;
    for entry in &resolved.values {
        if matches!(entry.origin, Origin::File { .. }) {
            admit(entry.key)?;
        }
    }
    refuse_files(&resolved.plan)?;
    if purpose == Purpose::Gate && resolved.plan.search.is_some() {
        return Err(Refusal {
            field: None,
            message: "a gate judges levels that are known before, and this workload searches for one"
                .to_owned(),
            hint: Some("ask for the purpose run, then gate at a rate that holds".to_owned()),
        });
    }
    Ok(resolved)
}

/// Every address that a plan would ask something of, with the setting that says it.
pub fn addresses(plan: &RunPlan) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&str, String)> =
        plan.target.base_urls.iter().map(|url| ("server", url.clone())).collect();
    if let Some(baseline) = &plan.baseline {
        found.extend(baseline.base_urls.iter().map(|url| ("baseline-server", url.clone())));
    }
    if let MetricsSource::Pages(pages) = &plan.target.metrics.source {
        found.extend(pages.iter().map(|url| ("metrics-url", url.clone())));
    }
    found.extend(plan.target.metrics.dcgm.iter().map(|url| ("dcgm-url", url.clone())));
    found
}

/// The line of a shell that asks for the same, before there is a result to read it from. Secrets are left to the user.
pub fn shown_command(ask: &BenchmarkAsk) -> String {
    let verb = match ask.purpose {
        PurposeDocument::Run => "run",
        PurposeDocument::Gate => "gate",
    };
    let mut words = vec!["llm-loadtest".to_owned(), verb.to_owned()];
    if ask.config.is_some() {
        words.extend(["--config".to_owned(), "loadtest.yaml".to_owned()]);
    }
    for (name, value) in &ask.settings {
        let Ok(setting) = named(name) else { continue };
        if setting.secret || setting.key == "header" {
            continue;
        }
        for text in texts(value) {
            match (setting.shape, text.as_str()) {
                (Shape::Switch, "true") => words.push(format!("--{}", setting.key)),
                (Shape::Switch, _) => {
                    words.push(
                        setting
                            .off
                            .first()
                            .map_or(format!("--{}=false", setting.key), |off| format!("--{off}")),
                    );
                }
                _ => words.extend([format!("--{}", setting.key), quoted(&text)]),
            }
        }
    }
    words.join(" ")
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The entries of one setting of an ask.
fn entries(name: &str, value: &SettingValue, purpose: PurposeDocument) -> Result<Vec<Entry>, Refusal> {
    let setting = named(name).map_err(|near| {
        let hint = near.map_or_else(
            || "GET /api/v1/settings lists them all".to_owned(),
            |near| format!("did you mean '{near}'?"),
        );
        Refusal::of(name, format!("there is no setting '{}'", clipped(name)), hint)
    })?;
    admit(setting.key)?;
    let other = match (setting.group, purpose) {
        (Group::Gate, PurposeDocument::Run) => Some("gate"),
        (Group::Search, PurposeDocument::Gate) => Some("run"),
        _ => None,
    };
    if let Some(purpose) = other {
        let message = format!("{}: only the purpose {purpose} has this setting", setting.key);
        return Err(Refusal::of(
            setting.key,
            message,
            format!("ask for the purpose {purpose}, or leave it out"),
        ));
    }
    if matches!(value, SettingValue::List(items) if items.len() != 1) && !setting.shape.repeats() {
        let message = format!("{}: it takes one value, and a list is given", setting.key);
        return Err(Refusal::of(setting.key, message, "give one value"));
    }
    let texts = texts(value);
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(Refusal::of(
            setting.key,
            format!("{}: the value holds a NUL", setting.key),
            "leave it out",
        ));
    }
    Ok(texts
        .into_iter()
        .map(|text| Entry::new(setting.key, text, Origin::Flag(setting.key.to_owned())))
        .collect())
}

fn texts(value: &SettingValue) -> Vec<String> {
    match value {
        SettingValue::Switch(on) => vec![on.to_string()],
        SettingValue::Number(number) => vec![number.to_string()],
        SettingValue::Text(text) => vec![text.clone()],
        SettingValue::List(items) => items.iter().flat_map(texts).collect(),
    }
}

fn admit(key: &'static str) -> Result<(), Refusal> {
    let why = match admission(key) {
        Some(Admission::Open | Admission::Address) => return Ok(()),
        Some(Admission::Refused(why)) => why,
        None => "it is not known here",
    };
    Err(Refusal::of(
        key,
        format!("{key}: not over the API: {why}"),
        "leave it out, or measure with the command line there",
    ))
}

/// What a value may still say, although its setting is taken: a file.
fn refuse_files(plan: &RunPlan) -> Result<(), Refusal> {
    let RunPlan { target, parts, tokenizer, baseline, .. } = plan;
    let touches = [
        ("cacert", target.cacert.is_some()),
        ("nvml", target.nvml.is_some()),
        ("server-log", target.log.is_some()),
        ("server-command", target.launch.is_some()),
        ("baseline-server-command", baseline.as_ref().is_some_and(|baseline| baseline.launch.is_some())),
    ];
    if let Some((key, _)) = touches.into_iter().find(|(_, touches)| *touches) {
        return admit(key);
    }
    let no_file = |key: &str, what: &str| {
        Refusal::of(
            key,
            format!("{key}: not over the API: it reads a file of the server's machine"),
            format!("give {what}, or measure with the command line where the file is"),
        )
    };
    if let Some(name) = tokenizer
        && TokenCounter::resolve(Some(name), |_| Err("no files over the API".to_owned())).is_err()
    {
        return Err(no_file("tokenizer", "an encoding such as cl100k_base"));
    }
    for Part { workload, .. } in parts {
        let Workload { input, output, dataset, conversation, .. } = workload;
        if !matches!(dataset, Dataset::Synthetic | Dataset::Sonnet) {
            return Err(no_file("dataset", "synthetic or sonnet"));
        }
        let turns = conversation.as_ref().and_then(|conversation| conversation.turns.as_ref());
        let lengths = [("input-len", Some(input)), ("output-len", output.as_ref()), ("turns", turns)];
        if let Some((key, _)) = lengths.iter().find(|(_, law)| matches!(law, Some(Lengths::File(_)))) {
            return Err(no_file(key, "a number or a law such as normal:512,64"));
        }
    }
    Ok(())
}

fn clipped(text: &str) -> String {
    text.chars().take(80).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
