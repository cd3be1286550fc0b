//! The experiment that is worth the most now, as a line for a shell.

use super::bottleneck::Cause;
use super::facts::{Facts, fact, say};
use crate::document::v1::service::ClaimDocument;
use crate::document::v1::{LoadDocument, RunDocument};
use crate::report::{command, curve};

/// A share of failures above which more load says nothing.
const FAILED_MOST: f64 = 0.01;

/// What to measure.
enum Experiment {
    /// These loads of the level's kind.
    Loads(Vec<f64>),
    /// The highest load that holds the objectives.
    Search,
    /// The same again, several times, as a stored baseline.
    Gate,
}

/// Why, and the command.
pub(super) fn propose(facts: &Facts<'_>, cause: Option<Cause>) -> (ClaimDocument, String) {
    let (experiment, why) = choose(facts, cause);
    (fact(why, []), line(facts, &experiment))
}

fn choose(facts: &Facts<'_>, cause: Option<Cause>) -> (Experiment, String) {
    let language = facts.language;
    let loads: Option<Vec<f64>> =
        facts.order.iter().map(|at| curve::load(&facts.level(*at).label).map(|(_, load)| load)).collect();
    let again = say!(
        language,
        "Repeat it as a gate: several rounds show how much the numbers differ by themselves, and store a baseline.",
        "gate로 반복한다. 여러 라운드가 숫자의 자연스러운 변동을 보여 주고 기준을 저장한다."
    );
    let Some(loads) = loads.filter(|loads| !loads.is_empty() && repeats_by_load(facts.run)) else {
        return (Experiment::Gate, again);
    };
    if let Some(found) = facts.run.search.as_ref().and_then(|search| search.answer.value) {
        let why = say!(
            language,
            "Hold the load that the search found as a fixed level, so that later changes are judged at it.",
            "탐색이 찾은 부하를 고정 레벨로 두고, 이후의 변경을 그 부하에서 판정한다."
        );
        return (Experiment::Loads(vec![found]), why);
    }
    let (low, high) = (loads[0], loads[loads.len() - 1]);
    let busiest = facts.busiest().map(|at| facts.level(at));
    let failing = busiest.is_some_and(|level| level.failed() as f64 > FAILED_MOST * level.offered as f64);
    if cause == Some(Cause::Client) || failing {
        let why = if failing {
            say!(
                language,
                "Halve the load: more than 1 % of the requests failed, and failures hide what the server can do.",
                "부하를 절반으로 줄인다. 요청의 1 % 이상이 실패했고, 실패는 서버의 능력을 가린다."
            )
        } else {
            say!(
                language,
                "Halve the load, or split it over several machines with --shard: the client was near its own limit.",
                "부하를 절반으로 줄이거나 --shard 로 여러 머신에 나눈다. 클라이언트가 자신의 한계에 가까웠다."
            )
        };
        return (Experiment::Loads(vec![low / 2.0, high / 2.0]), why);
    }
    around(facts, (low, high), again)
}

/// By where the knee lies between the lowest and the highest load.
fn around(facts: &Facts<'_>, (low, high): (f64, f64), again: String) -> (Experiment, String) {
    let language = facts.language;
    match curve::knee(&facts.run.levels) {
        None => {
            let why = say!(
                language,
                "Measure a sweep around this load: three levels or more show the knee.",
                "이 부하 주변을 스윕한다. 레벨이 셋 이상이면 무릎점이 보인다."
            );
            (Experiment::Loads(vec![low / 4.0, low / 2.0, low, high * 2.0]), why)
        }
        Some(knee) if knee.edge => {
            let (loads, why) = if curve::load(&knee.label).is_some_and(|(_, load)| load >= high) {
                (
                    vec![high, high * 2.0, high * 4.0],
                    say!(
                        language,
                        "Go beyond the highest level: power still grew there.",
                        "가장 높은 레벨 너머를 측정한다. power가 아직 늘고 있었다."
                    ),
                )
            } else {
                (
                    vec![low / 4.0, low / 2.0, low],
                    say!(
                        language,
                        "Go below the lowest level: power was highest there.",
                        "가장 낮은 레벨 아래를 측정한다. power가 거기서 가장 컸다."
                    ),
                )
            };
            (Experiment::Loads(loads), why)
        }
        Some(_) if !facts.run.plan.workload.slos.is_empty() => {
            let why = say!(
                language,
                "Let a search find the highest load that holds the objectives, which lies near the knee.",
                "목표를 지키는 최대 부하를 탐색으로 찾는다. 무릎점 근처에 있다."
            );
            (Experiment::Search, why)
        }
        Some(_) => (Experiment::Gate, again),
    }
}

/// Whether a load is one number: not a trace, not stages.
fn repeats_by_load(run: &RunDocument) -> bool {
    run.plan.workload.levels.iter().all(|level| level.trace.is_none() && level.stages.is_none())
}

fn line(facts: &Facts<'_>, experiment: &Experiment) -> String {
    let mut run = bare(facts.run);
    let closed = facts.run.levels.first().is_none_or(|level| level.label.starts_with("c="));
    let first = run.plan.workload.levels.first().cloned().unwrap_or_default();
    match experiment {
        Experiment::Loads(loads) => {
            let most = loads.iter().copied().fold(0.0, f64::max);
            run.plan.workload.levels = levels(&first, loads, closed);
            if let Some(level) = run.plan.workload.levels.first_mut()
                && let Some(requests) = &mut level.requests
                && closed
            {
                // Fewer than a few per client measure little else than the start.
                *requests = (*requests).max(8 * most as u64);
            }
            command::line(&run)
        }
        Experiment::Search => {
            run.plan.workload.levels =
                vec![LoadDocument { max_in_flight: first.max_in_flight, ..LoadDocument::default() }];
            let flag = if closed { "--find-max-concurrency" } else { "--find-max-rate" };
            format!("{} {flag}", command::line(&run))
        }
        Experiment::Gate => command::line(&run).replacen("llm-loadtest run", "llm-loadtest gate", 1),
    }
}

fn levels(first: &LoadDocument, loads: &[f64], closed: bool) -> Vec<LoadDocument> {
    let mut levels: Vec<LoadDocument> = Vec::new();
    for load in loads {
        let level = if closed {
            LoadDocument {
                concurrency: Some(load.round().clamp(1.0, 1e6) as u32),
                rate: None,
                ..first.clone()
            }
        } else {
            LoadDocument { rate: Some((load * 1e3).round() / 1e3), concurrency: None, ..first.clone() }
        };
        let same = |other: &LoadDocument| other.concurrency == level.concurrency && other.rate == level.rate;
        if !levels.iter().any(same) {
            levels.push(level);
        }
    }
    levels
}

/// What a command is made from, without the numbers and the verdict.
fn bare(run: &RunDocument) -> RunDocument {
    RunDocument {
        format: run.format.clone(),
        definitions: run.definitions.clone(),
        tool: run.tool.clone(),
        created: run.created.clone(),
        clock_origin: None,
        partial: false,
        name: run.name.clone(),
        plan: run.plan.clone(),
        environment: run.environment.clone(),
        fingerprint: run.fingerprint.clone(),
        imported: None,
        rounds: Vec::new(),
        pairs: None,
        carried: 0,
        levels: Vec::new(),
        findings: Vec::new(),
        verdict: None,
        search: None,
    }
}
