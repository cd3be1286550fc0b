//! Whether results are the shards of one run, each once, each sound.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{MergeError, Part, Shard};
use crate::base::Nanos;
use crate::document::v1::{LevelDocument, RunDocument, ShardDocument, histogram};
use crate::metrics::HISTOGRAM_BOUNDS;

/// More clients than anyone has; a larger number in a file is damage.
const SHARDS_MAX: u32 = 1 << 16;
/// As many shards of as many requests, chunks or tokens still add up in 64 bits.
const COUNT_MAX: u64 = 1 << 47;

/// The shards in order, and the wall clock from which their instants will count.
pub(super) fn check(parts: Vec<Part>, partial: bool) -> Result<(Vec<Shard>, Timestamp), MergeError> {
    let mut shards = parts.into_iter().map(sound).collect::<Result<Vec<_>, _>>()?;
    // By path where the index is the same, so that the order of the arguments does not show in an error.
    shards.sort_by(|(a, _), (b, _)| (a.which, &a.path).cmp(&(b.which, &b.path)));
    let origin = shards.iter().map(|(_, origin)| *origin).min().ok_or(MergeError::Nothing)?;
    for (shard, clock) in &mut shards {
        let nanos = clock.duration_since(origin).as_nanos();
        shard.offset = Nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    }
    let shards: Vec<Shard> = shards.into_iter().map(|(shard, _)| shard).collect();
    let first = &shards[0];
    for shard in &shards[1..] {
        let differences = differences(first, shard);
        if !differences.is_empty() {
            let (first, second) = (first.path.clone(), shard.path.clone());
            return Err(MergeError::Different { first, second, differences });
        }
    }
    if let Some(pair) = shards.windows(2).find(|pair| pair[0].which == pair[1].which) {
        let (first, second) = (pair[0].path.clone(), pair[1].path.clone());
        return Err(MergeError::Twice { shard: pair[0].which, first, second });
    }
    let missing = missing(&shards);
    if !missing.is_empty() && !partial {
        return Err(MergeError::Missing { count: first.which.count, shards: missing });
    }
    match shards.iter().find(|shard| shard.document.partial) {
        Some(shard) if !partial => {
            Err(MergeError::Interrupted { shard: shard.which, path: shard.path.clone() })
        }
        _ => Ok((shards, origin)),
    }
}

/// The shards of the run that are not among these, which are not empty.
pub(super) fn missing(shards: &[Shard]) -> Vec<ShardDocument> {
    let count = shards[0].which.count;
    (0..count)
        .map(|index| ShardDocument { index, count })
        .filter(|wanted| shards.binary_search_by_key(wanted, |shard| shard.which).is_err())
        .collect()
}

/// A shard and the wall clock at its zero.
fn sound(part: Part) -> Result<(Shard, Timestamp), MergeError> {
    let Part { path, document } = part;
    let Some(shard) = document.plan.shard else {
        return Err(MergeError::Whole { path });
    };
    let broken = |path: &PathBuf, cause: String| MergeError::Broken { path: path.clone(), cause };
    if shard.index >= shard.count || shard.count > SHARDS_MAX {
        let cause =
            format!("there is no shard {shard}; shards count from 0, and there are at most {SHARDS_MAX}");
        return Err(broken(&path, cause));
    }
    let Some(origin) = &document.clock_origin else {
        let cause = "it does not say when its clock began, so its instants cannot be laid beside others'";
        return Err(broken(&path, cause.to_owned()));
    };
    let clock: Timestamp = origin
        .parse()
        .map_err(|error| broken(&path, format!("clock_origin '{}': {error}", origin.escape_debug())))?;
    for round in &document.rounds {
        for (at, level) in round.levels.iter().enumerate() {
            let place = format!("round {}, level {}", round.round, level.label.escape_debug());
            if round.levels[..at].iter().any(|other| other.label == level.label) {
                return Err(broken(&path, format!("{place} is there twice")));
            }
            sound_level(level).map_err(|cause| broken(&path, format!("{place}: {cause}")))?;
        }
    }
    Ok((Shard { path, document, which: shard, offset: Nanos::ZERO }, clock))
}

fn sound_level(level: &LevelDocument) -> Result<(), String> {
    let window = &level.window;
    if !(0.0 <= window.start_s && window.start_s <= window.end_s && 0.0 <= window.measured_s) {
        return Err(format!("the window from {} s to {} s cannot be", window.start_s, window.end_s));
    }
    let tokens = &level.tokens;
    let counts = [
        level.offered,
        level.succeeded,
        level.concurrency.peak.unwrap_or(0),
        level.reconnects,
        tokens.prompt_asked,
        tokens.prompt,
        tokens.cached,
        tokens.output_asked,
        tokens.output,
        tokens.chunks,
    ];
    if let Some(count) = counts.iter().chain(level.failures.values()).find(|count| **count > COUNT_MAX) {
        return Err(format!("{count} is no count of requests or tokens"));
    }
    for (id, metric) in &level.metrics {
        let text = level.histograms.get(id).ok_or_else(|| format!("{id} has no histogram"))?;
        let histogram = histogram::decode(text).map_err(|cause| format!("histogram of {id}: {cause}"))?;
        let bounds = (histogram.low(), histogram.high(), histogram.sigfig());
        if bounds != HISTOGRAM_BOUNDS {
            return Err(format!("histogram of {id}: its bounds are {bounds:?}, not {HISTOGRAM_BOUNDS:?}"));
        }
        let n = metric.n.ok_or_else(|| format!("{id} does not say how many samples it has"))?;
        if histogram.len() != n || n > COUNT_MAX {
            return Err(format!("histogram of {id}: it holds {} samples of {n}", histogram.len()));
        }
    }
    Ok(())
}

/// What two shards of one run must share and these do not, with both values.
fn differences(first: &Shard, second: &Shard) -> Vec<String> {
    let (a, b) = (&first.document, &second.document);
    let text = |run: &RunDocument| {
        let format = format!("{}.{}", run.format.major, run.format.minor);
        [
            ("the file format", format),
            ("the metric definitions", run.definitions.clone()),
            ("the version of llm-loadtest", run.tool.clone()),
            ("the workload's name", run.fingerprint.workload.clone()),
            ("the model", run.fingerprint.model.clone()),
            ("the hardware", run.fingerprint.hardware.clone()),
            ("the workload", run.fingerprint.workload_hash.clone()),
            ("the seed", run.plan.seed.to_string()),
            ("the number of shards", run.plan.shard.map_or(0, |shard| shard.count).to_string()),
            ("the number of rounds", run.plan.gate.rounds.to_string()),
            ("the limits of waiting", format!("{:?}", run.plan.timeouts_ms)),
        ]
    };
    let mut found: Vec<String> = text(a)
        .into_iter()
        .zip(text(b))
        .filter(|((_, a), (_, b))| a != b)
        .map(|((what, a), (_, b))| format!("{what} is '{a}' and '{b}'"))
        .collect();
    // An interrupted shard has no more levels than it came to.
    if found.is_empty() && !a.partial && !b.partial {
        let (a, b) = (levels(a), levels(b));
        if a != b {
            found.push(format!("the levels are {} and {}", a.join(", "), b.join(", ")));
        }
    }
    found
}

/// Every level of every round, with the round's chance.
fn levels(run: &RunDocument) -> Vec<String> {
    run.rounds
        .iter()
        .flat_map(|round| {
            let name = move |level: &LevelDocument| {
                format!("{} in round {} (seed {})", level.label, round.round, round.seed)
            };
            round.levels.iter().map(name)
        })
        .collect()
}
