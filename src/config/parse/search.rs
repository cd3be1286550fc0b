//! The search for the highest load that holds: what is asked for, and whether it can be searched.

use super::words::{share, span, switch, whole};
use crate::base::Nanos;
use crate::config::SearchPlan;
use crate::config::error::{ConfigError, Entry, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::search::{Goal, Policy};
use crate::workload::{Level, Limit, Shard};

const RATE: &str = "find-max-rate";
const CONCURRENCY: &str = "find-max-concurrency";
/// Settings that mean something to a search alone.
const DETAILS: [&str; 4] = ["attainment", "search-precision", "search-max-levels", "search-budget"];

/// A search that was asked for, before its levels are built.
pub(in crate::config) struct Wanted {
    goal: Goal,
    /// The switch that asked.
    entry: Entry,
    /// Whether a load to start from was given.
    started: bool,
    /// Whether the length of a window was given.
    sized: bool,
}

/// Reads the switches and settles the search's rivals, so that exactly its own kind of load is left.
pub(in crate::config) fn wanted(chosen: &mut Chosen) -> Result<Option<Wanted>, ConfigError> {
    let on = |key: &str| Ok::<bool, ConfigError>(chosen.parse(key, switch)?.unwrap_or_default());
    let (goal, own, other) = match (on(RATE)?, on(CONCURRENCY)?) {
        (false, false) => return idle(chosen).map(|()| None),
        (true, false) => (Goal::Rate, "rate", "concurrency"),
        (false, true) => (Goal::Concurrency, "concurrency", "rate"),
        (true, true) => {
            let hint =
                "keep --find-max-rate for arrivals by the clock, or --find-max-concurrency for clients";
            return Err(refuse(chosen, RATE, wrong("one search has one goal", hint)));
        }
    };
    let switch = if goal == Goal::Rate { RATE } else { CONCURRENCY };
    let rank = chosen.given(switch).unwrap_or_default();
    for other in [other, "stages", "trace", "ramp-up", "ramp-up-from"] {
        if chosen.given(other).is_some_and(|given| given <= rank) {
            let problem = format!("a search for the highest {own} has no {other}");
            let hint = format!("remove it; --{own} N says where to start");
            return Err(refuse(chosen, other, wrong(problem, hint)));
        }
        chosen.remove(other);
    }
    // `max-concurrency` is another name of the clients, where clients pace the load.
    let renamed = goal == Goal::Concurrency && chosen.given("max-concurrency").is_some();
    let started = chosen.given(own).is_some() || renamed;
    let Some(entry) = chosen.one(switch).cloned() else { return Ok(None) };
    if !started {
        chosen.say(rank, Entry::new(own, "1", entry.origin.clone()));
    }
    for key in DETAILS {
        chosen.fill_one(key);
    }
    let sized = chosen.given("num-prompts").or(chosen.given("duration")).is_some();
    Ok(Some(Wanted { goal, entry, started, sized }))
}

/// Without a search its details are a misunderstanding.
fn idle(chosen: &Chosen) -> Result<(), ConfigError> {
    let asked = chosen.given(RATE).or(chosen.given(CONCURRENCY)).is_some();
    match DETAILS.into_iter().find(|key| !asked && chosen.given(key).is_some()) {
        Some(key) => Err(refuse(
            chosen,
            key,
            wrong("this belongs to a search", "add --find-max-rate or --find-max-concurrency, or remove it"),
        )),
        None => Ok(()),
    }
}

fn refuse(chosen: &Chosen, key: &str, problem: Wrong) -> ConfigError {
    match chosen.one(key) {
        Some(entry) => entry.wrong(problem),
        None => ConfigError::new(problem.problem, problem.hint),
    }
}

/// The plan of a search from the one level that it starts at.
pub(in crate::config) fn search(
    chosen: &mut Chosen,
    wanted: Wanted,
    levels: &[Level],
    slos: bool,
    shard: Shard,
) -> Result<SearchPlan, ConfigError> {
    let Wanted { goal, entry, started, sized } = wanted;
    let own = goal.id();
    let [level] = levels else {
        return Err(refuse(
            chosen,
            own,
            wrong("a search starts at one load", format!("write one number, or leave --{own} out")),
        ));
    };
    if !shard.is_whole() {
        let hint = "search from one machine, then send the rate that holds from all of them";
        return Err(entry.wrong(wrong("a search decides as it goes, which shards cannot do together", hint)));
    }
    if !slos {
        let hint = "add limits that make a request good, for example --goodput ttft:500,tpot:50";
        return Err(entry.wrong(wrong("there is nothing to hold", hint)));
    }
    let start = level.load_number().filter(|_| started);
    let limit: Option<Limit> = sized.then_some(level.limit);
    // What stood in for a number that the search finds out itself is nobody's setting.
    for (key, given) in [(own, started), ("num-prompts", sized)] {
        if !given {
            chosen.remove(key);
        }
    }
    let policy = Policy {
        goal,
        attainment: chosen.parse("attainment", attainment)?.unwrap_or(0.95),
        precision: chosen.parse("search-precision", precision)?.unwrap_or(0.05),
        levels_max: chosen.parse("search-max-levels", |text| whole(text, 2, 100))?.unwrap_or(20) as u32,
        budget: chosen.parse("search-budget", |text| span(text, "s"))?.unwrap_or(Nanos::from_secs(1_800.0)),
    };
    Ok(SearchPlan { policy, start, limit })
}

/// Above 99.9 % the first window alone would need ten thousand requests.
fn attainment(text: &str) -> Result<f64, Wrong> {
    match share(text, 1.0)? {
        share if (0.5..=0.999).contains(&share) => Ok(share),
        _ => Err(wrong("not a share that requests can show", "write a percentage from 50% to 99.9%")),
    }
}

/// Rates are asked for with three digits, which tell 1 % apart.
fn precision(text: &str) -> Result<f64, Wrong> {
    match share(text, 1.0)? {
        share if (0.01..=0.5).contains(&share) => Ok(share),
        _ => Err(wrong("out of range", "write a percentage from 1% to 50%")),
    }
}
