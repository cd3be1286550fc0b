//! The runner that started us: its files for outputs and summaries, its workspace, and whether its log runs commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::app::error::AppError;
use crate::host::{self, Owner, files};
use crate::report::workflow;

/// What the runner gave this process; nothing at all outside of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runner {
    output: Option<PathBuf>,
    summary: Option<PathBuf>,
    workspace: Option<PathBuf>,
    /// While it stands, the log runs no command but ours.
    token: Option<String>,
}

impl Runner {
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let path = |name: &str| environment.get(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        let is_here = environment.get("GITHUB_ACTIONS").is_some_and(|text| text == "true");
        Self {
            output: path("GITHUB_OUTPUT"),
            summary: path("GITHUB_STEP_SUMMARY"),
            workspace: path("GITHUB_WORKSPACE").filter(|_| is_here),
            // Without chance of our own nothing could be kept apart: then no command is sent at all.
            token: is_here.then(host::nonce).and_then(Result::ok),
        }
    }

    /// The line after which the log of this step runs no command: servers and models may write what they like.
    pub fn hush(&self) -> Option<String> {
        self.token.as_ref().map(|token| format!("::stop-commands::{token}\n"))
    }

    /// The last lines of a step: commands pass again, and these are ours. Nothing where no runner reads them.
    pub fn commands(&self, lines: &[String]) -> Option<String> {
        let token = self.token.as_ref()?;
        let resume = format!("::{token}::");
        let all = std::iter::once(&resume).chain(lines).map(String::as_str);
        Some(all.flat_map(|line| [line, "\n"]).collect())
    }

    /// Adds the step's outputs to the runner's file.
    pub fn output(&self, values: &[(&'static str, &str)]) -> Result<(), AppError> {
        let Some(path) = &self.output else { return Ok(()) };
        let delimiter = host::nonce().map_err(|error| {
            AppError::environment(format!("cannot draw a delimiter: {error}"), "is /dev/urandom there?")
        })?;
        let text = workflow::outputs(values, &format!("ghadelimiter_{delimiter}"));
        Ok(files::append(path, &text)?)
    }

    /// Adds Markdown to the job's summary.
    pub fn summary(&self, text: &str) -> Result<(), AppError> {
        let Some(path) = &self.summary else { return Ok(()) };
        Ok(files::append(path, &format!("{text}\n"))?)
    }

    /// Gives what this process wrote to the workspace's owner, who could not delete root's files before the next checkout.
    /// Answers with a sentence where the system refused.
    pub fn give_back(&self, written: &[PathBuf]) -> Option<String> {
        let workspace = self.workspace.as_deref()?;
        let owner = Owner::of(workspace)?;
        let refused: usize = written.iter().map(|path| owner.take(workspace, path)).sum();
        (refused > 0)
            .then(|| format!("{refused} files could not be given to the owner of {}", workspace.display()))
    }

    /// A path as the workflow's other steps know it.
    pub fn relative(&self, path: &Path) -> String {
        let inside = self.workspace.as_deref().and_then(|workspace| path.strip_prefix(workspace).ok());
        inside.unwrap_or(path).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(folder: &Path) -> Runner {
        let path = |name: &str| folder.join(name).display().to_string();
        Runner::of(&BTreeMap::from([
            ("GITHUB_ACTIONS".to_owned(), "true".to_owned()),
            ("GITHUB_OUTPUT".to_owned(), path("output")),
            ("GITHUB_STEP_SUMMARY".to_owned(), path("summary")),
            ("GITHUB_WORKSPACE".to_owned(), path("workspace")),
        ]))
    }

    #[test]
    fn only_our_own_lines_are_commands() {
        let runner = runner(Path::new("/w"));
        let hush = runner.hush().unwrap();
        let token = hush.trim_end().strip_prefix("::stop-commands::").unwrap().to_owned();
        assert_eq!(token.len(), 32);
        let wanted = format!("::{token}::\n::error::x\n");
        assert_eq!(runner.commands(&["::error::x".to_owned()]), Some(wanted));
        assert_eq!(runner.commands(&[]), Some(format!("::{token}::\n")));
    }

    #[test]
    fn files_are_added_to_and_paths_are_the_workspaces() {
        let folder = tempfile::tempdir().unwrap();
        let runner = runner(folder.path());
        runner.output(&[("verdict", "pass")]).unwrap();
        runner.output(&[("report", "two\nlines")]).unwrap();
        let text = files::read_text(&folder.path().join("output"), 1_000).unwrap();
        assert!(text.starts_with("verdict=pass\nreport<<ghadelimiter_"), "{text}");
        runner.summary("# a").unwrap();
        runner.summary("# b").unwrap();
        assert_eq!(files::read_text(&folder.path().join("summary"), 100).unwrap(), "# a\n# b\n");
        assert_eq!(runner.relative(&folder.path().join("workspace/r/a.json")), "r/a.json");
        assert_eq!(runner.relative(Path::new("r/a.json")), "r/a.json");
    }

    #[test]
    fn without_a_runner_nothing_is_written_and_nothing_said() {
        let runner = Runner::of(&BTreeMap::new());
        assert_eq!((runner.hush(), runner.commands(&["::x::".to_owned()])), (None, None));
        runner.output(&[("a", "b")]).unwrap();
        runner.summary("x").unwrap();
        assert_eq!(runner.give_back(&[PathBuf::from("/")]), None);
    }
}
