//! What `doctor --json` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{self, Format, Kind};
use crate::diagnosis::{Check, Diagnosis, Standing};

/// Every check of a server, with what is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorDocument {
    pub format: Format,
    pub tool: String,
    /// RFC 3339.
    pub created: String,
    /// The target's name: the server's address without what may be secret.
    pub server: String,
    /// The engine, where it is known, for example `vllm`.
    pub adapter: Option<String>,
    pub api: String,
    /// `ok`, `warning` or `failed`: the worst of the checks.
    pub standing: String,
    /// In the order in which they were made.
    pub checks: Vec<CheckDocument>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckDocument {
    /// Stable name, for example `connect`.
    pub name: String,
    /// `ok`, `skipped`, `warning` or `failed`.
    pub standing: String,
    /// What was seen, in one sentence.
    pub found: String,
    /// Where something is wrong.
    pub diagnosis: Option<DiagnosisDocument>,
}

/// What an expert would say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisDocument {
    pub symptom: String,
    pub cause: String,
    pub evidence: String,
    pub solution: String,
    pub verification: String,
}

/// What the document is made of.
#[derive(Debug, Clone, Copy)]
pub struct DoctorParts<'a> {
    pub tool: &'a str,
    pub created: &'a str,
    pub server: &'a str,
    pub adapter: Option<&'a str>,
    pub api: &'a str,
    pub checks: &'a [Check],
}

impl DoctorDocument {
    pub fn new(parts: &DoctorParts<'_>) -> Self {
        let DoctorParts { tool, created, server, adapter, api, checks } = *parts;
        let worst =
            checks.iter().map(|check| check.standing).filter(|standing| *standing != Standing::Skipped).max();
        Self {
            format: Format::current(Kind::Doctor),
            tool: tool.to_owned(),
            created: created.to_owned(),
            server: server.to_owned(),
            adapter: adapter.map(str::to_owned),
            api: api.to_owned(),
            standing: worst.unwrap_or(Standing::Fine).id().to_owned(),
            checks: checks.iter().map(CheckDocument::from).collect(),
        }
    }

    /// Whether something does not work at all.
    pub fn has_failed(&self) -> bool {
        self.standing == Standing::Failed.id()
    }

    pub fn to_json(&self) -> String {
        format::write(self)
    }
}

impl From<&Check> for CheckDocument {
    fn from(check: &Check) -> Self {
        let Check { name, standing, found, diagnosis } = check;
        Self {
            name: (*name).to_owned(),
            standing: standing.id().to_owned(),
            found: found.clone(),
            diagnosis: diagnosis.as_ref().map(DiagnosisDocument::from),
        }
    }
}

impl From<&Diagnosis> for DiagnosisDocument {
    fn from(diagnosis: &Diagnosis) -> Self {
        let Diagnosis { symptom, cause, evidence, solution, verification } = diagnosis;
        Self {
            symptom: symptom.clone(),
            cause: cause.clone(),
            evidence: evidence.clone(),
            solution: solution.clone(),
            verification: verification.clone(),
        }
    }
}
