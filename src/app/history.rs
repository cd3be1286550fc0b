//! `history`: what the stored sessions say, night by night; and how far back a gate may look.

use std::collections::{BTreeMap, BTreeSet};

use super::documents::{WIDTH, unknown};
use super::error::AppError;
use crate::config::RunPlan;
use crate::document::v1::{BaselineDocument, HistoryDocument};
use crate::gate::{Cut, cut};
use crate::host::RealClock;
use crate::record::MetricKey;
use crate::report;
use crate::store::{Home, Listed};

/// What pairs are asked to tell apart, at least; smaller changes raise no alarm.
const LEAST_TOLERANCE: f64 = 0.025;

/// Which history is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAsk {
    pub home: Home,
    /// Name of the baseline, as `baseline list` prints it; none where the folder holds one only.
    pub name: Option<String>,
    /// Empty: what a gate judges unless told otherwise.
    pub metrics: Vec<MetricKey>,
    /// Empty: all.
    pub levels: Vec<String>,
}

/// The forms in which a history can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryForm {
    Table { colour: bool },
    Markdown,
    Html,
    Json,
}

/// The history of a baseline.
pub fn history(ask: &HistoryAsk) -> Result<HistoryDocument, AppError> {
    let listed = ask.home.baselines()?.list()?;
    let item = pick(&ask.home, ask.name.as_deref(), listed)?;
    let name = item.name();
    let baseline = item.baseline?;
    let levels = levels(ask, &baseline)?;
    let keys = if ask.metrics.is_empty() { baseline.usual_keys() } else { ask.metrics.clone() };
    let document =
        HistoryDocument::new(&baseline, &name, &RealClock::wall(), env!("CARGO_PKG_VERSION"), &keys, &levels);
    let missing =
        ask.metrics.iter().find(|key| document.trends.iter().all(|trend| trend.metric != key.to_string()));
    match missing {
        Some(key) if !baseline.sessions.is_empty() => Err(AppError::usage(
            format!("no session of {name} holds {key} at {}", levels.join(", ")),
            format!("sessions hold: {}", held(&baseline)),
        )),
        _ => Ok(document),
    }
}

/// A history as text.
pub fn render_history(document: &HistoryDocument, form: HistoryForm) -> String {
    match form {
        HistoryForm::Table { colour } => {
            report::console::history::render(document, report::console::Style { color: colour, width: WIDTH })
        }
        HistoryForm::Markdown => report::markdown::history::render(document),
        HistoryForm::Html => report::html::history::render(document),
        HistoryForm::Json => document.to_json(),
    }
}

/// The tolerances with which pairs confirm the alarms, as a setting: half of what each is estimated to be worse, and 2.5 % at
/// least. None where there is no alarm.
pub fn tolerances(document: &HistoryDocument) -> Option<String> {
    let mut least: BTreeMap<&str, f64> = BTreeMap::new();
    for (trend, alarm) in document.alarms() {
        let tolerance = (alarm.change.abs() / 2.0).max(LEAST_TOLERANCE);
        let known = least.entry(&trend.metric).or_insert(tolerance);
        *known = known.min(tolerance);
    }
    let texts: Vec<String> =
        least.iter().map(|(metric, tolerance)| format!("{metric}:{:.2}%", tolerance * 100.0)).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

/// Refuses a plan that cannot confirm the alarms of a history.
pub fn confirms(document: &HistoryDocument, plan: &RunPlan) -> Result<(), AppError> {
    if plan.baseline.is_none() {
        let good = document.alarms().next().and_then(|(_, alarm)| document.nights.get(alarm.before));
        let good = good.map_or("the last good build", |night| night.commit.as_deref().unwrap_or(&night.id));
        return Err(AppError::usage(
            "a confirmation needs the last good build beside tonight's",
            format!("serve {good} and name it with --baseline-server URL, and tonight's with --server URL"),
        ));
    }
    if plan.workload_hash() != document.key.workload_hash {
        return Err(AppError::usage(
            format!("this load is not the one that {} is the history of", document.name),
            "confirm with the configuration of the nightly job: --config",
        ));
    }
    Ok(())
}

/// The sessions after the newest change of any of these numbers, and a sentence when that leaves some out. `all` is the
/// baseline as stored, `window` the part of it that a comparison would use.
pub(super) fn since_change(
    all: &BaselineDocument,
    window: BaselineDocument,
    keys: &[MetricKey],
) -> (BaselineDocument, Option<String>) {
    let levels: Vec<_> = all.labels().into_iter().map(|label| (label.clone(), all.nights(&label))).collect();
    let Some(found) = cut(&levels, keys, all.first_session()) else {
        return (window, None);
    };
    let left_out = |id: &str| all.sessions[..found.session].iter().any(|session| session.id == id);
    let (old, kept): (Vec<_>, Vec<_>) =
        window.sessions.into_iter().partition(|session| left_out(&session.id));
    let note = (!old.is_empty()).then(|| note(all, &found, old.len(), levels.len() > 1));
    (BaselineDocument { sessions: kept, ..window }, note)
}

fn note(all: &BaselineDocument, found: &Cut, count: usize, many: bool) -> String {
    let Cut { session, key, level, change, absolute } = found;
    let id = all.sessions.get(*session).map_or("", |session| session.id.as_str());
    format!(
        "{count} earlier session{} not used: {}{} changed by {} at session {id} (llm-loadtest history shows it)",
        if count == 1 { " is" } else { "s are" },
        key.title(),
        if many { format!(" at {level}") } else { String::new() },
        report::number::change(*change, *absolute)
    )
}

fn pick(home: &Home, name: Option<&str>, listed: Vec<Listed>) -> Result<Listed, AppError> {
    if let Some(name) = name
        && !listed.iter().any(|item| item.name() == name)
    {
        return Err(unknown(home, name, &listed));
    }
    let mut chosen: Vec<Listed> =
        listed.into_iter().filter(|item| name.is_none_or(|name| item.name() == name)).collect();
    let names: Vec<String> = chosen.iter().map(Listed::name).collect();
    match (chosen.pop(), chosen.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(AppError::usage(
            format!("{home} holds several baselines"),
            format!("name one of them: {}", names.join(", ")),
        )),
        (None, _) => Err(AppError::usage(
            format!("{home} holds no baseline yet"),
            "`llm-loadtest gate` stores the first one; `llm-loadtest baseline save` adds a night",
        )),
    }
}

fn levels(ask: &HistoryAsk, baseline: &BaselineDocument) -> Result<Vec<String>, AppError> {
    let known = baseline.labels();
    if let Some(level) = ask.levels.iter().find(|level| !known.contains(level)) {
        return Err(AppError::usage(
            format!("no session was measured at the level '{level}'"),
            format!("levels are: {}", known.join(", ")),
        ));
    }
    Ok(if ask.levels.is_empty() { known } else { ask.levels.clone() })
}

/// The names of all numbers that any session holds.
fn held(baseline: &BaselineDocument) -> String {
    let rounds = baseline.sessions.iter().flat_map(|session| &session.levels).flat_map(|level| &level.rounds);
    let names: BTreeSet<&str> = rounds.flat_map(|round| round.values.keys()).map(String::as_str).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
