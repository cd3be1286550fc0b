//! What the environment and `event.json` of a workflow say about the run: pure parsing.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::error::GitHubError;
use super::pulls::{Pull, PullBody};
use super::words::line;

/// A repository's two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    pub owner: String,
    pub name: String,
}

/// What started a workflow, and for which commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `pull_request`, `push`, `schedule`, …; empty outside of a workflow.
    pub name: String,
    pub repository: Option<Repository>,
    /// `GITHUB_SHA`, the commit that was checked out: on pull requests a merge that nobody made.
    pub sha: Option<String>,
    /// The commit that statuses belong to.
    pub head: Option<String>,
    /// What the head is compared with.
    pub base: Option<Base>,
    pub pull: PullSource,
    pub default_branch: Option<String>,
    /// The base of the API, without a slash at its end.
    pub api_url: String,
    pub server_url: String,
    /// The page of this attempt of this run.
    pub run_url: Option<String>,
    pub workflow: Option<String>,
    pub job: Option<String>,
}

/// Where the head started from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub sha: String,
    /// Without `refs/heads/`.
    pub branch: String,
}

/// How the pull request of a run is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullSource {
    /// The event tells all of it.
    Known(Pull),
    /// GitHub has to be asked for the rest.
    Number(u64),
    /// The open one whose head or merge is this commit, if there is one.
    Commit(String),
    None,
}

impl Event {
    /// Reads the variables that the runner sets and the text of the file that `GITHUB_EVENT_PATH` names.
    pub fn read(
        environment: &BTreeMap<String, String>,
        event_json: Option<&str>,
    ) -> Result<Self, GitHubError> {
        let variable = |name: &str| environment.get(name).filter(|text| !text.is_empty()).cloned();
        let payload: Value = match event_json {
            Some(text) => serde_json::from_str(text)
                .map_err(|error| GitHubError::Event(format!("event.json is not JSON: {error}")))?,
            None => Value::Null,
        };
        let repository = variable("GITHUB_REPOSITORY").map(|text| Repository::parse(&text)).transpose()?;
        let server_url = url(variable("GITHUB_SERVER_URL"), "https://github.com");
        let run_url = repository.as_ref().zip(variable("GITHUB_RUN_ID")).map(|(repository, run)| {
            let attempt =
                variable("GITHUB_RUN_ATTEMPT").map(|n| format!("/attempts/{n}")).unwrap_or_default();
            format!("{server_url}/{repository}/actions/runs/{run}{attempt}")
        });
        let name = variable("GITHUB_EVENT_NAME").unwrap_or_default();
        let sha = variable("GITHUB_SHA");
        let Subject { head, base, pull } = subject(&name, &payload, sha.as_deref())?;
        Ok(Self {
            name,
            repository,
            sha,
            head,
            base,
            pull,
            default_branch: text(&payload, "/repository/default_branch"),
            api_url: url(variable("GITHUB_API_URL"), "https://api.github.com"),
            server_url,
            run_url,
            workflow: variable("GITHUB_WORKFLOW"),
            job: variable("GITHUB_JOB"),
        })
    }

    /// The same run, reported on this pull request and this commit instead.
    #[must_use]
    pub fn with(mut self, pull: Option<u64>, head: Option<&str>) -> Self {
        if let Some(head) = head {
            self.head = Some(head.to_owned());
            if matches!(self.pull, PullSource::Commit(_) | PullSource::None) {
                self.pull = PullSource::Commit(head.to_owned());
            }
        }
        match (pull, &self.pull) {
            (Some(number), PullSource::Known(known)) if known.number == number => {}
            (Some(number), _) => self.pull = PullSource::Number(number),
            (None, _) => {}
        }
        self
    }

    /// Whether GitHub gave this run a token that only reads, whatever the workflow file says: it does so for the
    /// pull requests of forks.
    pub fn only_reads(&self) -> bool {
        let by_fork = matches!(&self.pull, PullSource::Known(pull) if pull.is_fork);
        by_fork && self.name.starts_with("pull_request") && self.name != "pull_request_target"
    }
}

/// Which commit and which pull request an event is about.
struct Subject {
    head: Option<String>,
    base: Option<Base>,
    pull: PullSource,
}

fn subject(name: &str, payload: &Value, sha: Option<&str>) -> Result<Subject, GitHubError> {
    if let Some(body) = payload.get("pull_request").filter(|body| body.is_object()) {
        let body: PullBody = serde_json::from_value(body.clone())
            .map_err(|error| GitHubError::Event(format!("pull_request: {}", line(&error.to_string()))))?;
        let pull = Pull::from(body);
        let base = Base { sha: pull.base_sha.clone(), branch: pull.base_branch.clone() };
        return Ok(Subject {
            head: Some(pull.head_sha.clone()),
            base: Some(base),
            pull: PullSource::Known(pull),
        });
    }
    let of_commit = |head: &Option<String>| head.clone().map_or(PullSource::None, PullSource::Commit);
    let checked_out = || sha.map(str::to_owned);
    Ok(match name {
        "push" => {
            let head = commit(payload, "/after").or_else(checked_out);
            Subject { base: base(payload, "/before", "/ref"), pull: of_commit(&head), head }
        }
        "merge_group" => {
            let head = commit(payload, "/merge_group/head_sha").or_else(checked_out);
            let base = base(payload, "/merge_group/base_sha", "/merge_group/base_ref");
            Subject { base, pull: of_commit(&head), head }
        }
        // GITHUB_SHA is the tip of the default branch here, and `pull_requests` is empty for forks.
        "workflow_run" => {
            let head = commit(payload, "/workflow_run/head_sha");
            Subject { base: None, pull: of_commit(&head), head }
        }
        "issue_comment" if payload.pointer("/issue/pull_request").is_some_and(Value::is_object) => {
            let number = payload
                .pointer("/issue/number")
                .and_then(Value::as_u64)
                .ok_or_else(|| GitHubError::Event("issue: no number".to_owned()))?;
            Subject { head: None, base: None, pull: PullSource::Number(number) }
        }
        _ => Subject { head: checked_out(), base: None, pull: PullSource::None },
    })
}

fn base(payload: &Value, sha: &str, branch: &str) -> Option<Base> {
    let branch = text(payload, branch)?;
    Some(Base {
        sha: commit(payload, sha)?,
        branch: branch.strip_prefix("refs/heads/").unwrap_or(&branch).to_owned(),
    })
}

/// A commit's name; a branch that begins or ends has zeros there.
fn commit(payload: &Value, place: &str) -> Option<String> {
    text(payload, place).filter(|sha| sha.bytes().any(|byte| byte != b'0'))
}

fn text(payload: &Value, place: &str) -> Option<String> {
    payload.pointer(place).and_then(Value::as_str).map(str::to_owned)
}

fn url(given: Option<String>, usual: &str) -> String {
    given.unwrap_or_else(|| usual.to_owned()).trim_end_matches('/').to_owned()
}

impl Repository {
    /// `owner/name`.
    pub fn parse(text: &str) -> Result<Self, GitHubError> {
        match text.split_once('/') {
            Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(GitHubError::Event(format!(
                "'{}' is not the name of a repository, owner/name",
                line(text)
            ))),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(variables: &[(&str, &str)], json: &str) -> Result<Event, GitHubError> {
        let environment =
            variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Event::read(&environment, Some(json))
    }

    #[test]
    fn outside_of_a_workflow_nothing_is_known_and_nothing_is_wrong() {
        let event = Event::read(&BTreeMap::new(), None).unwrap();
        assert_eq!((event.name.as_str(), &event.head, &event.pull), ("", &None, &PullSource::None));
        assert_eq!(event.api_url, "https://api.github.com");
        assert_eq!(event.run_url, None);
    }

    #[test]
    fn what_is_not_an_event_is_said_to_be_none() {
        let said = |variables: &[(&str, &str)], json: &str| event(variables, json).unwrap_err().to_string();
        insta::assert_snapshot!(said(&[], "{"), @"cannot read the workflow's event: event.json is not JSON: EOF while parsing an object at line 1 column 1");
        insta::assert_snapshot!(said(&[("GITHUB_REPOSITORY", "a/b/c")], "{}"), @"cannot read the workflow's event: 'a/b/c' is not the name of a repository, owner/name");
        insta::assert_snapshot!(said(&[], r#"{"pull_request": {"number": "x"}}"#), @r#"cannot read the workflow's event: pull_request: invalid type: string "x", expected u64"#);
        insta::assert_snapshot!(said(&[("GITHUB_EVENT_NAME", "issue_comment")], r#"{"issue": {"pull_request": {}}}"#), @"cannot read the workflow's event: issue: no number");
    }

    #[test]
    fn inputs_override_what_the_event_says() {
        let push = |json| event(&[("GITHUB_EVENT_NAME", "push"), ("GITHUB_SHA", "aa")], json).unwrap();
        let created = push(r#"{"before": "0000", "after": "bb", "ref": "refs/heads/x/y"}"#);
        assert_eq!((created.head.as_deref(), &created.base), (Some("bb"), &None));
        let pushed = push(r#"{"before": "a0", "after": "bb", "ref": "refs/heads/x/y"}"#);
        assert_eq!(pushed.base, Some(Base { sha: "a0".to_owned(), branch: "x/y".to_owned() }));

        assert_eq!(pushed.clone().with(Some(7), None).pull, PullSource::Number(7));
        let moved = pushed.clone().with(None, Some("cc"));
        assert_eq!((moved.head.as_deref(), moved.pull), (Some("cc"), PullSource::Commit("cc".to_owned())));
        assert_eq!(pushed.clone().with(None, None), pushed);
    }

    #[test]
    fn an_enterprise_server_has_its_own_addresses() {
        let event = event(
            &[
                ("GITHUB_API_URL", "https://ghe.example/api/v3/"),
                ("GITHUB_SERVER_URL", "https://ghe.example"),
                ("GITHUB_REPOSITORY", "o/r"),
                ("GITHUB_RUN_ID", "12"),
                ("GITHUB_RUN_ATTEMPT", "2"),
            ],
            "{}",
        )
        .unwrap();
        assert_eq!(event.api_url, "https://ghe.example/api/v3");
        assert_eq!(event.run_url.as_deref(), Some("https://ghe.example/o/r/actions/runs/12/attempts/2"));
    }

    proptest! {
        #[test]
        fn any_push_has_a_head_that_is_a_commit(before in "[0-9a-f]{4}", after in "0{4}|[0-9a-f]{4}", branch in "\\PC{0,12}") {
            let json = serde_json::json!({ "before": before, "after": after, "ref": format!("refs/heads/{branch}") });
            let event = event(&[("GITHUB_EVENT_NAME", "push")], &json.to_string()).unwrap();
            let exists = |sha: &String| sha.as_str() != "0000";
            prop_assert_eq!(event.head, Some(after).filter(exists));
            prop_assert_eq!(event.base, Some(before).filter(exists).map(|sha| Base { sha, branch }));
        }

        #[test]
        fn any_text_is_an_event_or_an_error(name in "[a-z_]{0,20}", text in "\\PC{0,60}") {
            if let Err(error) = event(&[("GITHUB_EVENT_NAME", &name)], &text) {
                prop_assert!(matches!(error, GitHubError::Event(_)));
            }
        }
    }
}
