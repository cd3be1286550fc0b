//! `plan`: what a gate will answer and cost, from what is known of its noise.

use std::collections::{BTreeMap, BTreeSet};

use super::error::AppError;
use super::gate::unknown_levels;
use super::home;
use super::outputs::unwritable;
use crate::base::Nanos;
use crate::config::{Origin, Resolved, RunPlan};
use crate::document::v1::{BaselineDocument, DEFINITIONS, ForecastDocument, Key, LedgerDocument};
use crate::gate::{Cost, Noise, NoiseSource, Question, SessionRounds, forecast, pair_noise, session_noise};
use crate::host::{RealClock, files};
use crate::record::MetricKey;
use crate::report;
use crate::stats::Looks;
use crate::workload::{Level, Limit};

/// What is known besides the gate's own settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Sd of one pair's difference, where the user says it.
    pub noise: BTreeMap<MetricKey, f64>,
    /// Wanted probability of the right answer.
    pub power: f64,
    pub round_time: Option<Nanos>,
    pub gpus: u32,
}

/// The forecast of the gate that these settings make. Nothing is measured and no server is asked.
pub fn plan(resolved: &Resolved, planned: &Planned) -> Result<ForecastDocument, AppError> {
    let plan = &resolved.plan;
    if plan.search.is_some() {
        return Err(unknown_levels());
    }
    let known = Known::read(resolved)?;
    let mut pairs = known.pairs(plan);
    pairs.extend(said(plan, &planned.noise)?);
    let sessions = known.sessions(plan);
    let looks = looks(resolved);
    let question = Question {
        policy: &plan.gate,
        looks: &looks,
        levels: plan.levels.len(),
        requests: plan.levels.iter().filter_map(|level| requests(level.limit)).min(),
        power: planned.power,
        pairs: &pairs,
        sessions: &sessions,
        cost: Cost { round: planned.round_time.or_else(|| duration(plan)), gpus: planned.gpus },
    };
    let document = ForecastDocument::new(&forecast(question), &plan.name, env!("CARGO_PKG_VERSION"));
    if let Some(path) = &resolved.outputs.markdown {
        files::write_atomic(path, report::markdown::render_forecast(&document).as_bytes())
            .map_err(|error| unwritable(&error.to_string()))?;
    }
    Ok(document)
}

/// A forecast as text: JSON, or a table.
pub fn render_forecast(document: &ForecastDocument, json: bool, colour: bool) -> String {
    if json {
        return document.to_json();
    }
    let style = report::console::Style { color: colour, width: super::documents::WIDTH };
    report::console::render_forecast(document, style)
}

/// The noise that the user says, of gated metrics only: a slip of the pen must not vanish.
fn said(plan: &RunPlan, noise: &BTreeMap<MetricKey, f64>) -> Result<BTreeMap<MetricKey, Noise>, AppError> {
    let gated = &plan.gate.tolerances;
    if let Some(key) = noise.keys().find(|key| !gated.contains_key(*key)) {
        let known: Vec<String> = gated.keys().map(ToString::to_string).collect();
        return Err(AppError::usage(
            format!("--noise {key}: this gate does not judge {key}"),
            format!("gated are {}; add it to --tolerance, or leave its noise out", known.join(", ")),
        ));
    }
    let noise = noise.iter();
    Ok(noise.map(|(&key, &sd)| (key, Noise { sd, count: 0, source: NoiseSource::Given })).collect())
}

/// What was measured of this very load on one machine.
struct Known {
    ledgers: Vec<LedgerDocument>,
    baseline: Option<BaselineDocument>,
}

impl Known {
    /// Which machine is meant must be clear.
    fn read(resolved: &Resolved) -> Result<Self, AppError> {
        let (plan, hash) = (&resolved.plan, resolved.plan.workload_hash());
        let wanted = |key: &Key| {
            let named =
                |named: &Option<String>, found: &str| named.as_ref().is_none_or(|named| named == found);
            key.workload == plan.name
                && key.workload_hash == hash
                && named(&plan.model, &key.model)
                && named(&plan.target.hardware, &key.hardware)
        };
        let ledgers: Vec<LedgerDocument> = home::evidence(&resolved.outputs)
            .ledgers()?
            .matching(wanted)?
            .into_iter()
            .filter(|ledger| ledger.definitions == DEFINITIONS)
            .collect();
        let mut baselines = Vec::new();
        for item in home::baselines(&resolved.outputs).baselines()?.list()? {
            // One that was edited or cut may be the one that is meant.
            let baseline = item.baseline?;
            if wanted(&baseline.key) && baseline.definitions == DEFINITIONS {
                baselines.push(baseline);
            }
        }
        let keys = ledgers.iter().map(|ledger| &ledger.key).chain(baselines.iter().map(|found| &found.key));
        let machines: BTreeSet<String> =
            keys.map(|key| format!("{} on {}", key.model, key.hardware)).collect();
        if machines.len() > 1 {
            let machines: Vec<String> = machines.into_iter().collect();
            return Err(AppError::usage(
                format!("'{}' was measured on several machines: {}", plan.name, machines.join("; ")),
                "say which one is meant with --hardware and --model",
            ));
        }
        Ok(Self { ledgers, baseline: baselines.pop() })
    }

    /// The noise of pairs, over every gate that is kept; of several levels the largest.
    fn pairs(&self, plan: &RunPlan) -> BTreeMap<MetricKey, Noise> {
        let level = |level: &Level| {
            let label = level.label();
            self.ledgers.iter().map(|ledger| ledger.pairs(&label)).collect::<Vec<_>>()
        };
        let levels: Vec<Vec<Vec<_>>> = plan.levels.iter().map(level).collect();
        largest(plan, |key| levels.iter().filter_map(|gates| pair_noise(gates, key)).collect())
    }

    /// The noise between the stored sessions that a comparison would use; of several levels the largest.
    fn sessions(&self, plan: &RunPlan) -> BTreeMap<MetricKey, Noise> {
        let Some(baseline) = &self.baseline else { return BTreeMap::new() };
        let window = baseline.window(&RealClock::wall(), baseline.max_age());
        let level = |level: &Level| {
            let sessions = window.sessions(&level.label());
            sessions.into_iter().map(|rounds| SessionRounds { rounds }).collect::<Vec<_>>()
        };
        let levels: Vec<Vec<SessionRounds>> = plan.levels.iter().map(level).collect();
        largest(plan, |key| levels.iter().filter_map(|sessions| session_noise(sessions, key)).collect())
    }
}

/// Of each gated metric the largest noise, where there is one.
fn largest(plan: &RunPlan, noises: impl Fn(MetricKey) -> Vec<Noise>) -> BTreeMap<MetricKey, Noise> {
    let worst = |&key: &MetricKey| {
        Some((key, noises(key).into_iter().max_by(|left, right| left.sd.total_cmp(&right.sd))?))
    };
    plan.gate.tolerances.keys().filter_map(worst).collect()
}

/// The looks that were asked for, else those of a gate in pairs.
fn looks(resolved: &Resolved) -> Looks {
    let asked = resolved.values.iter().any(|entry| entry.key == "rounds" && entry.origin != Origin::Default);
    if asked { resolved.plan.gate.looks.clone() } else { Looks::usual() }
}

fn requests(limit: Limit) -> Option<u64> {
    match limit {
        Limit::Requests(requests) | Limit::Either { requests, .. } => Some(requests),
        Limit::Duration(_) | Limit::Load => None,
    }
}

/// The levels of a round, where each ends by time alone.
fn duration(plan: &RunPlan) -> Option<Nanos> {
    plan.levels.iter().try_fold(Nanos::ZERO, |sum, level| match level.limit {
        Limit::Duration(span) => Some(sum + span),
        _ => None,
    })
}
