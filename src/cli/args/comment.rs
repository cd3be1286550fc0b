//! `llm-loadtest comment`

use std::path::PathBuf;

use clap::Args;

use super::CommentFlags;
use crate::config::Entry;

#[derive(Debug, Args)]
pub struct CommentArgs {
    /// Result files; several become one comment
    #[arg(required = true)]
    pub results: Vec<PathBuf>,
    /// Print the comment instead of posting it
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub step: CommentFlags,
}

impl CommentArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        self.step.entries()
    }
}
