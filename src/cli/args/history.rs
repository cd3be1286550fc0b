//! `llm-loadtest history`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ConfirmFlags;
use crate::app::HistoryAsk;
use crate::record::MetricKey;
use crate::store::Home;

const EXIT_CODES: &str = "\
Exit codes:
  0    no alarm, or --confirm refuted every one
  1    alarm: a number is worse than usual tonight
  2    usage or configuration
  3    environment: the server or a file could not be reached
  4    not decided: --confirm could neither confirm nor refute
  130  interrupted";

#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct HistoryArgs {
    /// Key of a baseline, as `baseline list` prints it; not needed where there is only one
    pub key: Option<String>,
    /// Folder of stored baselines
    #[arg(long, alias = "baselines-dir", value_name = "DIR", default_value = "baselines")]
    pub baselines: PathBuf,
    /// Where baselines live instead of a folder: `sqlite:FILE` or `postgres://USER@HOST/NAME`; `LLM_LOADTEST_STORE` without it
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,
    /// Number to show, for example `ttft_p95`; repeatable; without it what a gate judges
    #[arg(long = "metric", value_name = "NAME")]
    pub metrics: Vec<MetricKey>,
    /// Level to show, for example c=32; repeatable; without it all
    #[arg(long = "level", value_name = "LABEL")]
    pub levels: Vec<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = HistoryFormat::Table)]
    pub format: HistoryFormat,
    /// Write to this file instead of the console
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Where there is an alarm, gate tonight's build (--server) against the last good one (--baseline-server) in pairs
    #[arg(long)]
    pub confirm: bool,
    #[command(flatten)]
    pub gate: ConfirmFlags,
}

/// A form of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistoryFormat {
    /// A line of blocks for each number, for a terminal
    Table,
    /// Tables and charts that GitHub draws
    Markdown,
    /// One page with charts, which needs nothing else
    Html,
    /// Every night and what was found
    Json,
}

impl HistoryArgs {
    /// Which history is asked for.
    pub fn ask(&self, home: Home) -> HistoryAsk {
        HistoryAsk {
            home,
            name: self.key.clone(),
            metrics: self.metrics.clone(),
            levels: self.levels.clone(),
        }
    }
}
