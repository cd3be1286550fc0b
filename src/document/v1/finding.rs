//! A finding in a file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::validity::Finding;

/// One fact about the measurement, and the remedy where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingDocument {
    /// `info`, `warning` or `invalid`.
    pub severity: String,
    /// Stable name.
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    pub level: Option<String>,
    pub round: Option<u32>,
}

impl From<&Finding> for FindingDocument {
    fn from(finding: &Finding) -> Self {
        let Finding { severity, code, message, hint, level, round } = finding;
        Self {
            severity: severity.id().to_owned(),
            code: code.clone(),
            message: message.clone(),
            hint: hint.as_ref().map(ToString::to_string),
            level: level.clone(),
            round: *round,
        }
    }
}
