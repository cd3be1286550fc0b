//! `llm-loadtest info`

use clap::Args;

use super::GateArgs;

#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Print the JSON Schema of the configuration file, for editors
    #[arg(long)]
    pub schema: bool,
    #[command(flatten)]
    pub settings: GateArgs,
}
