//! The gate's policy: tolerances, objectives and the rules around them.

use std::collections::BTreeMap;

use super::rules::Setup;
use super::words::{cut_rules, cut_words, number, share, span, switch, whole};
use crate::base::Nanos;
use crate::config::error::{ConfigError, Wrong, wrong};
use crate::config::layers::Chosen;
use crate::config::{Bound, GatePolicy, Objective};
use crate::record::{Better, MetricKey, Unit};
use crate::stats::Looks;

/// Tolerances that stand when none are given (STATISTICS: gates of a round).
pub(in crate::config) fn default_tolerances(setup: Setup) -> String {
    let due = if setup.open { "_from_due" } else { "" };
    let mut gates = Vec::new();
    if setup.stream {
        gates.extend([format!("ttft{due}_p95:15%"), "tpot_p95:7%".to_owned()]);
    }
    let throughput = if setup.generates { "output_throughput" } else { "request_throughput" };
    gates.extend([format!("e2e{due}_p95:10%"), format!("{throughput}:7%")]);
    if setup.slos {
        gates.push("goodput:2%".to_owned());
    }
    gates.join(",")
}

/// `paired`: whether a baseline server stands beside the candidate's.
pub(in crate::config) fn policy(
    chosen: &Chosen,
    setup: Setup,
    paired: bool,
) -> Result<GatePolicy, ConfigError> {
    Ok(GatePolicy {
        looks: looks(chosen, paired)?,
        robust: chosen.parse("robust", switch)?.unwrap_or_default(),
        budget: chosen.parse("budget", |text| span(text, "m"))?,
        tolerances: tolerances(chosen, setup)?,
        objectives: chosen.each("objective", cut_rules, |text| objective(text, setup))?,
        alpha: chosen.parse("alpha", |text| number(text, 0.0001, 0.4))?.unwrap_or(0.05),
        assumed_noise: chosen.parse("assumed-noise", |text| share(text, 1.0))?.unwrap_or(0.03),
        max_error_rate: chosen.parse("max-error-rate", |text| share(text, 1.0))?,
        require_baseline: chosen.parse("require-baseline", switch)?.unwrap_or_default(),
        strict: chosen.parse("strict", switch)?.unwrap_or_default(),
    })
}

/// One number looks once, several look after each.
fn looks(chosen: &Chosen, paired: bool) -> Result<Looks, ConfigError> {
    let counts = chosen.each("rounds", cut_words, |text| whole(text, 1, 1_000))?;
    let culprit = |problem: &str, hint: &str| {
        chosen.one("rounds").map_or_else(
            || ConfigError::new(problem.to_owned(), hint.to_owned()),
            |entry| entry.wrong(wrong(problem.to_owned(), hint.to_owned())),
        )
    };
    if paired && counts.first().is_some_and(|&first| first < 2) {
        return Err(culprit(
            "one pair of rounds says nothing about its own noise",
            "look after 5 pairs or more, for example --rounds 5,8,12",
        ));
    }
    Looks::new(counts.into_iter().map(|count| count as u32)).ok_or_else(|| {
        culprit(
            "looks must come later one by one, and the first of several after 2 rounds or more",
            "write for example 5,8,12",
        )
    })
}

fn tolerances(chosen: &Chosen, setup: Setup) -> Result<BTreeMap<MetricKey, f64>, ConfigError> {
    let mut tolerances = BTreeMap::new();
    for (key, tolerance) in chosen.each("tolerance", cut_rules, |text| tolerance(text, setup))? {
        let twice = tolerances.insert(key, tolerance).is_some();
        if let Some(entry) = chosen.one("tolerance").filter(|_| twice) {
            let problem = format!("there are two tolerances of {key}");
            return Err(entry.wrong(wrong(problem, "keep one tolerance per metric")));
        }
    }
    Ok(tolerances)
}

fn tolerance(text: &str, setup: Setup) -> Result<(MetricKey, f64), Wrong> {
    let (name, value) = text
        .split_once([':', '='])
        .ok_or_else(|| wrong("not metric:percent", "write for example ttft_p95:15%"))?;
    let key = setup.admit_key(metric_key(name)?)?;
    let tolerance = share(value, 10.0)?;
    if tolerance > 0.0 {
        Ok((key, tolerance))
    } else {
        let hint = "write the smallest change that matters to you, for example 5%";
        Err(wrong("no measurement can show a change of nothing", hint))
    }
}

/// `ttft_p99 < 500ms`: metric, comparison, number with its unit.
fn objective(text: &str, setup: Setup) -> Result<Objective, Wrong> {
    let hint = "write for example 'ttft_p95 < 500ms' or 'goodput >= 95%'";
    let at = text.find(['<', '>']).ok_or_else(|| wrong("no < or > in it", hint))?;
    let (name, rest) = text.split_at(at);
    let bound = if rest.starts_with('<') { Bound::AtMost } else { Bound::AtLeast };
    let limit = rest.trim_start_matches(['<', '>']).trim_start_matches('=').trim();
    let key = setup.admit_key(metric_key(name)?)?;
    match (key.metric.better(), bound) {
        (Better::Lower, Bound::AtLeast) => {
            return Err(wrong(
                "lower is better here, so this would ask for a slow server",
                format!("write '{key} < {limit}'"),
            ));
        }
        (Better::Higher, Bound::AtMost) => {
            return Err(wrong(
                "higher is better here, so this would ask for less",
                format!("write '{key} >= {limit}'"),
            ));
        }
        _ => {}
    }
    Ok(Objective { key, bound, limit: amount(limit, key.metric.unit())? })
}

/// The numbers that tolerances or objectives in a text are about.
pub(in crate::config) fn limited(text: &str) -> Vec<String> {
    let name = |rule: &str| rule.split([':', '=', '<', '>']).next().map(str::trim).map(metric_key);
    cut_rules(text).iter().filter_map(|rule| name(rule)?.ok()).map(|key| key.to_string()).collect()
}

fn metric_key(name: &str) -> Result<MetricKey, Wrong> {
    name.parse().map_err(|error: crate::record::ParseMetricError| {
        wrong(
            error.to_string(),
            "write for example ttft_p95, tpot_p95, e2e_p95, output_throughput or goodput",
        )
    })
}

/// A limit in the metric's own unit: ms, tokens/s, req/s, or a ratio.
fn amount(text: &str, unit: Unit) -> Result<f64, Wrong> {
    let rate = |units: &[&str], example: &str| {
        let digits = units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text);
        let teach = |wrong: Wrong| Wrong { hint: format!("write for example {example}"), ..wrong };
        number(digits, 0.0, 1e12).map_err(teach)
    };
    match unit {
        Unit::Milliseconds | Unit::MillisecondsPerToken => {
            span(text.trim_end_matches("/token"), "ms").map(Nanos::ms)
        }
        Unit::RequestsPerSecond => rate(&["req/s", "requests/s", "rps"], "4 req/s"),
        Unit::TokensPerSecond => rate(&["tokens/s", "tok/s"], "1500 tokens/s"),
        Unit::Ratio => share(text, 1.0),
        Unit::Gigabytes => rate(&["GB"], "80 GB"),
        Unit::Watts => rate(&["W"], "700 W"),
        Unit::JoulesPerToken => rate(&["J/token", "J"], "0.5 J/token"),
        Unit::TokensPerJoule => rate(&["tokens/J", "tok/J"], "4 tokens/J"),
        Unit::TokensPerSecondPerWatt => rate(&["tokens/s/W", "tok/s/W"], "4 tokens/s/W"),
    }
}
