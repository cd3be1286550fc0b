//! Do the client and the server tell the same story? Our numbers of a window against the server's own.

mod counts;
mod inside;
mod latency;
#[cfg(test)]
mod tests;

use super::level::Fact;
use super::{Finding, Severity};
use crate::base::Nanos;
use crate::config::Validate;
use crate::metrics::Summary;
use crate::record::{EngineWindow, FailureClass};

/// What the comparison must know besides both sides' numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "facts of a load that have nothing to do with each other")]
pub struct CrossCheck {
    pub policy: Validate,
    /// The server is on this machine, or simulated.
    pub near: bool,
    /// No other part of the load is sent from elsewhere.
    pub whole_load: bool,
    /// Each request is one of the server's, too: rankings are one for each document, and several choices may be one each.
    pub one_to_one: bool,
    /// The workload promises prompts that no cache holds.
    pub cold: bool,
}

/// One comparison.
enum Checked {
    /// In words: `requests 400 = 400`.
    Agrees(String),
    Differs(Fact),
    /// The server does not export it, or the client has no such number.
    Unknown(&'static str),
}

/// What comes of both sides' numbers for the level and round (from 1) that the summary is of. What differs beyond its bound
/// makes the round doubtful, and invalid where the policy is strict. Without the server's numbers nothing was checked, which
/// is said in `why_not`'s words.
pub fn check_server(
    summary: &Summary,
    check: CrossCheck,
    why_not: &[String],
    (level, round): (&str, u32),
) -> Vec<Finding> {
    let facts = match (&summary.observed.engine, check.policy) {
        (Some(engine), _) if engine.restarted => vec![restarted()],
        (_, Validate::Off) => Vec::new(),
        (Some(engine), policy) => compare(summary, engine, check, doubt(policy)),
        (None, _) => vec![unreachable(why_not)],
    };
    facts.into_iter().map(|fact| fact.found(Some(level.to_owned()), round)).collect()
}

fn doubt(policy: Validate) -> Severity {
    match policy {
        Validate::Off => Severity::Info,
        Validate::Warn => Severity::Warning,
        Validate::Strict => Severity::Invalid,
    }
}

fn unreachable(why_not: &[String]) -> Fact {
    let why = if why_not.is_empty() { String::new() } else { format!(": {}", why_not.join("; ")) };
    Fact::new(
        Severity::Info,
        "server_metrics",
        format!("the client's numbers were not held against the server's own, which could not be read{why}"),
    )
    .hint("name the page with --metrics-url, have the server export it (SGLang, llama-server: --enable-metrics, --metrics), or turn the check off with --validate off")
}

fn compare(summary: &Summary, engine: &EngineWindow, check: CrossCheck, doubt: Severity) -> Vec<Fact> {
    let sides = Sides { summary, engine, check, doubt };
    let requests = counts::requests(&sides);
    let foreign = matches!(&requests, Checked::Differs(_));
    let mut checked = vec![requests];
    // Where the requests are not the same, nothing else can be.
    if !foreign {
        checked.extend([counts::output_tokens(&sides), counts::prompt_tokens(&sides)]);
        checked.extend(latency::all(&sides));
    }
    let mut facts = vec![inside::cache(&sides), inside::queue(&sides), inside::preemptions(&sides)];
    let (mut agree, mut unknown) = (Vec::new(), Vec::new());
    for checked in checked {
        match checked {
            Checked::Agrees(words) => agree.push(words),
            Checked::Differs(fact) => facts.push(Some(fact)),
            Checked::Unknown(what) => unknown.push(what),
        }
    }
    facts.push(agreement(&engine.family, &agree, &unknown));
    facts.into_iter().flatten().collect()
}

/// Both sides of one window.
struct Sides<'a> {
    summary: &'a Summary,
    engine: &'a EngineWindow,
    check: CrossCheck,
    /// How severe a difference is.
    doubt: Severity,
}

impl Sides<'_> {
    /// Requests that reached the server, or may have: those that we cut ourselves and those that were sent twice, too.
    fn sent(&self) -> u64 {
        let cut = self.summary.failures.get(&FailureClass::Cancelled).copied().unwrap_or(0);
        self.summary.offered + cut + self.summary.reconnects
    }

    /// Whether every request ended well, so that both sides speak of the same ones.
    fn is_clean(&self) -> bool {
        self.sent() == self.summary.succeeded
    }

    /// What the way between client and server may add to a latency. A round trip within a machine takes less than a tenth of
    /// this, one across an ocean as much.
    fn way(&self) -> Nanos {
        if self.check.near { Nanos::from_ms(5.0) } else { Nanos::from_ms(100.0) }
    }
}

/// Nobody can hold such a round against another, whatever the policy is.
fn restarted() -> Fact {
    let message = "the server started anew during the window (its counters fell, or its process is a younger one), so a part of the load met a cold server and another none";
    Fact::new(Severity::Invalid, "server_restarted", message.to_owned())
        .hint("look into the server's log for its end; behind a balancer, name every server's page with --metrics-url")
}

/// What was compared without a finding, and what could not be.
fn agreement(family: &str, agree: &[String], unknown: &[&str]) -> Option<Fact> {
    let unknown = (!unknown.is_empty())
        .then(|| format!("not compared, because one side has no such number: {}", unknown.join(", ")));
    let agree =
        (!agree.is_empty()).then(|| format!("the {family} server's own numbers agree: {}", agree.join(", ")));
    let words: Vec<String> = agree.into_iter().chain(unknown).collect();
    (!words.is_empty()).then(|| Fact::new(Severity::Info, "server_agrees", words.join("; ")))
}
