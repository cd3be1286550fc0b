//! What is to be known about a merged result.

use std::collections::BTreeMap;

use super::{Shard, Shards, check};
use crate::document::v1::{FindingDocument, LevelDocument, RunDocument};
use crate::record::Metric;
use crate::validity::{Severity, THIN_PERCENTILES, thin_percentiles};

/// Levels may begin this far apart, or this share of their window, before it is worth a warning.
const SPREAD_SECONDS: f64 = 0.1;
const SPREAD_SHARE: f64 = 0.01;

/// A level of a round and its shards' own ones.
pub(super) struct Joined<'a> {
    pub(super) round: u32,
    pub(super) parts: &'a [(usize, LevelDocument)],
    pub(super) whole: &'a LevelDocument,
}

/// What is wrong with the set, then with the times, then what each shard found about itself.
pub(super) fn findings(
    shards: &Shards,
    levels: &[Joined<'_>],
    rows: Vec<FindingDocument>,
) -> Vec<FindingDocument> {
    let mut all = vec![merged(shards, levels)];
    all.extend(incomplete(shards));
    all.extend(levels.iter().filter_map(apart));
    all.extend(levels.iter().filter_map(|level| absent(shards, level)));
    all.extend(unlike(&shards.shards));
    all.extend(rows);
    all.extend(shards.shards.iter().flat_map(own));
    all.extend(levels.iter().filter_map(thin));
    all
}

/// A finding about everything.
pub(super) fn finding(severity: Severity, code: &str, message: String, hint: &str) -> FindingDocument {
    FindingDocument {
        severity: severity.id().to_owned(),
        code: code.to_owned(),
        message,
        hint: (!hint.is_empty()).then(|| hint.to_owned()),
        level: None,
        round: None,
    }
}

/// The same about one level of one round.
pub(super) fn about(finding: FindingDocument, round: u32, label: &str) -> FindingDocument {
    FindingDocument { round: Some(round), level: Some(label.to_owned()), ..finding }
}

fn merged(shards: &Shards, levels: &[Joined<'_>]) -> FindingDocument {
    let most = levels.iter().map(|level| spread(level.parts)).fold(0.0, f64::max);
    let message = format!(
        "merged from {} of {} shards, whose levels began within {:.0} ms of each other",
        shards.shards.len(),
        shards.shards[0].which.count,
        most * 1e3
    );
    finding(Severity::Info, "merged", message, "")
}

fn incomplete(shards: &Shards) -> Option<FindingDocument> {
    let missing = check::missing(&shards.shards);
    let interrupted = shards.shards.iter().filter(|shard| shard.document.partial);
    let all: Vec<String> = missing
        .iter()
        .map(|shard| format!("{shard} is missing"))
        .chain(interrupted.map(|shard| format!("{} was interrupted", shard.which)))
        .collect();
    (!all.is_empty()).then(|| {
        let message = format!("the load is not the one that was asked for: shard {}", named(&all));
        finding(Severity::Invalid, "shards", message, "merge all shards, each run to its end")
    })
}

/// The first ten of many.
fn named(all: &[String]) -> String {
    const NAMED: usize = 10;
    let others =
        if all.len() > NAMED { format!(", and {} others", all.len() - NAMED) } else { String::new() };
    format!("{}{others}", all[..all.len().min(NAMED)].join(", "))
}

/// Seconds between the first and the last start.
fn spread(parts: &[(usize, LevelDocument)]) -> f64 {
    let starts = || parts.iter().map(|(_, part)| part.window.start_s);
    (starts().fold(0.0, f64::max) - starts().fold(f64::INFINITY, f64::min)).max(0.0)
}

/// By the shards' wall clocks, whose own error is in it.
fn apart(level: &Joined<'_>) -> Option<FindingDocument> {
    let Joined { round, parts, whole } = level;
    let spread = spread(parts);
    let starts = parts.iter().map(|(_, part)| part.window.start_s).fold(0.0, f64::max);
    let ends = parts.iter().map(|(_, part)| part.window.end_s).fold(f64::INFINITY, f64::min);
    let found = if parts.len() > 1 && starts >= ends {
        let message =
            format!("the shards did not run at the same time: the last began {spread:.3} s after the first");
        finding(Severity::Invalid, "shard_start", message, "start all shards together with --start-at")
    } else if spread > SPREAD_SECONDS && spread > SPREAD_SHARE * whole.window.measured_s {
        let message = format!(
            "the shards began {:.0} ms apart by their clocks, {:.1} % of the window",
            spread * 1e3,
            spread / whole.window.measured_s * 100.0
        );
        let hint = "start all shards together with --start-at, and keep their machines' clocks in step (NTP)";
        finding(Severity::Warning, "shard_start", message, hint)
    } else {
        return None;
    };
    Some(about(found, *round, &whole.label))
}

/// Shards that were interrupted before this level.
fn absent(shards: &Shards, level: &Joined<'_>) -> Option<FindingDocument> {
    let Joined { round, parts, whole } = level;
    let without: Vec<String> = shards
        .shards
        .iter()
        .enumerate()
        .filter(|(at, _)| parts.iter().all(|(other, _)| other != at))
        .map(|(_, shard)| shard.which.to_string())
        .collect();
    (!without.is_empty()).then(|| {
        let message = format!("shard {} did not come to this level", named(&without));
        about(
            finding(Severity::Invalid, "shards", message, "run the shards again to their end"),
            *round,
            &whole.label,
        )
    })
}

/// What it is, how much a difference matters, and how to read it.
type Fact = (&'static str, Severity, fn(&RunDocument) -> String);

/// Facts about server and clients in which the shards differ.
fn unlike(shards: &[Shard]) -> Vec<FindingDocument> {
    let facts: [Fact; 4] = [
        ("the server", Severity::Warning, |run| run.environment.server.clone().unwrap_or_default()),
        ("the network path", Severity::Warning, |run| run.environment.network_path.clone()),
        ("the GPU driver", Severity::Warning, |run| run.environment.gpu_driver.clone().unwrap_or_default()),
        ("the client's CPU", Severity::Info, |run| {
            format!("{} × {}", run.environment.cpu_cores, run.environment.cpu)
        }),
    ];
    facts
        .into_iter()
        .filter_map(|(what, severity, fact)| {
            let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for shard in shards {
                values.entry(fact(&shard.document)).or_default().push(shard.which.to_string());
            }
            let each = values.iter().map(|(value, shards)| format!("'{value}' ({})", named(shards)));
            (values.len() > 1).then(|| {
                let message =
                    format!("{what} is not the same for all shards: {}", each.collect::<Vec<_>>().join(", "));
                finding(severity, "shard_environment", message, "")
            })
        })
        .collect()
}

/// What a shard says about itself. Whether percentiles are thin is asked again, of all samples.
fn own(shard: &Shard) -> impl Iterator<Item = FindingDocument> {
    shard.document.findings.iter().filter(|finding| finding.code != THIN_PERCENTILES).map(|finding| {
        FindingDocument { message: format!("shard {}: {}", shard.which, finding.message), ..finding.clone() }
    })
}

fn thin(level: &Joined<'_>) -> Option<FindingDocument> {
    let samples = level.whole.metrics.get(Metric::E2e.id())?.n?;
    let message = thin_percentiles(samples)?;
    Some(about(finding(Severity::Info, THIN_PERCENTILES, message, ""), level.round, &level.whole.label))
}
