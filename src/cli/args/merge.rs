//! `llm-loadtest merge`

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Result of each shard: its file, its folder, or a folder of such folders
    #[arg(required = true, value_name = "SHARD")]
    pub shards: Vec<PathBuf>,
    /// Merged result file, or folder for it; requests.jsonl and summary.csv are written beside it
    #[arg(long, short, value_name = "FILE", default_value = "merged/result.json")]
    pub output: PathBuf,
    /// Merge what there is although shards are missing or were interrupted; the result is marked partial
    #[arg(long)]
    pub partial: bool,
    /// Print the merged document to stdout
    #[arg(long)]
    pub json: bool,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}
