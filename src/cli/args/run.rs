//! `llm-loadtest run`

use clap::Args;

use super::LoadArgs;

/// The load.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub load: LoadArgs,
}
