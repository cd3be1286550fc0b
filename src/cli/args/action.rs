//! `llm-loadtest action`

use clap::Args;

use super::{ActionFlags, GateArgs, SearchFlags};
use crate::config::Entry;

/// A step of a workflow. Whatever is not given as a flag comes from the step's inputs.
#[derive(Debug, Args)]
pub struct ActionArgs {
    #[command(flatten)]
    pub step: ActionFlags,
    #[command(flatten)]
    pub gate: GateArgs,
    #[command(flatten)]
    pub search: SearchFlags,
}

impl ActionArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [self.step.entries(), self.gate.flags(), self.search.entries()].concat()
    }
}
