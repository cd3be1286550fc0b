//! A doctor's report as Markdown.

use crate::document::v1::DoctorDocument;
use crate::report::doctor::{headline, lines, troubles};
use crate::report::text::markdown;

/// A table of checks, and the diagnoses below. Ends with a newline.
pub fn render_doctor(document: &DoctorDocument) -> String {
    let mut out = vec![format!("### {}", markdown(&headline(document))), String::new()];
    out.extend(["| Check | | Found |".to_owned(), "| --- | --- | --- |".to_owned()]);
    out.extend(document.checks.iter().map(|check| {
        format!("| {} | {} | {} |", markdown(&check.name), mark(&check.standing), markdown(&check.found))
    }));
    for (check, diagnosis) in troubles(document) {
        out.push(String::new());
        out.push(format!("#### {} {}", mark(&check.standing), markdown(&check.name)));
        out.push(String::new());
        out.extend(lines(diagnosis).map(|(word, text)| format!("- **{word}:** {}", markdown(text))));
    }
    out.push(String::new());
    out.join("\n")
}

fn mark(standing: &str) -> &'static str {
    match standing {
        "ok" => "✅",
        "warning" => "⚠️",
        "failed" => "❌",
        _ => "–",
    }
}
