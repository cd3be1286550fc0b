//! What a load is, in twelve characters: results of different loads must never be compared.

use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::plan::{RunPlan, SearchPlan};
use crate::base::Nanos;
use crate::search::Policy;
use crate::workload::{
    Arrivals, Curve, DataFile, DataFormat, Dataset, Lengths, Level, Limit, Load, Part, TimeUnit, Workload,
    cancel_text,
};

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
            adapter: _,
            counts_chunks: _,
            stream,
            parts,
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
            baseline: _,
            search,
        } = self;
        let mut facts = vec![format!("api {}", api.id()), format!("stream {stream}")];
        if let [only] = parts.as_slice() {
            facts.extend(asked(&only.workload));
        }
        facts.extend([
            format!("cache {}", cache.id()),
            format!("warmup {:?}", warmup.requests),
            format!("temperature {:?}", sampling.temperature),
            format!("extra_body {:?}", sampling.extra_body),
        ]);
        facts.extend(levels.iter().map(level));
        let mut slos: Vec<String> =
            slos.iter().map(|slo| format!("slo {} {}", slo.metric, slo.limit.0)).collect();
        slos.sort();
        facts.extend(slos);
        if parts.len() > 1 {
            facts.extend(parts.iter().flat_map(part));
        }
        facts.extend(search.as_ref().map(searched));
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

/// What one workload asks. The first four facts are in every hash that was ever stored; the others appear where they
/// are said.
fn asked(workload: &Workload) -> Vec<String> {
    let Workload {
        input,
        output,
        dataset,
        ignore_eos,
        // In the hash as the run's.
        cache: _,
        prefix,
        distinct,
        conversation,
        cancel,
        models,
    } = workload;
    let mut facts = vec![
        format!("input {}", lengths(input)),
        format!("output {}", output.as_ref().map_or_else(|| "auto".to_owned(), lengths)),
        format!("dataset {}", data(dataset)),
        format!("ignore_eos {ignore_eos}"),
    ];
    facts.extend(prefix.map(|prefix| format!("prefix {} {}", prefix.tokens, prefix.groups)));
    facts.extend(distinct.map(|distinct| format!("distinct {distinct}")));
    facts.extend(conversation.as_ref().map(|talk| {
        let turns = talk.turns.as_ref().map_or_else(|| "all".to_owned(), lengths);
        format!("turns {turns} {}", talk.think.map_or_else(|| "none".to_owned(), |think| think.to_string()))
    }));
    facts.extend(cancel.map(|cancel| format!("cancel {} {}", cancel.share, cancel_text(cancel.after))));
    facts.extend(models.iter().map(|model| format!("model {} {}", model.name, model.weight)));
    facts
}

fn part(part: &Part) -> Vec<String> {
    let Part { name, weight, workload, slos, body } = part;
    let mut facts = vec![format!("part {name} {weight} {} {body:?}", workload.cache.id())];
    facts.extend(asked(workload));
    facts.extend(slos.iter().map(|slo| format!("slo {} {}", slo.metric, slo.limit.0)));
    facts
}

/// What is looked for; how much may be spent on it is no part of the load.
fn searched(search: &SearchPlan) -> String {
    let SearchPlan { policy, start, limit } = search;
    let Policy { goal, attainment, precision, levels_max: _, budget: _ } = policy;
    let sized = limit.is_some();
    format!("search {} {attainment} {precision} from {start:?}, sized {sized}", goal.id())
}

fn lengths(lengths: &Lengths) -> String {
    match lengths {
        Lengths::Fixed(tokens) => format!("fixed {tokens}"),
        Lengths::Uniform { low, high } => format!("uniform {low} {high}"),
        Lengths::Normal(_) | Lengths::LogNormal(_) => lengths.to_string(),
        Lengths::File(column) => {
            format!("file {}#{}", file_name(&column.path), column.name.as_deref().unwrap_or_default())
        }
    }
}

fn data(dataset: &Dataset) -> String {
    match dataset {
        Dataset::Synthetic => "synthetic".to_owned(),
        Dataset::Sonnet => "sonnet".to_owned(),
        Dataset::File(file) => {
            let DataFile { path, format, prompt_column, output_column } = file;
            // Files had this word before there were other formats.
            let format = if *format == DataFormat::Auto { "jsonl" } else { format.id() };
            let columns: Vec<String> =
                prompt_column.iter().chain(output_column).map(|column| format!(" #{column}")).collect();
            format!("{format} {}{}", file_name(path), columns.concat())
        }
        Dataset::Trace(file) => {
            let unit = file.unit.map(TimeUnit::id);
            format!("trace {} {unit:?} {}", file_name(&file.path), file.block)
        }
    }
}

/// The file's name without its folder, which differs between machines.
fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
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
