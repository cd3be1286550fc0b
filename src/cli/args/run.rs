//! `llm-loadtest run`

use clap::Args;

use super::{LoadArgs, SearchFlags, flags};
use crate::config::Entry;

/// The load, or the search for one.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub load: LoadArgs,
    #[command(flatten)]
    pub search: SearchFlags,
}

impl RunArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [flags(&self.load), self.search.flags()].concat()
    }
}
