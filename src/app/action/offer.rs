//! A result offered as the newest stored session, in a pull request that a person merges.

use std::path::PathBuf;

use super::baselines::inside;
use super::step::Step;
use crate::app::compare::read_whole;
use crate::app::documents::save;
use crate::app::error::AppError;
use crate::app::gate::session_id;
use crate::document::v1::RunDocument;
use crate::github::{Proposal, Texts};
use crate::report::markdown;
use crate::store::{Home, Store, StoreError};

/// What was offered, and where it can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Baseline files that gained a session.
    pub files: Vec<String>,
    /// Page of the pull request; none where the files were written here, or hold the results already.
    pub url: Option<String>,
    /// Written to this folder, for want of a token.
    pub is_local: bool,
    /// The commit that holds what waited in an earlier pull request, when that was closed without a merge.
    pub put_aside: Option<String>,
}

impl Offered {
    /// One sentence for people.
    pub fn sentence(&self) -> String {
        let files = self.files.join(", ");
        match &self.url {
            Some(url) => {
                let aside = self.put_aside.as_ref().map(|commit| {
                    format!("; the last pull request was closed, and what waited in it stays in {commit}")
                });
                format!("a new session of {files} is offered in {url}{}", aside.unwrap_or_default())
            }
            None if self.is_local => format!("stored in {files}; commit it to judge later runs"),
            None => format!("{files} holds these results"),
        }
    }
}

/// Where nightly results wait for a person.
const BRANCH: &str = "llm-loadtest/baselines";

impl Step {
    /// Adds results to the stored sessions: in the repository's one open pull request for it, in the folder where no token
    /// allows that, or in the database where they live in one.
    pub async fn offer(&self, results: &[PathBuf], home: &Home) -> Result<Offered, AppError> {
        let commit = self.event.head.as_deref().or(self.event.sha.as_deref());
        let (Some(github), Home::Folder(folder)) = (&self.github, home) else {
            let saved = results.iter().map(|result| save(home, result, commit));
            let files = saved.map(|path| Ok(path?.display().to_string())).collect::<Result<_, AppError>>()?;
            let is_local = matches!(home, Home::Folder(_));
            return Ok(Offered { files, url: None, is_local, put_aside: None });
        };
        let inside = inside(folder).ok_or_else(|| {
            AppError::usage(
                format!("baselines {}: the folder is not inside the repository", folder.display()),
                "name it relative to the repository's root",
            )
        })?;
        let store = Store::open(&inside);
        let documents = results.iter().map(|path| read_whole(path)).collect::<Result<Vec<_>, _>>()?;
        let mut paths: Vec<String> =
            documents.iter().map(|run| store.path(&run.fingerprint).display().to_string()).collect();
        paths.sort();
        paths.dedup();
        let proposal = Proposal {
            branch: BRANCH,
            base_branch: self.event.default_branch.as_deref().unwrap_or("main"),
            title: "Newer sessions for the stored baselines",
            message: &format!("Store a session of {}", names(&documents)),
            body: &self.explanation(&documents, commit),
            paths: &paths,
        };
        let proposed = github.propose(&proposal, |texts| joined(&store, texts, &documents, commit)).await?;
        let (url, put_aside) =
            proposed.map_or((None, None), |proposed| (Some(proposed.url), proposed.put_aside));
        Ok(Offered { files: paths, url, is_local: false, put_aside })
    }

    fn explanation(&self, documents: &[RunDocument], commit: Option<&str>) -> String {
        let commit = commit.map(|commit| format!(" at {commit}")).unwrap_or_default();
        let run = self
            .event
            .run_url
            .as_deref()
            .map(|url| format!("\n\n[The run that measured it]({url})"))
            .unwrap_or_default();
        format!(
            "Nightly runs add their sessions to this one pull request; merge it when you like. Gates use what is merged.\n\n\
             Newest: {}{commit}.{run}\n\n\
             A workflow's token starts no workflows, so required checks may wait here: close and reopen the pull request to start them, or use the token of a GitHub App.",
            markdown::text(&names(documents))
        )
    }
}

/// The files with these results in them. A result that is there already stays there once.
fn joined(
    store: &Store,
    texts: &Texts,
    documents: &[RunDocument],
    commit: Option<&str>,
) -> Result<Texts, String> {
    let mut texts = texts.clone();
    for run in documents {
        let text = texts.entry(store.path(&run.fingerprint).display().to_string()).or_default();
        match store.append_to(text.as_deref(), (run, &session_id(run), commit)) {
            Ok(new) => *text = Some(new),
            Err(StoreError::Stored { .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(texts)
}

fn names(documents: &[RunDocument]) -> String {
    let names = documents
        .iter()
        .map(|run| format!("'{}' of {} on {}", run.name, run.fingerprint.model, run.fingerprint.hardware));
    names.collect::<Vec<_>>().join(", ")
}
