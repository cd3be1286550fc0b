//! `llm-loadtest compare`

use std::path::PathBuf;

use clap::Args;

use super::Format;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Result to compare with: the baseline
    #[arg(value_name = "A")]
    pub baseline: PathBuf,
    /// Result to judge: the candidate
    #[arg(value_name = "B")]
    pub candidate: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print how the verdict came about, number by number, instead
    #[arg(long, conflicts_with = "format")]
    pub explain: bool,
    /// Write to this file instead of the console
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
