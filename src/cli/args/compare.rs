//! `llm-loadtest compare`

use std::path::PathBuf;

use clap::Args;

use super::Format;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Result to compare with: the baseline
    #[arg(value_name = "A")]
    pub baseline: PathBuf,
    /// Results to judge: the candidates, each against the baseline
    #[arg(value_name = "B", required = true, num_args = 1..=16)]
    pub candidates: Vec<PathBuf>,
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
