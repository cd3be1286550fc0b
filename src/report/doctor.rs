//! A doctor's report in words, for every kind of text.

use super::number::plural;
use crate::document::v1::{CheckDocument, DiagnosisDocument, DoctorDocument};

/// `sim:h100-8b: 14 checks, nothing wrong`
pub(super) fn headline(document: &DoctorDocument) -> String {
    let count =
        |standing: &str| document.checks.iter().filter(|check| check.standing == standing).count() as u64;
    let (failed, warnings) = (count("failed"), count("warning"));
    let verdict = match (failed, warnings) {
        (0, 0) => "nothing wrong".to_owned(),
        (0, warnings) => plural(warnings, "warning"),
        (failed, 0) => format!("{failed} failed"),
        (failed, warnings) => format!("{failed} failed, {}", plural(warnings, "warning")),
    };
    format!("{}: {}, {verdict}", document.server, plural(document.checks.len() as u64, "check"))
}

/// The words before each line of a diagnosis, and the lines.
pub(super) fn lines(diagnosis: &DiagnosisDocument) -> [(&'static str, &str); 5] {
    let DiagnosisDocument { symptom, cause, evidence, solution, verification } = diagnosis;
    [
        ("Symptom", symptom),
        ("Cause", cause),
        ("Evidence", evidence),
        ("Solution", solution),
        ("Verify", verification),
    ]
}

/// Checks with a diagnosis, failures first.
pub(super) fn troubles(document: &DoctorDocument) -> Vec<(&CheckDocument, &DiagnosisDocument)> {
    let with = |standing: &'static str| {
        let of = document.checks.iter().filter(move |check| check.standing == standing);
        of.filter_map(|check| Some((check, check.diagnosis.as_ref()?)))
    };
    with("failed").chain(with("warning")).collect()
}
