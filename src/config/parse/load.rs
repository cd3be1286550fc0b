//! Levels: how requests are paced and when a level ends.

use std::collections::BTreeSet;

use super::words::{cut_words, number, span, whole};
use crate::base::Rate;
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{Arrivals, Level, Limit, Load};

/// More clients than any one machine can drive honestly.
const CONCURRENCY_MAX: u64 = 100_000;
/// The schedule of a level is held in memory.
const REQUESTS_MAX: u64 = 10_000_000;
const LEVELS_MAX: usize = 100;

/// Settles the rivals (concurrency or rate; requests or time), drops what does not apply, and builds the levels.
pub(in crate::config) fn levels(chosen: &mut Chosen) -> Result<Vec<Level>, ConfigError> {
    settle(chosen)?;
    let limit = limit(chosen)?;
    let loads = if chosen.given("rate").is_some() { open(chosen)? } else { closed(chosen)? };
    let levels: Vec<Level> = loads.into_iter().map(|load| Level { load, limit }).collect();
    match (crooked(&levels), chosen.one("rate").or(chosen.one("concurrency"))) {
        (Some(problem), Some(entry)) => Err(entry.wrong(problem)),
        _ => Ok(levels),
    }
}

/// What is wrong with the levels as a whole.
fn crooked(levels: &[Level]) -> Option<Wrong> {
    if levels.is_empty() {
        return Some(wrong("no level at all", "write one number, or several with commas"));
    }
    if levels.len() > LEVELS_MAX {
        let problem = format!("{} levels", levels.len());
        return Some(wrong(problem, format!("sweep over at most {LEVELS_MAX}")));
    }
    let mut labels = BTreeSet::new();
    let twice = levels.iter().map(Level::label).find(|label| !labels.insert(label.clone()))?;
    let problem = format!("the level {twice} is there twice");
    Some(wrong(problem, "name each level once; --rounds repeats them all"))
}

fn settle(chosen: &mut Chosen) -> Result<(), ConfigError> {
    match (chosen.given("concurrency"), chosen.given("rate")) {
        (Some(closed), Some(open)) if closed == open => {
            let problem = wrong(
                "concurrency is given as well, and a load is paced by one of them",
                "keep --rate for arrivals by the clock (--max-in-flight caps them), or --concurrency for a fixed number of clients",
            );
            return Err(match chosen.one("rate") {
                Some(entry) => entry.wrong(problem),
                None => ConfigError::new(problem.problem, problem.hint),
            });
        }
        (Some(closed), Some(open)) if closed < open => chosen.remove("rate"),
        (_, Some(_)) => chosen.remove("concurrency"),
        _ => {}
    }
    if chosen.given("rate").is_none() {
        for key in ["arrivals", "max-in-flight"] {
            let stronger = match (chosen.given(key), chosen.given("concurrency")) {
                (Some(key), Some(closed)) => key <= closed,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if let Some(entry) = chosen.one(key).filter(|_| stronger) {
                let problem = "this belongs to a load that arrives by the clock";
                return Err(entry.wrong(wrong(problem, "add --rate, for example --rate 4, or remove it")));
            }
            chosen.remove(key);
        }
        chosen.fill_one("concurrency");
    } else {
        chosen.fill_one("arrivals");
    }
    // A limit said here replaces the limits said further away; two in one place both hold.
    match (chosen.given("num-prompts"), chosen.given("duration")) {
        (Some(requests), Some(time)) if requests < time => chosen.remove("duration"),
        (Some(requests), Some(time)) if requests > time => chosen.remove("num-prompts"),
        (None, None) => chosen.fill_one("num-prompts"),
        _ => {}
    }
    Ok(())
}

fn limit(chosen: &Chosen) -> Result<Limit, ConfigError> {
    let requests = chosen.parse("num-prompts", |text| whole(text, 1, REQUESTS_MAX))?;
    let duration = chosen.parse("duration", |text| span(text, "s"))?;
    match (requests, duration) {
        (Some(requests), Some(duration)) => Ok(Limit::Either { requests, duration }),
        (Some(requests), None) => Ok(Limit::Requests(requests)),
        (None, Some(duration)) => Ok(Limit::Duration(duration)),
        (None, None) => Err(ConfigError::new("a level has no end", "add --num-prompts or --duration")),
    }
}

fn closed(chosen: &Chosen) -> Result<Vec<Load>, ConfigError> {
    chosen.each("concurrency", cut_words, |text| {
        let concurrency = whole(text, 1, CONCURRENCY_MAX)? as u32;
        Ok(Load::Closed { concurrency })
    })
}

fn open(chosen: &Chosen) -> Result<Vec<Load>, ConfigError> {
    let arrivals = chosen.parse("arrivals", arrivals)?.unwrap_or(Arrivals::Poisson);
    let max_in_flight =
        chosen.parse("max-in-flight", |text| whole(text, 1, CONCURRENCY_MAX))?.map(|count| count as u32);
    chosen.each("rate", cut_words, |text| Ok(Load::Open { rate: rate(text)?, arrivals, max_in_flight }))
}

fn rate(text: &str) -> Result<Rate, Wrong> {
    if text.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(wrong(
            "an infinite rate is no rate: everything would be due at once",
            "use --concurrency N to keep N requests in flight, as fast as the server answers",
        ));
    }
    number(text, 0.001, 1e6).and_then(|per_second| {
        Rate::new(per_second).ok_or_else(|| wrong("not a rate", "write requests per second above zero"))
    })
}

fn arrivals(text: &str) -> Result<Arrivals, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "poisson" => Ok(Arrivals::Poisson),
        "constant" | "fixed" => Ok(Arrivals::Constant),
        "concurrent" | "synchronous" | "throughput" => Err(wrong(
            "this is a fixed number of clients",
            "use --concurrency N instead of --rate and --arrivals",
        )),
        _ => Err(wrong("not a law of arrivals", "write poisson or constant")),
    }
}
