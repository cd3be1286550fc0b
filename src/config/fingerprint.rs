//! What a load is, in twelve characters: results of different loads must never be compared.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::plan::RunPlan;
use crate::base::Nanos;
use crate::workload::{Arrivals, Curve, Dataset, Lengths, Level, Limit, Load, TimeUnit};

impl RunPlan {
    /// SHA-256 over everything that defines the load, cut to 12 hexadecimal characters. Seed, server, model, waiting
    /// limits and the gate's policy are left out: they may change without making it another load. So are the shard and
    /// its start: the shards of a run are one load.
    pub fn workload_hash(&self) -> String {
        let Self {
            target: _,
            model: _,
            name: _,
            api,
            stream,
            workload,
            levels,
            shard: _,
            start_at: _,
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
        Dataset::Trace(file) => {
            let name = file.path.file_name().unwrap_or(file.path.as_os_str());
            let unit = file.unit.map(TimeUnit::id);
            format!("trace {} {unit:?} {}", name.to_string_lossy(), file.block)
        }
    }
}

fn level(level: &Level) -> String {
    let load = match &level.load {
        Load::Closed { concurrency, ramp_up: Nanos::ZERO } => format!("closed {concurrency}"),
        Load::Closed { concurrency, ramp_up } => format!("closed {concurrency} ramp {}", ramp_up.0),
        Load::Open { rate, arrivals, max_in_flight } => {
            format!("open {} {} {max_in_flight:?}", curve(rate), law(*arrivals))
        }
        Load::Replay { window, max_in_flight } => {
            let until = window.until.map(|until| until.0);
            format!("replay {} {} {until:?} {max_in_flight:?}", window.scale, window.from.0)
        }
    };
    let limit = match level.limit {
        Limit::Requests(requests) => format!("requests {requests}"),
        Limit::Duration(duration) => format!("duration {}", duration.0),
        Limit::Either { requests, duration } => format!("either {requests} {}", duration.0),
        Limit::Load => "load".to_owned(),
    };
    format!("level {load} {limit}")
}

fn curve(rate: &Curve) -> String {
    let then = rate.then().map(|rate| rate.per_second().to_string());
    let pieces = rate.pieces().iter().map(|piece| format!("{}..{}@{}", piece.from, piece.to, piece.span.0));
    pieces.chain(then).collect::<Vec<_>>().join(" ")
}

fn law(arrivals: Arrivals) -> String {
    match arrivals {
        Arrivals::Constant | Arrivals::Poisson => arrivals.id().to_owned(),
        Arrivals::Gamma { shape } => format!("gamma {shape}"),
    }
}
