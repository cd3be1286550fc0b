//! The comment that sticks to a pull request: found again by its first line and its author.

use serde::Deserialize;
use serde_json::json;

use super::client::{GitHub, TRIES};
use super::error::{GitHubError, Need, Trouble};

/// When a comment is posted and when an old one is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Edit ours, or post it where there is none.
    Always,
    /// Edit the newest of ours, but post anew when the verdict flipped, because an edit notifies nobody. What was posted
    /// before stays as it was.
    OnChange { flipped: bool },
}

/// A comment that now says what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    pub id: u64,
    pub url: String,
    pub what: Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Created,
    Updated,
    Unchanged,
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    html_url: String,
    #[serde(default)]
    body: String,
    user: Option<User>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: String,
}

/// Whom a job's own token comments as.
const JOB_LOGIN: &str = "github-actions[bot]";

impl GitHub {
    /// Brings the comment whose first line is `marker` up to date. `body` may begin with the marker or leave it out.
    pub async fn upsert_comment(
        &self,
        pull: u64,
        marker: &str,
        body: &str,
        policy: Policy,
    ) -> Result<Posted, GitHubError> {
        let text = if first_line(body) == marker { body.to_owned() } else { format!("{marker}\n{body}") };
        let mut before: Option<Vec<u64>> = None;
        let mut tried = 0;
        loop {
            let ours = self.ours(pull, marker).await?;
            let known = before.get_or_insert_with(|| ours.iter().map(|comment| comment.id).collect());
            // A comment that was not there before our post is that post, although its answer was lost.
            let arrived = ours.iter().find(|comment| !known.contains(&comment.id));
            let found = match policy {
                _ if arrived.is_some() => arrived,
                Policy::Always => ours.iter().min_by_key(|comment| comment.id),
                Policy::OnChange { flipped: false } => ours.iter().max_by_key(|comment| comment.id),
                Policy::OnChange { flipped: true } => None,
            };
            if let Some(comment) = found {
                let unchanged = if arrived.is_some() { Done::Created } else { Done::Unchanged };
                return if same(&comment.body, &text) {
                    Ok(comment.posted(unchanged))
                } else {
                    self.edit_comment(comment.id, &text).await
                };
            }
            tried += 1;
            match self.post_comment(pull, &text).await {
                Err(error) if error.is_unclear() && tried < TRIES && self.pause(tried).await => {}
                ended => return ended,
            }
        }
    }

    /// The newest comment of ours with this first line, as it stands there.
    pub async fn sticky(&self, pull: u64, marker: &str) -> Result<Option<String>, GitHubError> {
        let ours = self.ours(pull, marker).await?;
        Ok(ours.into_iter().max_by_key(|comment| comment.id).map(|comment| comment.body))
    }

    /// The comments with this first line that the token's owner wrote.
    async fn ours(&self, pull: u64, marker: &str) -> Result<Vec<Comment>, GitHubError> {
        let call = self.get(&format!("issues/{pull}/comments"), Need::Comment);
        let mut found = self.pages::<Comment>(&call).await?;
        found.retain(|comment| first_line(&comment.body) == marker);
        if found.is_empty() {
            return Ok(found);
        }
        let login = match self.login().await {
            Ok(login) => login,
            Err(error) if is_no_answer_about_us(&error) => JOB_LOGIN.to_owned(),
            Err(error) => return Err(error),
        };
        found.retain(|comment| comment.user.as_ref().is_some_and(|user| user.login == login));
        Ok(found)
    }

    async fn post_comment(&self, pull: u64, text: &str) -> Result<Posted, GitHubError> {
        let call = self.post(&format!("issues/{pull}/comments"), Need::Comment);
        let answer = self.ask(&call, Some(&json!({ "body": text }))).await?;
        Ok(answer.json::<Comment>(&call)?.posted(Done::Created))
    }

    async fn edit_comment(&self, id: u64, text: &str) -> Result<Posted, GitHubError> {
        let call = self.patch(&format!("issues/comments/{id}"), Need::Comment);
        let answer = self.ask(&call, Some(&json!({ "body": text }))).await?;
        Ok(answer.json::<Comment>(&call)?.posted(Done::Updated))
    }
}

impl Comment {
    fn posted(&self, what: Done) -> Posted {
        Posted { id: self.id, url: self.html_url.clone(), what }
    }
}

/// GraphQL was reached and would not say who we are.
fn is_no_answer_about_us(error: &GitHubError) -> bool {
    matches!(
        error.trouble(),
        Some(Trouble::Permission(_) | Trouble::NotFound | Trouble::Malformed(_) | Trouble::Declined { .. })
    )
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_end()
}

/// Whether GitHub would store the same; it keeps neither the kind of line ends nor blanks at the end.
fn same(stored: &str, text: &str) -> bool {
    stored.trim_end().lines().eq(text.trim_end().lines())
}
