//! What a load is, in twelve characters: results of different loads must never be compared.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::plan::RunPlan;
use crate::workload::{Arrivals, Dataset, Lengths, Level, Limit, Load};

impl RunPlan {
    /// SHA-256 over everything that defines the load, cut to 12 hexadecimal characters. Seed, server, model, waiting
    /// limits and the gate's policy are left out: they may change without making it another load.
    pub fn workload_hash(&self) -> String {
        let Self {
            target: _,
            model: _,
            name: _,
            api,
            stream,
            workload,
            levels,
            slos,
            warmup,
            seed: _,
            timeouts: _,
            sampling,
            tokenizer: _,
            cache,
            gate: _,
        } = self;
        let mut facts = vec![
            format!("api {}", api.id()),
            format!("stream {stream}"),
            format!("input {}", lengths(workload.input)),
            format!("output {}", workload.output.map_or_else(|| "auto".to_owned(), lengths)),
            format!("dataset {}", dataset(&workload.dataset)),
            format!("ignore_eos {}", workload.ignore_eos),
            format!("cache {}", cache.id()),
            format!("warmup {:?}", warmup.requests),
            format!("temperature {:?}", sampling.temperature),
            format!("extra_body {:?}", sampling.extra_body),
        ];
        facts.extend(levels.iter().map(level));
        let mut slos: Vec<String> =
            slos.iter().map(|slo| format!("slo {} {}", slo.metric, slo.limit.0)).collect();
        slos.sort();
        facts.extend(slos);
        fingerprint(&facts.join("\n"))
    }
}

/// SHA-256 of a text, cut to 12 hexadecimal characters.
pub fn fingerprint(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(6).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn lengths(lengths: Lengths) -> String {
    match lengths {
        Lengths::Fixed(tokens) => format!("fixed {tokens}"),
        Lengths::Uniform { low, high } => format!("uniform {low} {high}"),
    }
}

/// The file's name without its folder, which differs between machines.
fn dataset(dataset: &Dataset) -> String {
    match dataset {
        Dataset::Synthetic => "synthetic".to_owned(),
        Dataset::Jsonl(path) => {
            let name = path.file_name().unwrap_or(path.as_os_str());
            format!("jsonl {}", name.to_string_lossy())
        }
    }
}

fn level(level: &Level) -> String {
    let load = match level.load {
        Load::Closed { concurrency } => format!("closed {concurrency}"),
        Load::Open { rate, arrivals, max_in_flight } => {
            let law = match arrivals {
                Arrivals::Constant => "constant",
                Arrivals::Poisson => "poisson",
            };
            format!("open {} {law} {max_in_flight:?}", rate.per_second())
        }
    };
    let limit = match level.limit {
        Limit::Requests(requests) => format!("requests {requests}"),
        Limit::Duration(duration) => format!("duration {}", duration.0),
        Limit::Either { requests, duration } => format!("either {requests} {}", duration.0),
    };
    format!("level {load} {limit}")
}
