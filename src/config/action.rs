//! What a workflow's step is asked besides its load: the command, whom to tell, and for which commit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::error::{ConfigError, Wrong, wrong};
use super::layers::{self, Chosen, Layers};
use super::parse;
use super::setting::Group;
use super::settings::SETTINGS;
use crate::base::Secret;

/// The step as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionPlan {
    pub command: ActionCommand,
    /// Results to work on, in the order given.
    pub candidates: Vec<PathBuf>,
    /// The result that `compare` holds the candidate against.
    pub baseline: Option<PathBuf>,
    pub baselines_from: BaselinesFrom,
    pub fail_on: FailOn,
    pub comment: CommentWhen,
    /// What tells sticky comments apart: the given name or the job's, and the matrix leg.
    pub comment_key: String,
    pub report: CommitReport,
    pub annotations: bool,
    pub head: Option<String>,
    pub pull: Option<u64>,
    /// `owner/name`
    pub repository: Option<String>,
    pub token: Option<Secret>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionCommand {
    Gate,
    Run,
    Compare,
    Report,
    Comment,
    Baseline,
}

/// Where the baselines that judge a pull request come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaselinesFrom {
    /// The commit that it is to be merged into.
    Base,
    /// The folder as it was checked out.
    Checkout,
}

/// Which verdicts fail a step. Errors always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOn {
    /// Fail and invalid.
    Regression,
    /// Inconclusive, too.
    Inconclusive,
    Never,
}

/// When the sticky comment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentWhen {
    /// Where the event has a pull request.
    Auto,
    /// Also on a pull request that is found by its commit.
    Always,
    /// As `Auto`; a verdict that turns gets a new comment.
    OnChange,
    Never,
}

/// How the commit itself is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitReport {
    None,
    Status,
    Check,
}

/// Picks the strongest value of each of the step's own settings: flag, input, environment, `.env`, default.
pub fn resolve_action(layers: Layers) -> Result<ActionPlan, ConfigError> {
    let environment = layers.environment.clone();
    let stack = layers::stack(layers)?;
    let mut chosen = Chosen::new(&stack);
    for setting in SETTINGS.iter().filter(|setting| setting.group == Group::Action) {
        chosen.fill_one(setting.key);
    }
    let word = |key| chosen.one(key).map_or("", |entry| entry.text.trim());
    let pick = |key| chosen.parse(key, parse::name);
    Ok(ActionPlan {
        command: one_of(&chosen, "command", &COMMANDS)?,
        candidates: chosen.each("candidate", parse::cut_lines, parse::path)?,
        baseline: chosen.parse("baseline", parse::path)?,
        baselines_from: one_of(&chosen, "baselines-from", &BASELINES)?,
        fail_on: one_of(&chosen, "fail-on", &FAIL_ON)?,
        comment: one_of(&chosen, "comment", &COMMENT)?,
        comment_key: comment_key(pick("comment-key")?, word("matrix"), &environment),
        report: one_of(&chosen, "status", &STATUS)?,
        annotations: chosen.parse("annotations", parse::switch)?.unwrap_or(true),
        head: chosen.parse("head-sha", sha)?,
        pull: chosen.parse("pr-number", |text| parse::whole(text, 1, u64::from(u32::MAX)))?,
        repository: chosen
            .parse("repository", repository)?
            .or_else(|| said(&environment, "GITHUB_REPOSITORY")),
        token: pick("github-token")?.or_else(|| said(&environment, "GITHUB_TOKEN")).map(Secret::new),
    })
}

const COMMANDS: [(&str, ActionCommand); 6] = [
    ("gate", ActionCommand::Gate),
    ("run", ActionCommand::Run),
    ("compare", ActionCommand::Compare),
    ("report", ActionCommand::Report),
    ("comment", ActionCommand::Comment),
    ("baseline", ActionCommand::Baseline),
];
const BASELINES: [(&str, BaselinesFrom); 2] =
    [("base", BaselinesFrom::Base), ("checkout", BaselinesFrom::Checkout)];
const FAIL_ON: [(&str, FailOn); 3] =
    [("regression", FailOn::Regression), ("inconclusive", FailOn::Inconclusive), ("never", FailOn::Never)];
const COMMENT: [(&str, CommentWhen); 4] = [
    ("auto", CommentWhen::Auto),
    ("always", CommentWhen::Always),
    ("on-change", CommentWhen::OnChange),
    ("never", CommentWhen::Never),
];
const STATUS: [(&str, CommitReport); 3] =
    [("none", CommitReport::None), ("status", CommitReport::Status), ("check", CommitReport::Check)];

/// The choice behind a word. Each of these settings has a default, so the first choice stands in for nothing.
fn one_of<T: Copy>(chosen: &Chosen, key: &'static str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
    let names = || choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let pick = |text: &str| {
        let found = choices.iter().find(|(name, _)| *name == text.trim());
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| wrong("no such choice", format!("write one of {}", names())))
    };
    let first = choices.first().map(|(_, choice)| *choice);
    chosen.parse(key, pick)?.or(first).ok_or_else(|| ConfigError::new(key, names()))
}

/// The name, or the job's, and the values of the matrix leg: each leg of a job has a comment of its own.
fn comment_key(given: Option<String>, matrix: &str, environment: &BTreeMap<String, String>) -> String {
    let name = given.or_else(|| said(environment, "GITHUB_JOB")).unwrap_or_else(|| "gate".to_owned());
    let Ok(Value::Object(legs)) = serde_json::from_str(matrix) else { return name };
    let legs = legs.values().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    std::iter::once(name).chain(legs).collect::<Vec<_>>().join("/")
}

fn said(environment: &BTreeMap<String, String>, name: &str) -> Option<String> {
    environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn sha(text: &str) -> Result<String, Wrong> {
    let text = text.trim();
    if (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_owned());
    }
    Err(wrong("not a commit", "write its 40 hexadecimal digits"))
}

fn repository(text: &str) -> Result<String, Wrong> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match text.trim().split_once('/') {
        Some((owner, name)) if is_word(owner) && is_word(name) => Ok(text.trim().to_owned()),
        _ => Err(wrong("not owner/name", "write for example org/llm-server")),
    }
}
