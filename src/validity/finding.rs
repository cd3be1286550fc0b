//! One thing to know about a measurement.

use crate::base::Hint;

/// What a finding means for the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Read the numbers with care.
    Warning,
    /// The round or the comparison must not be judged.
    Invalid,
}

impl Severity {
    pub fn id(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Invalid => "invalid",
        }
    }
}

/// One fact with its numbers, and the remedy where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// Stable name, for example `send_lag` or `output_length`.
    pub code: String,
    /// One sentence with the numbers in it.
    pub message: String,
    pub hint: Option<Hint>,
    /// Level label and round (from 1), where it concerns only them.
    pub level: Option<String>,
    pub round: Option<u32>,
}
