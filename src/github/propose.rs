//! Proposing files as a pull request of our own, over the Git Data API: no git, nothing forced, nothing lost.
//!
//! Whoever comes second reads again what the first one wrote. A branch whose pull request is closed starts again from
//! the base branch, by a commit that has both as parents: what the branch held before stays in its history.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::GitHub;
use super::error::{GitHubError, Need, Trouble};
use super::words::encoded;
use crate::base::Seed;
use crate::host;

/// Paths with their texts; a file without one is not there.
pub type Texts = BTreeMap<String, Option<String>>;

/// A pull request to open or to bring up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal<'a> {
    /// Ours alone, such as `llm-loadtest/baselines`.
    pub branch: &'a str,
    pub base_branch: &'a str,
    pub title: &'a str,
    /// Markdown.
    pub body: &'a str,
    /// Of the commit.
    pub message: &'a str,
    /// The files that the edit is given.
    pub paths: &'a [String],
}

/// A pull request that now holds the edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    pub number: u64,
    pub url: String,
    /// The head of its branch.
    pub commit: String,
    /// Whether it was opened just now.
    pub created: bool,
    /// The commit whose content was put aside because its pull request was closed without a merge.
    pub put_aside: Option<String>,
}

/// Where the branch stands.
enum Start {
    /// It does not exist.
    Fresh,
    /// It holds content that waits for a merge.
    Live(String),
    /// Its pull request was merged or closed.
    Again { head: String, merged: bool },
}

#[derive(Debug, Deserialize)]
struct Reference {
    object: Named,
}

#[derive(Debug, Deserialize)]
struct Named {
    sha: String,
}

#[derive(Debug, Deserialize)]
struct CommitBody {
    tree: Named,
}

#[derive(Debug, Deserialize)]
struct OwnPull {
    number: u64,
    html_url: String,
    state: String,
    body: Option<String>,
    merged_at: Option<String>,
    head: Named,
    base: Side,
}

#[derive(Debug, Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
}

/// How often others may come first.
const ATTEMPTS: u32 = 5;

impl GitHub {
    /// Brings the branch and its pull request to where `edit` has been applied to the current texts of the paths. When
    /// something else writes at the same time, it is applied again to what that left. `edit` gives the new texts, or why
    /// there are none. `None` when there is nothing to propose.
    pub async fn propose(
        &self,
        proposal: &Proposal<'_>,
        edit: impl Fn(&Texts) -> Result<Texts, String>,
    ) -> Result<Option<Proposed>, GitHubError> {
        let mut put_aside = None;
        let mut tried = 0;
        loop {
            tried += 1;
            match self.attempt(proposal, &edit, &mut put_aside).await {
                // What was written without an answer is found by the next attempt, too.
                Err(error) if error.is_conflict() || error.is_unclear() => {
                    let pause_s = 1 + Seed(host::epoch().0).chance().below(1 << tried);
                    if tried == ATTEMPTS || !self.wait(pause_s).await {
                        return Err(error);
                    }
                }
                ended => return ended,
            }
        }
    }

    async fn attempt(
        &self,
        proposal: &Proposal<'_>,
        edit: impl Fn(&Texts) -> Result<Texts, String>,
        put_aside: &mut Option<String>,
    ) -> Result<Option<Proposed>, GitHubError> {
        let base = self.head(proposal.base_branch).await?;
        let (start, open) = self.start(proposal).await?;
        let from = if let Start::Live(head) = &start { head } else { &base };
        let mut current = Texts::new();
        for path in proposal.paths {
            current.insert(path.clone(), self.file(path, from).await?);
        }
        let mut changes = edit(&current).map_err(GitHubError::Edit)?;
        changes.retain(|path, text| current.get(path).unwrap_or(&None) != text);
        let commit = match &start {
            Start::Live(head) if changes.is_empty() && *head != base => head.clone(),
            _ if changes.is_empty() => return Ok(None),
            _ => self.write(proposal, &start, &base, &changes).await?,
        };
        if let Start::Again { head, merged: false } = start {
            *put_aside = Some(head);
        }
        let pull = match open {
            Some(pull) => self.describe(pull, proposal.body).await.map(|pull| Some((pull, false)))?,
            None => self.open(proposal).await?.map(|pull| (pull, true)),
        };
        Ok(pull.map(|(pull, created)| Proposed {
            number: pull.number,
            url: pull.html_url,
            commit,
            created,
            put_aside: put_aside.clone(),
        }))
    }

    /// The head of a branch that has to be there.
    async fn head(&self, branch: &str) -> Result<String, GitHubError> {
        let call = self.get(&format!("git/ref/{}", encoded(&format!("heads/{branch}"))), Need::Propose);
        Ok(self.ask(&call, None).await?.json::<Reference>(&call)?.object.sha)
    }

    /// Where the branch stands, and its open pull request.
    async fn start(&self, proposal: &Proposal<'_>) -> Result<(Start, Option<OwnPull>), GitHubError> {
        let head = match self.head(proposal.branch).await {
            Ok(head) => head,
            Err(error) if error.is_not_found() => return Ok((Start::Fresh, None)),
            Err(error) => return Err(error),
        };
        let mut call = self.get("pulls", Need::Propose);
        let from = format!("{}:{}", self.repository.owner, proposal.branch);
        // The newest hundred; only the open one and the last one matter.
        call.query = format!("?state=all&head={}&per_page=100", encoded(&from));
        let pulls: Vec<OwnPull> = self.ask(&call, None).await?.json(&call)?;
        let closed = pulls.iter().find(|pull| pull.head.sha == head).map(|pull| pull.merged_at.is_some());
        let open =
            pulls.into_iter().find(|pull| pull.state == "open" && pull.base.branch == proposal.base_branch);
        // A head that no pull request ever had is about to get one: another job may be at it.
        let start = match (&open, closed) {
            (None, Some(merged)) => Start::Again { head, merged },
            _ => Start::Live(head),
        };
        Ok((start, open))
    }

    /// Writes a commit with these changes and moves the branch to it.
    async fn write(
        &self,
        proposal: &Proposal<'_>,
        start: &Start,
        base: &str,
        changes: &Texts,
    ) -> Result<String, GitHubError> {
        let (from, parents) = match start {
            Start::Fresh => (base, vec![base]),
            Start::Live(head) => (head.as_str(), vec![head.as_str()]),
            Start::Again { head, .. } if head == base => (base, vec![base]),
            Start::Again { head, .. } => (base, vec![base, head.as_str()]),
        };
        let Proposal { base_branch, message, .. } = proposal;
        let message = match start {
            Start::Again { head, merged: false } => format!(
                "{message}\n\nStarts again from {base_branch}: the pull request with {head} was closed without a merge."
            ),
            _ => (*message).to_owned(),
        };
        let call = self.get(&format!("git/commits/{from}"), Need::Propose);
        let old: CommitBody = self.ask(&call, None).await?.json(&call)?;
        let entries: Vec<Value> = changes.iter().map(|(path, text)| entry(path, text.as_deref())).collect();
        let tree = self.made("git/trees", &json!({ "base_tree": old.tree.sha, "tree": entries })).await?;
        let commit = json!({ "message": message, "tree": tree, "parents": parents });
        let commit = self.made("git/commits", &commit).await?;
        let name = format!("heads/{}", proposal.branch);
        let (call, body) = match start {
            Start::Fresh => {
                let body = json!({ "ref": format!("refs/{name}"), "sha": commit });
                (self.post("git/refs", Need::Propose), body)
            }
            Start::Live(_) | Start::Again { .. } => {
                let call = self.patch(&format!("git/refs/{}", encoded(&name)), Need::Propose);
                (call, json!({ "sha": commit, "force": false }))
            }
        };
        self.ask(&call, Some(&body)).await?;
        Ok(commit)
    }

    /// The name of an object that was just made.
    async fn made(&self, kind: &str, body: &Value) -> Result<String, GitHubError> {
        let call = self.post(kind, Need::Propose);
        Ok(self.ask(&call, Some(body)).await?.json::<Named>(&call)?.sha)
    }

    /// Opens the pull request; `None` when its branch has nothing that the base has not.
    async fn open(&self, proposal: &Proposal<'_>) -> Result<Option<OwnPull>, GitHubError> {
        let Proposal { branch, base_branch, title, body, message: _, paths: _ } = proposal;
        let call = self.post("pulls", Need::Propose);
        let body = json!({ "title": title, "head": branch, "base": base_branch, "body": body });
        match self.ask(&call, Some(&body)).await {
            Ok(answer) => answer.json(&call).map(Some),
            Err(error) if is_nothing_to_pull(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn describe(&self, pull: OwnPull, body: &str) -> Result<OwnPull, GitHubError> {
        if pull.body.as_deref().unwrap_or_default() == body {
            return Ok(pull);
        }
        let call = self.patch(&format!("pulls/{}", pull.number), Need::Propose);
        self.ask(&call, Some(&json!({ "body": body }))).await?.json(&call)
    }
}

/// One changed file of a tree; one without a text goes away.
fn entry(path: &str, text: Option<&str>) -> Value {
    let mut entry = json!({ "path": path, "mode": "100644", "type": "blob" });
    match text {
        Some(text) => entry["content"] = json!(text),
        None => entry["sha"] = Value::Null,
    }
    entry
}

fn is_nothing_to_pull(error: &GitHubError) -> bool {
    matches!(error.trouble(), Some(Trouble::Declined { message, .. }) if message.contains("No commits between"))
}
