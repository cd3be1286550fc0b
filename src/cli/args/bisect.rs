//! `llm-loadtest bisect`

use clap::Args;

use super::{GateFlags, LoadFlags};
use crate::app::BisectAsk;
use crate::config::Entry;

const EXIT_CODES: &str = "\
A commit is good where the gate passes, bad where it fails, and skipped where it cannot decide or where --run ends with 1 to 127.

Exit codes:
  0    the first bad commit was found
  2    usage or configuration
  3    environment: git, --run or the server
  4    not decided: only skipped commits are left, or an end is not what it was said to be
  130  interrupted";

/// The ends, the server of a commit, and how to judge it.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct BisectArgs {
    /// Last commit known to be good
    #[arg(long, value_name = "REV")]
    pub good: String,
    /// Later commit known to be bad
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub bad: String,
    /// Command that builds the checked-out commit and starts or restarts its server, which --server names
    #[arg(long, value_name = "COMMAND")]
    pub run: String,
    /// Take --good and --bad on trust instead of judging them first
    #[arg(long)]
    pub trust_ends: bool,
    #[command(flatten)]
    pub load: LoadFlags,
    #[command(flatten)]
    pub gate: GateFlags,
}

impl BisectArgs {
    /// What all flags said of the gate, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [self.load.entries(), self.gate.entries()].concat()
    }

    /// What is searched.
    pub fn ask(&self) -> BisectAsk {
        BisectAsk {
            good: self.good.clone(),
            bad: self.bad.clone(),
            run: self.run.clone(),
            trust_ends: self.trust_ends,
        }
    }
}
