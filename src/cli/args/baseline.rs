//! `llm-loadtest baseline`

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// Folder of stored baselines
    #[arg(long, alias = "baselines-dir", value_name = "DIR", default_value = "baselines", global = true)]
    pub baselines: PathBuf,
    /// Where baselines live instead of a folder: `sqlite:FILE` or `postgres://USER@HOST/NAME`; `LLM_LOADTEST_STORE` without it
    #[arg(long, value_name = "URL", global = true)]
    pub store: Option<String>,
    #[command(subcommand)]
    pub command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Store a result as a session of its baseline
    Save {
        /// Result file of a gate
        result: PathBuf,
        /// Offer it in a pull request on GitHub instead of writing to the folder
        #[arg(long)]
        pull_request: bool,
    },
    /// Show one baseline's sessions, or all baselines'
    Show {
        /// Key of a baseline, as `list` prints it
        key: Option<String>,
    },
    /// List the stored baselines
    List,
    /// Forget the sessions before this one, after an accepted change
    Promote {
        /// Key of a baseline, as `list` prints it
        key: String,
        /// Session that the baseline starts from
        session: String,
    },
    /// Delete sessions that no comparison uses any more
    Prune,
}
