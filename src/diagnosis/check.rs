//! One thing that was looked at, and what is to be done about it.

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Fine,
    /// Not looked at, for the reason that it gives.
    Skipped,
    /// Works, and will spoil or limit measurements.
    Warning,
    /// Does not work.
    Failed,
}

impl Standing {
    pub fn id(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check. Invariant: a warning or failure has a diagnosis, and nothing else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Stable name, for example `connect` or `parallel`.
    pub name: &'static str,
    pub standing: Standing,
    /// One sentence with what was seen.
    pub found: String,
    pub diagnosis: Option<Diagnosis>,
}

/// What an expert would say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What the user notices.
    pub symptom: String,
    pub cause: String,
    /// The readings that say so.
    pub evidence: String,
    pub solution: String,
    /// How to see that it is mended.
    pub verification: String,
}

impl Check {
    pub(super) fn fine(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, standing: Standing::Fine, found: found.into(), diagnosis: None }
    }

    pub(super) fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { name, standing: Standing::Skipped, found: why.into(), diagnosis: None }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>, diagnosis: Diagnosis) -> Self {
        Self { name, standing: Standing::Warning, found: found.into(), diagnosis: Some(diagnosis) }
    }

    pub(super) fn failed(name: &'static str, found: impl Into<String>, diagnosis: Diagnosis) -> Self {
        Self { name, standing: Standing::Failed, found: found.into(), diagnosis: Some(diagnosis) }
    }
}

/// A diagnosis from its five words, in the order in which they are read.
pub(super) fn diagnosis(words: [impl Into<String>; 5]) -> Diagnosis {
    let [symptom, cause, evidence, solution, verification] = words.map(Into::into);
    Diagnosis { symptom, cause, evidence, solution, verification }
}
