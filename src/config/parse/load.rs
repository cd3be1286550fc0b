//! Levels: how requests are paced and when a level ends.

use std::collections::BTreeSet;

use super::range::steps;
use super::words::{cut_words, number, span, whole};
use super::{stages, trace};
use crate::base::{Nanos, Rate};
use crate::config::error::{ConfigError, Entry, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::workload::{Arrivals, Curve, Level, Limit, Load};

/// More clients than any one machine can drive honestly.
const CONCURRENCY_MAX: u64 = 100_000;
/// The schedule of a level is held in memory.
const REQUESTS_MAX: u64 = 10_000_000;
const LEVELS_MAX: usize = 100;

/// What paces a load; one of them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pacing {
    Concurrency,
    Rate,
    Stages,
    Trace,
}

impl Pacing {
    const ALL: [Self; 4] = [Self::Concurrency, Self::Rate, Self::Stages, Self::Trace];

    fn key(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::Rate => "rate",
            Self::Stages => "stages",
            Self::Trace => "trace",
        }
    }
}

/// Settles the rivals (what paces the load; requests or time), drops what does not apply, and builds the levels.
pub(in crate::config) fn levels(chosen: &mut Chosen) -> Result<Vec<Level>, ConfigError> {
    let pacing = settle_pacing(chosen)?;
    settle_most(chosen, pacing)?;
    settle_companions(chosen, pacing)?;
    settle_law(chosen, pacing)?;
    let limit = limit(chosen, pacing)?;
    let loads = match pacing {
        Pacing::Concurrency => closed(chosen)?,
        Pacing::Rate => open(chosen)?,
        Pacing::Stages => vec![Load::Open {
            rate: stages::curve(chosen)?,
            arrivals: arrivals(chosen)?,
            max_in_flight: max_in_flight(chosen)?,
        }],
        Pacing::Trace => {
            let max_in_flight = max_in_flight(chosen)?;
            let windows = trace::windows(chosen)?.into_iter();
            windows.map(|window| Load::Replay { window, max_in_flight }).collect()
        }
    };
    let levels: Vec<Level> = loads.into_iter().map(|load| Level { load, limit }).collect();
    match (crooked(&levels), chosen.one("time-scale").or(chosen.one(pacing.key()))) {
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

/// The strongest layer that paces the load says how; two ways in one layer are a contradiction.
fn settle_pacing(chosen: &mut Chosen) -> Result<Pacing, ConfigError> {
    let given: Vec<(usize, Pacing)> =
        Pacing::ALL.into_iter().filter_map(|one| Some((chosen.given(one.key())?, one))).collect();
    let Some(strongest) = given.iter().map(|(rank, _)| *rank).min() else {
        // What is not said at all: clients, as many as the default has, or as `max-concurrency` allows.
        return Ok(Pacing::Concurrency);
    };
    let mut winners = given.iter().filter(|(rank, _)| *rank == strongest).map(|(_, one)| *one);
    let (first, second) = (winners.next().unwrap_or(Pacing::Concurrency), winners.next());
    if let Some(second) = second {
        let problem = format!("{} is given as well, and a load is paced by one of them", first.key());
        let hint = match first {
            Pacing::Concurrency => format!(
                "keep --{} for arrivals by the clock (--max-in-flight caps them), or --concurrency for a fixed number of clients",
                second.key()
            ),
            _ => format!("keep --{} or --{}", first.key(), second.key()),
        };
        return Err(culprit(chosen, second.key(), wrong(problem, hint)));
    }
    for other in Pacing::ALL.into_iter().filter(|other| *other != first) {
        chosen.remove(other.key());
    }
    Ok(first)
}

/// `max-concurrency` is another name: of the cap where requests arrive by the clock, of the clients where they do not.
fn settle_most(chosen: &mut Chosen, pacing: Pacing) -> Result<(), ConfigError> {
    let Some((rank, entry)) = chosen.given("max-concurrency").zip(chosen.one("max-concurrency").cloned())
    else {
        return Ok(());
    };
    let all = chosen.all("max-concurrency").to_vec();
    chosen.remove("max-concurrency");
    let key = if pacing == Pacing::Concurrency { "concurrency" } else { "max-in-flight" };
    match chosen.given(key) {
        Some(other) if other == rank => Err(entry.wrong(wrong(
            format!("{key} is given as well, and here both mean the same"),
            "keep one of them",
        ))),
        Some(other) if other < rank => Ok(()),
        _ => {
            let renamed = all.into_iter().map(|entry| Entry::new(key, entry.text, entry.origin));
            chosen.say_all(rank, renamed.collect());
            Ok(())
        }
    }
}

/// Settings that only some loads have. One that is said as near as the load, or nearer, is a mistake; one from further
/// away belonged to another load.
fn settle_companions(chosen: &mut Chosen, pacing: Pacing) -> Result<(), ConfigError> {
    use Pacing::{Concurrency, Rate, Stages, Trace};
    let clock: &[Pacing] = &[Rate, Stages, Trace];
    let companions: [(&str, &[Pacing]); 10] = [
        ("arrivals", &[Rate, Stages]),
        ("burstiness", &[Rate, Stages]),
        ("max-in-flight", clock),
        ("ramp-up", &[Rate, Concurrency]),
        ("ramp-up-from", &[Rate]),
        ("time-scale", &[Trace]),
        ("trace-from", &[Trace]),
        ("trace-until", &[Trace]),
        ("trace-unit", &[Trace]),
        ("trace-block", &[Trace]),
    ];
    for (key, loads) in companions {
        if loads.contains(&pacing) {
            continue;
        }
        let nearer = match (chosen.given(key), chosen.given(pacing.key())) {
            (Some(key), Some(load)) => key <= load,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if nearer {
            return Err(culprit(chosen, key, stranger(loads, pacing)));
        }
        chosen.remove(key);
    }
    if pacing == Concurrency {
        chosen.fill_one("concurrency");
    }
    match chosen.given("ramp-up-from") {
        Some(_) if chosen.given("ramp-up").is_none() => {
            let problem = "how long the rate rises is not said";
            Err(culprit(chosen, "ramp-up-from", wrong(problem, "add --ramp-up, for example --ramp-up 30s")))
        }
        _ => Ok(()),
    }
}

/// Why a setting has no place beside what paces the load.
fn stranger(loads: &[Pacing], pacing: Pacing) -> Wrong {
    match (loads, pacing) {
        ([Pacing::Trace], _) => wrong("this belongs to a recorded trace", "add --trace FILE, or remove it"),
        (_, Pacing::Concurrency) => wrong(
            "this belongs to a load that arrives by the clock",
            "add --rate, for example --rate 4, or remove it",
        ),
        (_, Pacing::Trace) => {
            wrong("a trace has its own arrivals", "remove it, or use --rate instead of --trace")
        }
        _ => {
            wrong("stages have their own ramps", "remove it, and write for example --stages '0..8@30s, 8@2m'")
        }
    }
}

/// A burstiness asks for gamma arrivals, unless a nearer word asks for others.
fn settle_law(chosen: &mut Chosen, pacing: Pacing) -> Result<(), ConfigError> {
    if !matches!(pacing, Pacing::Rate | Pacing::Stages) {
        return Ok(());
    }
    let named = chosen.given("arrivals");
    let gamma = chosen.one("arrivals").is_some_and(|entry| entry.text.trim().eq_ignore_ascii_case("gamma"));
    let shape = chosen.given("burstiness").zip(chosen.one("burstiness").cloned());
    match (named, shape) {
        (None, Some((rank, shape))) => chosen.say(rank, Entry::new("arrivals", "gamma", shape.origin)),
        (Some(_), None) if gamma => {
            let problem = "gamma arrivals need their shape";
            let hint = "add --burstiness: 0.5 is bursty, 1 is poisson, 4 is nearly even";
            return Err(culprit(chosen, "arrivals", wrong(problem, hint)));
        }
        (Some(named), Some((rank, shape))) if !gamma && rank < named => {
            chosen.say(rank, Entry::new("arrivals", "gamma", shape.origin));
        }
        (Some(named), Some((rank, shape))) if !gamma && rank == named => {
            let problem = "this is the shape of gamma arrivals, and others are asked for";
            return Err(shape.wrong(wrong(problem, "write --arrivals gamma, or remove one of them")));
        }
        (Some(_), Some(_)) if !gamma => chosen.remove("burstiness"),
        _ => {}
    }
    chosen.fill_one("arrivals");
    Ok(())
}

/// A limit said here replaces the limits said further away; two in one place both hold. Stages and traces end by
/// themselves, so no default limit cuts them.
fn limit(chosen: &mut Chosen, pacing: Pacing) -> Result<Limit, ConfigError> {
    let ends = matches!(pacing, Pacing::Stages | Pacing::Trace);
    match (chosen.given("num-prompts"), chosen.given("duration")) {
        (Some(requests), Some(time)) if requests < time => chosen.remove("duration"),
        (Some(requests), Some(time)) if requests > time => chosen.remove("num-prompts"),
        (None, None) if !ends => chosen.fill_one("num-prompts"),
        (None, _) if ends => chosen.remove("num-prompts"),
        _ => {}
    }
    let requests = chosen.parse("num-prompts", |text| whole(text, 1, REQUESTS_MAX))?;
    let duration = chosen.parse("duration", |text| span(text, "s"))?;
    match (requests, duration) {
        (Some(requests), Some(duration)) => Ok(Limit::Either { requests, duration }),
        (Some(requests), None) => Ok(Limit::Requests(requests)),
        (None, Some(duration)) => Ok(Limit::Duration(duration)),
        (None, None) if ends => Ok(Limit::Load),
        (None, None) => Err(ConfigError::new("a level has no end", "add --num-prompts or --duration")),
    }
}

fn closed(chosen: &Chosen) -> Result<Vec<Load>, ConfigError> {
    let ramp_up = ramp_up(chosen)?.unwrap_or(Nanos::ZERO);
    let clients = |text: &str| whole(text, 1, CONCURRENCY_MAX).map(|clients| clients as f64);
    let several =
        chosen.each("concurrency", cut_words, |text| steps(text, LEVELS_MAX, clients, f64::round))?;
    let clients = several.concat().into_iter().map(|clients| clients as u32);
    Ok(clients.map(|concurrency| Load::Closed { concurrency, ramp_up }).collect())
}

fn open(chosen: &Chosen) -> Result<Vec<Load>, ConfigError> {
    let (arrivals, max_in_flight) = (arrivals(chosen)?, max_in_flight(chosen)?);
    let ramp_up = ramp_up(chosen)?;
    let from = chosen.parse("ramp-up-from", |text| number(text, 0.0, RATE_MAX))?.unwrap_or(0.0);
    let several = chosen.each("rate", cut_words, |text| steps(text, LEVELS_MAX, per_second, four_digits))?;
    let loads = several.concat().into_iter().filter_map(Rate::new).map(|rate| {
        let rate = ramp_up.map_or(Curve::from(rate), |span| Curve::ramp(from, rate, span));
        Load::Open { rate, arrivals, max_in_flight }
    });
    Ok(loads.collect())
}

fn ramp_up(chosen: &Chosen) -> Result<Option<Nanos>, ConfigError> {
    chosen.parse("ramp-up", |text| span(text, "s"))
}

fn max_in_flight(chosen: &Chosen) -> Result<Option<u32>, ConfigError> {
    Ok(chosen.parse("max-in-flight", |text| whole(text, 1, CONCURRENCY_MAX))?.map(|count| count as u32))
}

/// More requests per second than one schedule may hold for a minute.
pub(super) const RATE_MAX: f64 = 1e6;

/// Steps of a factor have endless digits, and their labels should not.
fn four_digits(rate: f64) -> f64 {
    format!("{rate:.3e}").parse().unwrap_or(rate)
}

fn per_second(text: &str) -> Result<f64, Wrong> {
    if text.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(wrong(
            "an infinite rate is no rate: everything would be due at once",
            "use --concurrency N to keep N requests in flight, as fast as the server answers",
        ));
    }
    number(text, 0.001, RATE_MAX)
}

fn arrivals(chosen: &Chosen) -> Result<Arrivals, ConfigError> {
    let shape = chosen.parse("burstiness", |text| number(text, 0.01, 10_000.0))?;
    let law = chosen.parse("arrivals", |text| law(text, shape))?;
    Ok(law.unwrap_or(Arrivals::Poisson))
}

fn law(text: &str, shape: Option<f64>) -> Result<Arrivals, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "poisson" => Ok(Arrivals::Poisson),
        "constant" | "fixed" => Ok(Arrivals::Constant),
        "gamma" => Ok(match shape {
            // The exponential law itself, whose level needs no other name.
            None | Some(1.0) => Arrivals::Poisson,
            Some(shape) => Arrivals::Gamma { shape },
        }),
        "concurrent" | "synchronous" | "throughput" => Err(wrong(
            "this is a fixed number of clients",
            "use --concurrency N instead of --rate and --arrivals",
        )),
        _ => Err(wrong("not a law of arrivals", "write poisson, constant or gamma")),
    }
}

/// The error about a key that is there.
fn culprit(chosen: &Chosen, key: &str, wrong: Wrong) -> ConfigError {
    match chosen.one(key) {
        Some(entry) => entry.wrong(wrong),
        None => ConfigError::new(wrong.problem, wrong.hint),
    }
}
