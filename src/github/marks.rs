//! Marks on a commit: statuses and check runs.

use serde::Deserialize;
use serde_json::json;

use super::client::GitHub;
use super::error::{GitHubError, Need};
use super::words::{clip, clip_bytes, encoded};

/// What a status says of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status<'a> {
    pub state: State,
    /// The name that tells this status from others.
    pub context: &'a str,
    /// Cut to 140 characters.
    pub description: &'a str,
    pub target_url: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Success,
    Failure,
    Error,
}

/// A finished check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun<'a> {
    pub name: &'a str,
    pub conclusion: Conclusion,
    pub title: &'a str,
    /// Markdown, cut to 65,535 bytes.
    pub summary: &'a str,
    pub details_url: Option<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    Success,
    Failure,
    Neutral,
}

/// GitHub's own limits.
const DESCRIPTION_MAX: usize = 140;
const SUMMARY_MAX: usize = 65_535;
const TITLE_MAX: usize = 255;

#[derive(Debug, Deserialize)]
struct StatusBody {
    context: String,
    state: String,
    description: Option<String>,
    target_url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CheckBody {
    html_url: Option<String>,
    details_url: Option<String>,
    conclusion: Option<String>,
    output: Option<OutputBody>,
}

#[derive(Debug, Deserialize)]
struct OutputBody {
    title: Option<String>,
    summary: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CheckList {
    check_runs: Vec<CheckBody>,
}

impl GitHub {
    /// Gives a commit a status; the newest one of a context counts.
    pub async fn set_status(&self, sha: &str, status: &Status<'_>) -> Result<(), GitHubError> {
        let Status { state, context, description, target_url } = status;
        let description = clip(description, DESCRIPTION_MAX);
        let mut body = json!({ "state": state.word(), "context": context, "description": description });
        if let Some(url) = target_url {
            body["target_url"] = json!(url);
        }
        let call = self.post(&format!("statuses/{}", encoded(sha)), Need::Status);
        let is_there = async || {
            let call = self.get(&format!("commits/{}/statuses", encoded(sha)), Need::Status);
            // Newest first, so the first page is enough.
            let page: Vec<StatusBody> = self.ask(&call, None).await?.json(&call)?;
            let newest = page.into_iter().find(|given| given.context == *context);
            Ok(newest
                .filter(|given| {
                    given.state == state.word()
                        && given.description.as_deref() == Some(&description)
                        && given.target_url.as_deref() == *target_url
                })
                .map(drop))
        };
        self.post_unless(&call, &body, |_| Ok(()), is_there).await
    }

    /// Adds a finished check run to a commit and returns the address of its page.
    pub async fn create_check_run(&self, sha: &str, check: &CheckRun<'_>) -> Result<String, GitHubError> {
        let CheckRun { name, conclusion, title, summary, details_url } = check;
        let (title, summary) = (clip(title, TITLE_MAX), clip_bytes(summary, SUMMARY_MAX));
        let mut body = json!({
            "name": name,
            "head_sha": sha,
            "status": "completed",
            "conclusion": conclusion.word(),
            "output": { "title": title, "summary": summary },
        });
        if let Some(url) = details_url {
            body["details_url"] = json!(url);
        }
        let call = self.post("check-runs", Need::Check);
        let is_same = |given: &CheckBody| {
            let output = given.output.as_ref();
            given.conclusion.as_deref() == Some(conclusion.word())
                && (details_url.is_none() || given.details_url.as_deref() == *details_url)
                && output.and_then(|output| output.title.as_deref()) == Some(title.as_str())
                && output.and_then(|output| output.summary.as_deref()) == Some(summary.as_str())
        };
        let is_there = async || {
            let mut call = self.get(&format!("commits/{}/check-runs", encoded(sha)), Need::Check);
            call.query = format!("?check_name={}&filter=all", encoded(name));
            let list: CheckList = self.ask(&call, None).await?.json(&call)?;
            Ok(list.check_runs.into_iter().find(is_same).map(page_of))
        };
        self.post_unless(&call, &body, |answer| answer.json(&call).map(page_of), is_there).await
    }
}

fn page_of(check: CheckBody) -> String {
    check.html_url.unwrap_or_default()
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
        }
    }
}

impl Conclusion {
    fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Neutral => "neutral",
        }
    }
}
