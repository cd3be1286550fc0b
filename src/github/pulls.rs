//! Which pull request a run belongs to.

use serde::Deserialize;

use super::client::GitHub;
use super::error::{GitHubError, Need, Trouble};
use super::event::{Event, PullSource, Repository};
use super::words::encoded;

/// A pull request of this repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    pub number: u64,
    pub head_sha: String,
    pub base_sha: String,
    pub base_branch: String,
    /// Whether its commits come from another repository, or from one that is gone.
    pub is_fork: bool,
}

/// A pull request as events and the API write it.
#[derive(Debug, Deserialize)]
pub(super) struct PullBody {
    number: u64,
    #[serde(default)]
    state: String,
    merge_commit_sha: Option<String>,
    head: Side,
    base: Side,
}

#[derive(Debug, Deserialize)]
struct Side {
    sha: String,
    #[serde(rename = "ref")]
    branch: String,
    repo: Option<Home>,
}

#[derive(Debug, Deserialize)]
struct Home {
    full_name: String,
}

impl From<PullBody> for Pull {
    fn from(body: PullBody) -> Self {
        let PullBody { number, state: _, merge_commit_sha: _, head, base } = body;
        let name = |side: &Side| side.repo.as_ref().map(|home| home.full_name.to_ascii_lowercase());
        let is_fork = name(&head).is_none_or(|head| Some(head) != name(&base));
        Self { number, head_sha: head.sha, base_sha: base.sha, base_branch: base.branch, is_fork }
    }
}

impl PullBody {
    /// Open, into this repository, and about this commit.
    fn is_about(&self, repository: &Repository, sha: &str) -> bool {
        let ours = self
            .base
            .repo
            .as_ref()
            .is_some_and(|home| home.full_name.eq_ignore_ascii_case(&repository.to_string()));
        ours && self.state == "open"
            && (self.head.sha == sha || self.merge_commit_sha.as_deref() == Some(sha))
    }
}

impl GitHub {
    /// The pull request of this run: the event's own, or the open one of its commit; of several the oldest.
    pub async fn pull(&self, event: &Event) -> Result<Option<Pull>, GitHubError> {
        match &event.pull {
            PullSource::Known(pull) => Ok(Some(pull.clone())),
            PullSource::Number(number) => {
                let call = self.get(&format!("pulls/{number}"), Need::ReadPulls);
                let body: PullBody = self.ask(&call, None).await?.json(&call)?;
                Ok(Some(body.into()))
            }
            PullSource::Commit(sha) => {
                let call = self.get(&format!("commits/{}/pulls", encoded(sha)), Need::ReadPulls);
                let found = match self.pages::<PullBody>(&call).await {
                    Ok(found) => found,
                    Err(error) if error.is_not_found() || is_unknown_commit(&error) => return Ok(None),
                    Err(error) => return Err(error),
                };
                let ours = found.into_iter().filter(|body| body.is_about(&self.repository, sha));
                Ok(ours.min_by_key(|body| body.number).map(Pull::from))
            }
            PullSource::None => Ok(None),
        }
    }
}

/// GitHub answers 422 to a commit that it has never seen.
fn is_unknown_commit(error: &GitHubError) -> bool {
    matches!(error.trouble(), Some(Trouble::Declined { status: 422, .. }))
}
