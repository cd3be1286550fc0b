//! Results held against one of them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{BenchmarkDocument, ChartsDocument};
use crate::document::v1::{FindingDocument, RunDocument, VerdictDocument};

/// What says the same as another field: the version of the tool, and that the workload differs somewhere.
const SAID_ELSEWHERE: [&str; 2] = ["environment.tool", "plan.workload_hash"];

/// Where a file lies on one machine says nothing about another.
const PLACES: [&str; 1] = ["plan.target.cacert"];

/// Where an engine's own metrics say which engine it is.
const ENGINE: &str = "engine";

/// Asks for a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareAsk {
    /// Id of the benchmark that the others are held against.
    pub baseline: String,
    /// 1 to 16 ids.
    pub candidates: Vec<String>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareDocument {
    pub baseline: BenchmarkDocument,
    /// The baseline's distributions, to lay the others' over.
    pub charts: ChartsDocument,
    /// In the order that was asked.
    pub candidates: Vec<ComparedDocument>,
}

/// One result against the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparedDocument {
    pub benchmark: BenchmarkDocument,
    pub charts: ChartsDocument,
    /// As `llm-loadtest compare` gives it; null where the two must not be compared.
    pub verdict: Option<VerdictDocument>,
    /// Why they must not be compared.
    pub reasons: Vec<String>,
    pub findings: Vec<FindingDocument>,
    /// Where plan and environment differ.
    pub differences: Vec<DifferenceDocument>,
}

/// A field of plan or environment that is not alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DifferenceDocument {
    /// Its path in the result, for example `environment.kernel`.
    pub field: String,
    /// Null where it is absent.
    pub baseline: Option<String>,
    pub candidate: Option<String>,
}

impl DifferenceDocument {
    /// The fields of plan, environment, tool and engine that differ, in the order of their paths.
    pub fn between(baseline: &RunDocument, candidate: &RunDocument) -> Vec<Self> {
        let (before, now) = (facts(baseline), facts(candidate));
        let fields: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        fields
            .into_iter()
            .filter(|field| before.get(*field) != now.get(*field))
            .map(|field| Self {
                field: field.clone(),
                baseline: before.get(field).cloned(),
                candidate: now.get(field).cloned(),
            })
            .collect()
    }
}

/// Every fact that two results may differ in, by its path.
fn facts(run: &RunDocument) -> BTreeMap<String, String> {
    let engines: BTreeSet<&str> = run
        .rounds
        .iter()
        .flat_map(|round| &round.levels)
        .filter_map(|level| level.observed.as_ref()?.engine.as_ref())
        .map(|engine| engine.family.as_str())
        .collect();
    let engines: Vec<&str> = engines.into_iter().collect();
    let all = json!({
        "tool": run.tool,
        "definitions": run.definitions,
        "name": run.name,
        "environment": run.environment,
        "plan": run.plan,
        "imported": run.imported.as_ref().map(|imported| [Some(&imported.source), imported.version.as_ref()]),
        ENGINE: (!engines.is_empty()).then(|| engines.join(", ")),
    });
    let mut found = BTreeMap::new();
    flatten(String::new(), all, &mut found);
    found.retain(|field, _| !SAID_ELSEWHERE.contains(&field.as_str()) && !PLACES.contains(&field.as_str()));
    found
}

/// Objects and lists of a value become paths, what they hold becomes text; what is null is left out.
fn flatten(path: String, value: Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(if path.is_empty() { name } else { format!("{path}.{name}") }, value, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.into_iter().enumerate() {
                flatten(format!("{path}[{at}]"), item, found);
            }
        }
        Value::String(text) => drop(found.insert(path, text)),
        Value::Bool(_) | Value::Number(_) => drop(found.insert(path, value.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::v1::sample;

    #[test]
    fn what_differs_is_named_with_both_values() {
        let before = sample::run();
        let mut now = before.clone();
        now.created = "2027-01-01T00:00:00Z".to_owned();
        now.clock_origin = None;
        assert_eq!(DifferenceDocument::between(&before, &now), []);
        now.tool = "0.2.0".to_owned();
        now.environment.tool = "0.2.0".to_owned();
        now.environment.gpu_driver = None;
        now.environment.cpu_cores = 8;
        now.plan.workload.levels[0].concurrency = Some(64);
        let differences = DifferenceDocument::between(&before, &now);
        let told: Vec<(&str, Option<&str>, Option<&str>)> = differences
            .iter()
            .map(|one| (one.field.as_str(), one.baseline.as_deref(), one.candidate.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("environment.cpu_cores", Some("16"), Some("8")),
                ("environment.gpu_driver", Some("550.1"), None),
                ("plan.workload.levels[0].concurrency", Some("32"), Some("64")),
                ("tool", Some("0.1.0"), Some("0.2.0")),
            ]
        );
    }
}
