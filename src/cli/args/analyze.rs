//! `llm-loadtest analyze`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// Result file of a run or a gate
    pub result: PathBuf,
    /// Another result to hold it against
    #[arg(long, value_name = "RESULT")]
    pub baseline: Option<PathBuf>,
    /// Language of the sentences
    #[arg(long, value_enum, default_value_t = Language::En)]
    pub language: Language,
    /// Model that also writes about the numbers; every number it cites is looked for in the result
    #[arg(long, value_name = "NAME", requires = "server")]
    pub model: Option<String>,
    /// Server of that model, with OpenAI's chat API, for example `http://localhost:8000`
    #[arg(long, value_name = "URL", requires = "model")]
    pub server: Option<String>,
    /// Environment variable that holds the server's key; the one of OpenAI's clients without it
    #[arg(long, value_name = "NAME", requires = "server")]
    pub api_key_env: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = AnalysisFormat::Text)]
    pub format: AnalysisFormat,
    /// Write to this file instead of the console
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// The language of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English
    En,
    /// Korean
    Ko,
}

/// A form of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnalysisFormat {
    /// Sentences for a terminal
    Text,
    /// For pull requests and documents
    Markdown,
    /// Every sentence with its numbers and where they stand in the result
    Json,
}
