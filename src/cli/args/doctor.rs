//! `llm-loadtest doctor`

use clap::Args;

use super::DoctorFlags;
use crate::config::{Entry, Origin};

/// The server, what it is asked, and how the report is printed.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Clients that ask at once when batching is looked at
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(2..=256), help_heading = "Doctor")]
    pub clients: u32,
    #[command(flatten)]
    pub load: DoctorFlags,
}

impl DoctorArgs {
    /// What the flags said, for `config::Layers`; answers are short where no length was given.
    pub fn flags(&self) -> Vec<Entry> {
        let mut flags = self.load.entries();
        if !flags.iter().any(|entry| matches!(entry.key, "output-len" | "prompt-type")) {
            flags.push(Entry::new("output-len", "32", Origin::Default));
        }
        flags
    }
}
