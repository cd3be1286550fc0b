//! `llm-loadtest run`

use clap::Args;

use super::{LoadFlags, SearchFlags};
use crate::config::Entry;

/// The load, or the search for one.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub load: LoadFlags,
    #[command(flatten)]
    pub search: SearchFlags,
}

impl RunArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [self.load.entries(), self.search.entries()].concat()
    }
}
