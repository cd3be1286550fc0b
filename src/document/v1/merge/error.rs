//! Why shards cannot become one result, and what to do about it.

use std::path::PathBuf;

use crate::base::Hint;
use crate::document::v1::ShardDocument;

/// Names the files, the shards and the values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("there is no shard to merge")]
    Nothing,
    #[error("{} is no shard: it holds a whole run, or shards that were merged already", path.display())]
    Whole { path: PathBuf },
    #[error("{} and {} are not shards of one run: {}", first.display(), second.display(), differences.join("; "))]
    Different { first: PathBuf, second: PathBuf, differences: Vec<String> },
    #[error("shard {shard} was given twice: {} and {}", first.display(), second.display())]
    Twice { shard: ShardDocument, first: PathBuf, second: PathBuf },
    #[error("of the shards 0/{count} to {}/{count}, {} missing", count.saturating_sub(1), missing(shards))]
    Missing { count: u32, shards: Vec<ShardDocument> },
    #[error("shard {shard} was interrupted: {}", path.display())]
    Interrupted { shard: ShardDocument, path: PathBuf },
    #[error("{}: {cause}", path.display())]
    Broken { path: PathBuf, cause: String },
    #[error("request {index} of level {label}, round {round}, is in shard {first} and in shard {second}")]
    Overlap { index: u64, label: String, round: u32, first: ShardDocument, second: ShardDocument },
}

impl MergeError {
    /// The next step.
    pub fn hint(&self) -> Hint {
        Hint::new(match self {
            Self::Nothing | Self::Whole { .. } => {
                "give the result.json of every shard, as `llm-loadtest run --shard 0/4` and its siblings wrote them"
            }
            Self::Different { .. } => "give the shards of one run, which differ in --shard and nothing else",
            Self::Twice { .. } => {
                "give each shard once; if the files are of two runs, merge each run on its own"
            }
            Self::Missing { .. } => {
                "add what is missing, or merge what there is with --partial, which marks the result partial"
            }
            Self::Interrupted { .. } => {
                "run again to the end, or merge what there is with --partial, which marks the result partial"
            }
            Self::Broken { .. } => "copy the file again from where it was written, or run that shard again",
            Self::Overlap { .. } => {
                "run all shards again with one version of llm-loadtest: they must be cut from one schedule"
            }
        })
    }
}

/// `2/4 is`, `2/4 and 3/4 are`; the first ten of many.
fn missing(shards: &[ShardDocument]) -> String {
    const NAMED: usize = 10;
    let mut names: Vec<String> = shards.iter().take(NAMED).map(ToString::to_string).collect();
    if shards.len() > NAMED {
        names.push(format!("{} others", shards.len() - NAMED));
    }
    match names.split_last() {
        Some((last, [])) => format!("{last} is"),
        Some((last, rest)) => format!("{} and {last} are", rest.join(", ")),
        None => "none is".to_owned(),
    }
}
