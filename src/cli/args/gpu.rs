//! `llm-loadtest gpu`

use std::path::PathBuf;

use clap::Args;

use crate::base::{Nanos, parse_duration};

#[derive(Debug, Args)]
pub struct GpuArgs {
    /// Look again and again, every second or as long as given, until interrupted
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "1s", value_parser = interval)]
    pub watch: Option<Nanos>,
    /// Look this often, then end
    #[arg(long, value_name = "N", requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Print JSON, with --watch an object a line
    #[arg(long)]
    pub json: bool,
    /// End with code 3 where no GPU is visible
    #[arg(long)]
    pub require: bool,
    /// NVML library to load instead of libnvidia-ml.so.1
    #[arg(long, value_name = "FILE")]
    pub nvml: Option<PathBuf>,
}

/// NVML's own numbers change no faster.
const SHORTEST: Nanos = Nanos(20_000_000);

fn interval(text: &str) -> Result<Nanos, String> {
    let span = parse_duration(text, "s").map_err(|error| error.to_string())?;
    if span < SHORTEST {
        return Err(format!("write at least {} ms", SHORTEST.ms()));
    }
    Ok(span)
}
