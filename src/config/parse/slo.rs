//! Limits that each request must meet.

use std::collections::BTreeSet;

use super::rules::Setup;
use super::words::{cut_words, span};
use crate::config::error::{ConfigError, Wrong, printable, wrong};
use crate::config::layers::Chosen;
use crate::record::Slo;
use crate::record::{Metric, MetricKey};

pub(in crate::config) fn slos(chosen: &Chosen, setup: Setup) -> Result<Vec<Slo>, ConfigError> {
    let slos = chosen.each("goodput", cut, |text| slo(text, setup))?;
    let mut named = BTreeSet::new();
    match (slos.iter().find(|slo| !named.insert(slo.metric)), chosen.one("goodput")) {
        (Some(twice), Some(entry)) => Err(entry
            .wrong(wrong(format!("there are two limits on {}", twice.metric), "keep one limit per metric"))),
        _ => Ok(slos),
    }
}

/// Limits that belong to no run: `ttft:500,tpot:50`, bare numbers in milliseconds.
pub fn parse_slos(text: &str) -> Result<Vec<Slo>, ConfigError> {
    let setup = Setup { open: false, stream: true, generates: true, slos: true };
    cut(text).iter().map(|pair| slo(pair, setup)).collect::<Result<_, _>>().map_err(
        |Wrong { problem, hint }| ConfigError::new(format!("--goodput {}: {problem}", printable(text)), hint),
    )
}

/// `ttft: 500` holds a space inside a pair, `ttft:500 tpot:50` between pairs.
fn cut(text: &str) -> Vec<String> {
    let mut tight = text.to_owned();
    while tight.contains(": ") {
        tight = tight.replace(": ", ":");
    }
    cut_words(&tight)
}

fn slo(text: &str, setup: Setup) -> Result<Slo, Wrong> {
    let (name, limit) = text
        .split_once([':', '='])
        .ok_or_else(|| wrong("not name:limit", "write for example ttft:500,tpot:50"))?;
    let metric = metric(&name.trim().to_ascii_lowercase())?;
    Ok(Slo { metric: setup.admit(metric)?, limit: span(limit, "ms")? })
}

fn metric(name: &str) -> Result<Metric, Wrong> {
    const KNOWN: &str = "known are ttft, ttfo, tpot, max_stall, e2e, ttft_from_due and e2e_from_due";
    let name = if name == "time_per_output_token" { "tpot" } else { name };
    // Only distributions take a statistic, so asking for a mean finds them by every name they have.
    let Ok(MetricKey { metric, .. }) = format!("{name}_mean").parse() else {
        return Err(wrong("one request has no such number", KNOWN));
    };
    match metric {
        Metric::Ttft
        | Metric::TtftFromDue
        | Metric::Ttfo
        | Metric::Tpot
        | Metric::MaxStall
        | Metric::E2e
        | Metric::E2eFromDue => Ok(metric),
        Metric::Itl | Metric::Icl => Err(wrong(
            "one request has many gaps between tokens",
            "use tpot (mean gap per request) or max_stall (largest gap)",
        )),
        _ => Err(wrong("a limit on this is not an SLO of a request", KNOWN)),
    }
}
