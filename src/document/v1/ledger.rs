//! A ledger: the evidence gathered so far for one question, which a repeated gate adds to.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{self, DocumentError, DocumentProblem, Format, Kind};
use super::{EnvironmentDocument, Key, SessionRound};
use crate::record::MetricKey;

/// Every block that was measured for one head, one base and one load on one machine. Blocks are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerDocument {
    pub format: Format,
    /// `llm-loadtest` version that wrote the file last.
    pub tool: String,
    pub definitions: String,
    pub key: Key,
    /// What is judged, for example a commit.
    pub head: String,
    /// What it is held against: a commit, or the stored sessions by their ids.
    pub base: String,
    pub environment: EnvironmentDocument,
    /// In the order in which they were measured.
    pub blocks: Vec<BlockDocument>,
}

/// A round of the candidate, and in pairs the baseline's round beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockDocument {
    /// RFC 3339, of the gate that measured it.
    pub created: String,
    /// Of the prompts and arrivals that both sides shared.
    pub seed: u64,
    pub levels: Vec<BlockLevel>,
}

/// One level of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlockLevel {
    pub label: String,
    pub candidate: SessionRound,
    pub baseline: Option<SessionRound>,
}

impl LedgerDocument {
    /// Reads the text of a file and checks what its types cannot say; `path` only names it in errors.
    pub fn from_json(path: &Path, text: &str) -> Result<Self, DocumentError> {
        let document: Self = format::read(Kind::Ledger, path, text)?;
        document.check().map_err(|cause| DocumentError {
            path: path.to_owned(),
            problem: DocumentProblem::Shape { kind: Kind::Ledger, cause },
        })?;
        Ok(document)
    }

    /// The text of the file.
    pub fn to_json(&self) -> String {
        format::write(self)
    }

    fn check(&self) -> Result<(), String> {
        for level in self.blocks.iter().flat_map(|block| &block.levels) {
            for name in [Some(&level.candidate), level.baseline.as_ref()]
                .into_iter()
                .flatten()
                .flat_map(|round| round.values.keys())
            {
                name.parse::<MetricKey>().map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}
