//! Files of the repository at a commit, and what a pull request changes.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::client::GitHub;
use super::error::{GitHubError, Need};
use super::words::encoded;

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the root of the repository.
    pub path: String,
    /// The name of its content.
    pub sha: String,
    /// In bytes.
    pub size: u64,
}

#[derive(Debug, Deserialize)]
struct EntryBody {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    sha: String,
    size: u64,
}

#[derive(Debug, Deserialize)]
struct ChangedBody {
    filename: String,
    previous_filename: Option<String>,
}

/// GitHub lists no more files of a folder than this, and says nothing of the others.
const FOLDER_MAX: usize = 1_000;

impl GitHub {
    /// A file's text at a branch, tag or commit; `None` when it is not there.
    pub async fn file(&self, path: &str, reference: &str) -> Result<Option<String>, GitHubError> {
        let mut call = self.get(&format!("contents/{}", encoded(path)), Need::ReadContents);
        call.query = format!("?ref={}", encoded(reference));
        // As JSON, files of more than a megabyte come without their content.
        let answer = match self.ask_raw(&call).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        String::from_utf8(answer.bytes).map(Some).map_err(|_| call.malformed("the file is not text"))
    }

    /// The files of a folder, not of those below it, at a branch, tag or commit; none when it is not there.
    pub async fn folder(&self, path: &str, reference: &str) -> Result<Vec<Entry>, GitHubError> {
        let mut call =
            self.get(&format!("contents/{}", encoded(path.trim_end_matches('/'))), Need::ReadContents);
        call.query = format!("?ref={}", encoded(reference));
        let listed: Value = match self.ask(&call, None).await {
            Ok(answer) => answer.json(&call)?,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let bodies: Vec<EntryBody> =
            serde_json::from_value(listed).map_err(|_| call.malformed("not the list of a folder"))?;
        if bodies.len() >= FOLDER_MAX {
            return Err(call.malformed(format!("GitHub lists no more than {FOLDER_MAX} files of a folder")));
        }
        let files = bodies.into_iter().filter(|body| body.kind == "file");
        Ok(files.map(|EntryBody { kind: _, path, sha, size }| Entry { path, sha, size }).collect())
    }

    /// The paths that a pull request adds, changes, removes or renames, under both names; GitHub tells the first 3,000.
    pub async fn changed_files(&self, pull: u64) -> Result<Vec<String>, GitHubError> {
        let call = self.get(&format!("pulls/{pull}/files"), Need::ReadPulls);
        let changed = self.pages::<ChangedBody>(&call).await?;
        let both = changed.into_iter().flat_map(|file| [Some(file.filename), file.previous_filename]);
        Ok(both.flatten().collect::<BTreeSet<_>>().into_iter().collect())
    }
}
