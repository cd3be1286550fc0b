//! `llm-loadtest gate`

use clap::Args;

use super::{GateFlags, LoadFlags};
use crate::config::Entry;

/// The load and how to judge it.
#[derive(Debug, Args)]
pub struct GateArgs {
    #[command(flatten)]
    pub load: LoadFlags,
    #[command(flatten)]
    pub gate: GateFlags,
}

impl GateArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [self.load.entries(), self.gate.entries()].concat()
    }
}
