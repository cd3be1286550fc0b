//! The step itself: opened, prepared, and its pull request found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::runner::Runner;
use crate::app::error::AppError;
use crate::app::launching::log_path;
use crate::config::{
    ActionPlan, CommentWhen, Entry, Layers, Origin, Outputs, Purpose, Resolved, resolve_action,
};
use crate::github::{Event, GitHub, GitHubError, Pull, PullSource, Repository};
use crate::host::files;
use crate::record::Arm;
use crate::report::markdown::{Note, NoteKind};

/// A step of a workflow.
pub struct Step {
    pub plan: ActionPlan,
    pub runner: Runner,
    pub(super) event: Event,
    /// None without a token or a repository.
    pub(super) github: Option<GitHub>,
    /// For readers of summary and comment.
    pub(super) notes: Vec<Note>,
    /// What could not be done; a warning each.
    pub(super) trouble: Vec<String>,
    /// Files and folders that the step may leave behind, however it ends.
    pub(super) written: Vec<PathBuf>,
    found: Found,
    /// Folder and commit that the stored baselines were taken from, where that is not the checkout.
    pub(super) origin: Option<(String, String)>,
}

/// The search for the pull request.
enum Found {
    NotYet,
    Nothing,
    Pull(Pull),
}

/// Larger than any event that GitHub sends.
const EVENT_MAX: u64 = 32 * 1024 * 1024;

/// What the step is asked, from flags, inputs and the environment: a file of the checkout must not say who judges it.
pub fn action_plan(flags: Vec<Entry>, environment: BTreeMap<String, String>) -> Result<ActionPlan, AppError> {
    let layers = Layers { purpose: Purpose::Gate, flags, environment, env_file: None, files: Vec::new() };
    Ok(resolve_action(layers)?)
}

impl Step {
    /// Reads what started the step; needs a runtime around it, and asks nobody yet. The runner is the one whose log was hushed.
    pub fn open(
        plan: ActionPlan,
        runner: Runner,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, AppError> {
        let path = environment.get("GITHUB_EVENT_PATH").filter(|path| !path.is_empty());
        let text = path.map(|path| files::read_text(Path::new(path), EVENT_MAX)).transpose()?;
        let event = Event::read(environment, text.as_deref())?.with(plan.pull, plan.head.as_deref());
        let repository = plan.repository.as_deref().map(Repository::parse).transpose()?;
        let github = match (&repository, &plan.token) {
            (Some(repository), Some(token)) => {
                let github = GitHub::connect(&event.api_url, repository, token)?;
                Some(github.with_only_reads(event.only_reads()))
            }
            _ => None,
        };
        Ok(Self {
            runner,
            plan,
            event,
            github,
            notes: Vec::new(),
            trouble: Vec::new(),
            written: Vec::new(),
            found: Found::NotYet,
            origin: None,
        })
    }

    /// Settles what a gate or run in a workflow wants and the settings leave open: files for the runner's readers, names for
    /// kept evidence, and the baselines of the base commit.
    pub async fn prepare(&mut self, resolved: &mut Resolved) -> Result<(), AppError> {
        let folder = resolved.outputs.result.parent().unwrap_or(Path::new("")).to_owned();
        let outputs = &mut resolved.outputs;
        outputs.junit.get_or_insert_with(|| folder.join("junit.xml"));
        outputs.markdown.get_or_insert_with(|| folder.join("report.md"));
        outputs.html.get_or_insert_with(|| folder.join("report.html"));
        self.written = written(outputs);
        let asked = |key: &str| {
            resolved.values.iter().any(|entry| entry.key == key && entry.origin != Origin::Default)
        };
        if asked("ledger") {
            outputs.head = outputs.head.take().or_else(|| self.event.head.clone());
            outputs.base =
                outputs.base.take().or_else(|| self.event.base.as_ref().map(|base| base.sha.clone()));
        }
        if resolved.plan.baseline.is_none() {
            self.use_base(resolved).await?;
        }
        Ok(())
    }

    /// The pull request that this step is about; none where there is none, or where GitHub does not say, which is then trouble.
    pub(super) async fn pull(&mut self) -> Option<Pull> {
        match &self.found {
            Found::NotYet => {}
            Found::Nothing => return None,
            Found::Pull(pull) => return Some(pull.clone()),
        }
        let asks = match &self.event.pull {
            PullSource::Known(pull) => return Some(pull.clone()),
            PullSource::None => false,
            PullSource::Number(_) => true,
            PullSource::Commit(_) => {
                self.event.name == "workflow_run"
                    || self.plan.comment == CommentWhen::Always
                    || self.plan.head.is_some()
            }
        };
        let found = match &self.github {
            Some(github) if asks => match github.pull(&self.event).await {
                Ok(found) => found,
                Err(error) => {
                    self.cannot("find the pull request", &error);
                    None
                }
            },
            _ => None,
        };
        self.found = found.clone().map_or(Found::Nothing, Found::Pull);
        found
    }

    /// The result files that the step is given, patterns resolved.
    pub fn candidates(&self) -> Result<Vec<PathBuf>, AppError> {
        let mut all = Vec::new();
        for given in &self.plan.candidates {
            let found = files::matching(given);
            if found.is_empty() {
                return Err(AppError::usage(
                    format!("candidate {}: no file matches", given.display()),
                    "look where the results were written or unpacked to",
                ));
            }
            all.extend(found);
        }
        if all.is_empty() {
            let hint = "name a result file: candidate: llm-loadtest-results/result.json";
            return Err(AppError::usage("no candidate is given", hint));
        }
        Ok(all)
    }

    /// The commit that is measured.
    pub fn commit(&self) -> Option<String> {
        self.event.head.clone().or_else(|| self.event.sha.clone())
    }

    /// What could not be done, a text each.
    pub fn trouble(&self) -> &[String] {
        &self.trouble
    }

    pub(super) fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        self.notes.push(Note { kind, text: text.into() });
    }

    /// Trouble with GitHub never changes the verdict. The first refusal is told with its remedy; more of the same kind say nothing new.
    pub(super) fn cannot(&mut self, what: &str, error: &GitHubError) {
        let text = format!("cannot {what}: {error}\n{}", error.hint());
        let said = |earlier: &String| earlier.lines().skip(1).eq(text.lines().skip(1));
        if !self.trouble.iter().any(said) {
            self.trouble.push(text);
        }
    }
}

/// Files and folders that a measurement leaves behind.
fn written(outputs: &Outputs) -> Vec<PathBuf> {
    let files = [&outputs.junit, &outputs.markdown, &outputs.html].into_iter().flatten();
    let beside = [&outputs.result, &outputs.requests, &outputs.summary];
    let folders = [&outputs.baselines, &outputs.ledger];
    let own = outputs.result.parent().filter(|folder| !folder.as_os_str().is_empty());
    let logs = [Arm::Candidate, Arm::Baseline].map(|arm| log_path(outputs, arm));
    files
        .chain(beside)
        .chain(folders)
        .map(PathBuf::as_path)
        .chain(own)
        .map(Path::to_owned)
        .chain(logs)
        .collect()
}

impl From<GitHubError> for AppError {
    fn from(error: GitHubError) -> Self {
        let hint = error.hint().0;
        if let GitHubError::Call { .. } = error {
            Self::environment(error.to_string(), hint)
        } else {
            Self::usage(error.to_string(), hint)
        }
    }
}
