//! `llm-loadtest gate`

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use super::load::{collect, declare};
use super::{LoadArgs, flags};
use crate::config::{Entry, Group, Setting};

/// The load and how to judge it.
#[derive(Debug, Args)]
pub struct GateArgs {
    #[command(flatten)]
    pub load: LoadArgs,
    #[command(flatten)]
    pub gate: GateFlags,
}

impl GateArgs {
    /// What all flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [flags(&self.load), self.gate.entries.clone()].concat()
    }
}

/// The settings of the gate alone.
#[derive(Debug, Clone, Default)]
pub struct GateFlags {
    entries: Vec<Entry>,
}

impl Args for GateFlags {
    fn augment_args(command: Command) -> Command {
        declare(command, is_gate)
    }

    fn augment_args_for_update(command: Command) -> Command {
        declare(command, is_gate)
    }
}

impl FromArgMatches for GateFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self { entries: collect(matches, is_gate) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.entries = collect(matches, is_gate);
        Ok(())
    }
}

fn is_gate(setting: &Setting) -> bool {
    setting.group == Group::Gate
}
