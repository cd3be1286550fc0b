//! One load on several machines: which part this one sends, and when they all start.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::words::{span, whole};
use crate::base::Nanos;
use crate::config::StartAt;
use crate::config::error::{ConfigError, Entry, Origin, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{Level, Shard};

const SHARDS_MAX: u64 = 10_000;

/// Variables of those who start many processes: the part's number, the number of parts, and one that must be there too.
const ORCHESTRATORS: [(&str, &str, Option<&str>); 2] = [
    // Kubernetes gives an Indexed Job's pods their index; the manifest says how many there are.
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", None),
    // In a batch script outside of srun Slurm sets the first two as well, for a process that is alone.
    ("SLURM_PROCID", "SLURM_NTASKS", Some("SLURM_STEP_ID")),
];

/// The shard that is said, or that an orchestrator gave this process; checked against the levels.
pub(in crate::config) fn shard(
    chosen: &mut Chosen,
    environment: &BTreeMap<String, String>,
    levels: &[Level],
) -> Result<Shard, ConfigError> {
    if chosen.given("shard").is_none()
        && let Some(entry) = from_orchestrator(environment)?
    {
        chosen.say(0, entry);
    }
    let shard = chosen.parse("shard", parse)?.unwrap_or(Shard::WHOLE);
    let scarce = levels.iter().find_map(|level| level.check_shards(shard.count()).err());
    match (scarce, chosen.one("shard")) {
        (Some(error), Some(entry)) => {
            let hint =
                format!("lower the number of shards to {}, or raise the level's {}", error.parts, error.what);
            Err(entry.wrong(wrong(error.to_string(), hint)))
        }
        _ => Ok(shard),
    }
}

fn from_orchestrator(environment: &BTreeMap<String, String>) -> Result<Option<Entry>, ConfigError> {
    let set = |name: &str| environment.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    for (index, count, witness) in ORCHESTRATORS {
        let (Some(part), Some(parts)) = (set(index), set(count)) else { continue };
        if parts == "1" || witness.is_some_and(|name| set(name).is_none()) {
            continue;
        }
        let entry = Entry::new("shard", format!("{part}/{parts}"), Origin::Environment(index.to_owned()));
        if parse(&entry.text).is_err() {
            let problem = format!("{index} and {count} name no shard");
            let hint = format!(
                "set {index} from 0 and {count} above it; or write --shard 0/1 to send everything from here"
            );
            return Err(entry.wrong(wrong(problem, hint)));
        }
        return Ok(Some(entry));
    }
    Ok(None)
}

fn parse(text: &str) -> Result<Shard, Wrong> {
    const HINT: &str = "write INDEX/COUNT with the index from 0, for example 0/4 for the first of four";
    let (index, count) = text.split_once('/').ok_or_else(|| wrong("no '/' in it", HINT))?;
    let part = |text: &str, low| {
        whole(text, low, SHARDS_MAX)
            .map(|number| number as u32)
            .map_err(|wrong| Wrong { hint: HINT.to_owned(), ..wrong })
    };
    let (index, count) = (part(index, 0)?, part(count, 1)?);
    Shard::new(index, count).ok_or_else(|| {
        let last = count - 1;
        wrong(
            format!("there is no shard {index} of {count}"),
            format!("shards count from 0: write 0/{count} to {last}/{count}"),
        )
    })
}

/// `2026-01-31T12:00:00Z`, `1769860800`, `+30s`.
pub(in crate::config) fn start_at(text: &str) -> Result<StartAt, Wrong> {
    const HINT: &str = "write 2026-01-31T12:00:00Z, seconds since 1970, or +30s";
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('+') {
        return span(rest, "s").map(StartAt::After);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        // A small number is a span whose sign was forgotten.
        return if (1e9..1e10).contains(&seconds) {
            Ok(StartAt::Epoch(Nanos((seconds * 1e9).round() as u64)))
        } else {
            Err(wrong("not seconds since 1970", HINT))
        };
    }
    let instant: Timestamp = text.parse().map_err(|_| wrong("not a time with its zone", HINT))?;
    u64::try_from(instant.as_nanosecond())
        .map(|nanos| StartAt::Epoch(Nanos(nanos)))
        .map_err(|_| wrong("a time before 1970", HINT))
}
