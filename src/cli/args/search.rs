//! The search for the highest load that holds, which only `run` makes.

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

use super::load::{collect, declare};
use crate::config::{Entry, Group, Setting};

/// The settings of the search alone.
#[derive(Debug, Clone, Default)]
pub struct SearchFlags {
    entries: Vec<Entry>,
}

impl SearchFlags {
    /// What they said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        self.entries.clone()
    }
}

impl Args for SearchFlags {
    fn augment_args(command: Command) -> Command {
        declare(command, is_search)
    }

    fn augment_args_for_update(command: Command) -> Command {
        declare(command, is_search)
    }
}

impl FromArgMatches for SearchFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self { entries: collect(matches, is_search) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.entries = collect(matches, is_search);
        Ok(())
    }
}

fn is_search(setting: &Setting) -> bool {
    setting.group == Group::Search
}
