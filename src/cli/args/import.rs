//! `llm-loadtest import`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Format;
use crate::document::v1::import::{ImportOptions, Pick, Source};

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Result files of one tool: each result is a level, the same load again a further round
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The tool, where its files are not recognised
    #[arg(long, value_enum, value_name = "TOOL")]
    pub from: Option<Tool>,
    /// Results to take from a file that holds several: all, last, or a number from 1; last for sglang, else all
    #[arg(long, value_name = "N")]
    pub entry: Option<Pick>,
    /// Name of the workload, which tells results apart
    #[arg(long, value_name = "NAME")]
    pub workload: Option<String>,
    /// Model that was measured, where the files do not say
    #[arg(long, short, value_name = "NAME")]
    pub model: Option<String>,
    /// Your name for the hardware under test
    #[arg(long, value_name = "NAME")]
    pub hardware: Option<String>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
    /// Write to this file instead of the console
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Whose results these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// vllm bench serve, with --save-result, --append-result or --save-detailed
    Vllm,
    /// SGLang, JSON lines with or without --output-details
    Sglang,
    /// AIPerf: its aggregate (JSON) or its records (JSON lines)
    Aiperf,
    /// The JSON report of guidellm
    Guidellm,
}

impl ImportArgs {
    /// What is said beside the files.
    pub fn options(&self) -> ImportOptions {
        let Self { files: _, from, entry, workload, model, hardware, format: _, output: _ } = self;
        let source = from.map(|tool| match tool {
            Tool::Vllm => Source::Vllm,
            Tool::Sglang => Source::Sglang,
            Tool::Aiperf => Source::Aiperf,
            Tool::Guidellm => Source::Guidellm,
        });
        ImportOptions {
            source,
            pick: *entry,
            workload: workload.clone(),
            model: model.clone(),
            hardware: hardware.clone(),
        }
    }
}
