//! `llm-loadtest report`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Result file of a run or a gate
    pub result: PathBuf,
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

/// A form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for a terminal
    Table,
    /// For pull requests and job summaries
    Markdown,
    /// XML for test reports
    Junit,
    /// The result document
    Json,
    /// One line per level and round
    Csv,
    /// One page with charts, which needs nothing else
    Html,
    /// The keys of vllm bench serve, one object per level and line, for dashboards made for it
    Vllm,
}
