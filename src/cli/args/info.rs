//! `llm-loadtest info`

use clap::Args;

use super::{GateArgs, SearchFlags};
use crate::config::Entry;

#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Print the JSON Schema of the configuration file, for editors
    #[arg(long)]
    pub schema: bool,
    #[command(flatten)]
    pub settings: GateArgs,
    #[command(flatten)]
    pub search: SearchFlags,
}

impl InfoArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [self.settings.flags(), self.search.entries()].concat()
    }

    /// Whether a flag asks for JSON, however the other settings fare.
    pub fn wants_json(&self) -> bool {
        self.flags().iter().any(|entry| entry.key == "json")
    }
}
