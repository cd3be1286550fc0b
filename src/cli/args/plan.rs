//! `llm-loadtest plan`

use std::collections::BTreeMap;

use clap::Args;

use super::{GateFlags, LoadFlags};
use crate::base::{Nanos, parse_duration};
use crate::config::Entry;
use crate::record::MetricKey;

/// The flags of the gate that is planned, and what is known of its runner.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[arg(
        long,
        value_name = "METRIC:SD",
        value_delimiter = ',',
        value_parser = noise,
        help_heading = "Plan",
        help = "Sd of the difference of one pair of rounds, where it is known, for example ttft_p95:4%,tpot_p95:2%; else from the evidence of earlier gates"
    )]
    pub noise: Vec<(MetricKey, f64)>,
    /// First hold the server against itself, in 8 pairs of rounds or as many as the last of --rounds, and keep what they show as evidence of the noise
    #[arg(long, help_heading = "Plan")]
    pub measure: bool,
    /// Probability of the right answer that is planned for
    #[arg(long, value_name = "SHARE", default_value = "90%", value_parser = power, help_heading = "Plan")]
    pub power: f64,
    /// How long one round takes, with start and warm-up, bare numbers in seconds, for example 90s
    #[arg(long, value_name = "DURATION", value_parser = span, help_heading = "Plan")]
    pub round_time: Option<Nanos>,
    /// GPUs that a round keeps busy
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Plan")]
    pub gpus: u32,
    #[command(flatten)]
    pub load: LoadFlags,
    #[command(flatten)]
    pub gate: GateFlags,
}

impl PlanArgs {
    /// What the gate's own flags said, for `config::Layers`.
    pub fn flags(&self) -> Vec<Entry> {
        [self.load.entries(), self.gate.entries()].concat()
    }

    /// The sd that was given for each metric; the name of one that was given twice instead.
    pub fn noise(&self) -> Result<BTreeMap<MetricKey, f64>, MetricKey> {
        let mut noise = BTreeMap::new();
        for &(key, sd) in &self.noise {
            if noise.insert(key, sd).is_some() {
                return Err(key);
            }
        }
        Ok(noise)
    }
}

fn noise(text: &str) -> Result<(MetricKey, f64), String> {
    let (name, sd) = text.split_once([':', '=']).ok_or("write metric:percent, for example ttft_p95:4%")?;
    let key = name.parse::<MetricKey>().map_err(|error| error.to_string())?;
    let sd = share(sd)?;
    if sd > 0.0 {
        Ok((key, sd))
    } else {
        Err("no runner is without noise; write for example 0.5%".to_owned())
    }
}

fn power(text: &str) -> Result<f64, String> {
    let power = share(text)?;
    if (0.5..=0.999).contains(&power) {
        Ok(power)
    } else {
        Err("write a percentage from 50% to 99.9%".to_owned())
    }
}

/// `4%` or `0.04`, below one.
fn share(text: &str) -> Result<f64, String> {
    let (digits, scale) = match text.trim().strip_suffix('%') {
        Some(digits) => (digits, 100.0),
        None => (text, 1.0),
    };
    let share =
        digits.trim().parse::<f64>().map_err(|_| "not a percentage; write for example 4%".to_owned())?
            / scale;
    if (0.0..1.0).contains(&share) {
        Ok(share)
    } else {
        Err("write a percentage from 0% to below 100%".to_owned())
    }
}

fn span(text: &str) -> Result<Nanos, String> {
    match parse_duration(text, "s") {
        Ok(Nanos::ZERO) => Err("write a duration above zero, for example 90s".to_owned()),
        Ok(span) => Ok(span),
        Err(error) => Err(error.to_string()),
    }
}
