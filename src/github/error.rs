//! Why GitHub did not do what was asked, and what the user can do about it.

use std::fmt;

use crate::base::Hint;

/// Why something on GitHub failed.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    #[error("cannot read the workflow's event: {0}")]
    Event(String),
    #[error("cannot talk to GitHub: {0}")]
    Setup(String),
    #[error("cannot make the files to propose: {0}")]
    Edit(String),
    #[error("{call}: {trouble}")]
    Call { call: Call, trouble: Trouble },
}

/// One question or order to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub(super) method: Method,
    /// Below the API's base, percent-encoded, without the query.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) need: Need,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
}

/// The permission of the job that a call rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    ReadContents,
    ReadPulls,
    Comment,
    Status,
    Check,
    Propose,
}

/// What was in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("the token may not do this ({0})")]
    Permission(String),
    #[error("a workflow that a fork's pull request started has a token that only reads")]
    ReadOnlyToken,
    #[error("GitHub does not know the token")]
    BadToken,
    #[error("this repository does not let workflows open pull requests")]
    MayNotPropose,
    #[error(
        "too many requests: GitHub asks to wait {wait_s} s, which is more than is left of the time for waiting"
    )]
    RateLimited { wait_s: u64 },
    #[error("the text is longer than GitHub accepts ({0})")]
    TooLong(String),
    #[error("not found")]
    NotFound,
    #[error("something else changed it meanwhile ({0})")]
    Conflict(String),
    #[error("no answer: {0}")]
    Unreachable(String),
    #[error("GitHub answered {status} ({message})")]
    Server { status: u16, message: String },
    #[error("GitHub declined with {status} ({message})")]
    Declined { status: u16, message: String },
    #[error("the answer is not what GitHub documents: {0}")]
    Malformed(String),
}

impl GitHubError {
    /// What was in the way, when GitHub was asked at all.
    pub fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Call { trouble, .. } => Some(trouble),
            Self::Event(_) | Self::Setup(_) | Self::Edit(_) => None,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Hint {
        match self {
            Self::Event(_) => Hint::new(
                "GITHUB_EVENT_PATH and GITHUB_REPOSITORY are set by the runner: do not override them in the workflow",
            ),
            Self::Setup(_) => Hint::new(
                "check github-token and GITHUB_API_URL: https://api.github.com, or https://HOST/api/v3 on GitHub Enterprise Server",
            ),
            Self::Edit(_) => {
                Hint::new("look at the files on the branch that is proposed from: one of them may be damaged")
            }
            Self::Call { call, trouble } => Hint::new(trouble.hint(call.need)),
        }
    }

    /// Whether GitHub may have done it although it did not say so.
    pub(super) fn is_unclear(&self) -> bool {
        matches!(self.trouble(), Some(Trouble::Server { .. } | Trouble::Unreachable(_)))
    }

    pub(super) fn is_conflict(&self) -> bool {
        matches!(self.trouble(), Some(Trouble::Conflict(_)))
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self.trouble(), Some(Trouble::NotFound))
    }
}

impl Trouble {
    fn hint(&self, need: Need) -> String {
        match self {
            Self::Permission(message) if message.contains("personal access token") => {
                format!("give the token of github-token these rights on the repository:\n{}", need.yaml())
            }
            Self::Permission(_) => format!("add this to the job in the workflow file:\n{}", need.yaml()),
            Self::ReadOnlyToken => {
                "the step summary has the report; to comment on forks, report from a second workflow on workflow_run"
                    .to_owned()
            }
            Self::BadToken => "give github-token a token that is still valid; the default is ${{ github.token }}".to_owned(),
            Self::MayNotPropose => "tick 'Allow GitHub Actions to create and approve pull requests' in the repository's \
                 Settings, Actions, General; or give github-token the token of a GitHub App"
                .to_owned(),
            Self::RateLimited { .. } => "run again later, or let fewer jobs report at once".to_owned(),
            Self::TooLong(_) => "report fewer cells, or leave out the details".to_owned(),
            Self::NotFound => format!(
                "does it exist in this repository? GitHub also hides what the token may not read:\n{}",
                need.yaml()
            ),
            Self::Conflict(_) => "run again; a concurrency group in the workflow keeps jobs from meeting".to_owned(),
            Self::Unreachable(_) => "check GITHUB_API_URL, HTTPS_PROXY and NO_PROXY; SSL_CERT_FILE names a private authority"
                .to_owned(),
            Self::Server { .. } => "run again later; https://www.githubstatus.com tells of outages".to_owned(),
            Self::Declined { .. } => "GitHub's words say what it did not like".to_owned(),
            Self::Malformed(_) => {
                "check GITHUB_API_URL: something else than GitHub's API may have answered".to_owned()
            }
        }
    }
}

impl Need {
    /// The lines for the workflow file. Naming any permission takes away those that are not named, so all are here.
    pub fn yaml(self) -> &'static str {
        match self {
            Self::ReadContents => "permissions:\n  contents: read",
            Self::ReadPulls => "permissions:\n  contents: read\n  pull-requests: read",
            Self::Comment => "permissions:\n  contents: read\n  pull-requests: write",
            Self::Status => "permissions:\n  contents: read\n  statuses: write",
            Self::Check => "permissions:\n  contents: read\n  checks: write",
            Self::Propose => "permissions:\n  contents: write\n  pull-requests: write",
        }
    }
}

impl Call {
    pub(super) fn new(method: Method, path: String, need: Need) -> Self {
        Self { method, path, query: String::new(), need }
    }

    pub(super) fn failed(&self, trouble: Trouble) -> GitHubError {
        GitHubError::Call { call: self.clone(), trouble }
    }

    pub(super) fn malformed(&self, what: impl Into<String>) -> GitHubError {
        self.failed(Trouble::Malformed(what.into()))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = match self.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Patch => "PATCH",
        };
        write!(f, "{method} /{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_hints_at_the_lines_to_add() {
        let call = Call::new(Method::Post, "repos/o/r/issues/5/comments".to_owned(), Need::Comment);
        let error = call.failed(Trouble::Permission("Resource not accessible by integration".to_owned()));
        insta::assert_snapshot!(format!("{error}\nhint: {}", error.hint()), @"
        POST /repos/o/r/issues/5/comments: the token may not do this (Resource not accessible by integration)
        hint: add this to the job in the workflow file:
        permissions:
          contents: read
          pull-requests: write
        ");
        let hint_of = |trouble: Trouble| trouble.hint(Need::Propose);
        assert!(
            hint_of(Trouble::Permission("Resource not accessible by personal access token".to_owned()))
                .starts_with("give the token")
        );
        assert!(hint_of(Trouble::NotFound).ends_with("contents: write\n  pull-requests: write"));
        assert!(hint_of(Trouble::ReadOnlyToken).contains("workflow_run"));
    }
}
