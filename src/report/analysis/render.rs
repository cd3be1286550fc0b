//! An analysis as text for terminals and as Markdown.

use super::facts::say;
use crate::document::v1::service::{AnalysisDocument, AnalystDocument, ClaimDocument, ClaimKind};
use crate::report::text::{self as escaped, plain};

/// For a terminal. Ends with a newline.
pub fn text(document: &AnalysisDocument) -> String {
    let mut out = Vec::new();
    for section in &document.sections {
        out.push(section.title.clone());
        for claim in &section.claims {
            out.push(format!(" {} {}", mark(claim), plain(&claim.claim)));
            out.extend(claim.rule.iter().map(|rule| format!("     ({})", plain(rule))));
        }
        if section.id == "next" {
            out.push(format!("     $ {}", plain(&document.command)));
        }
        out.push(String::new());
    }
    if let Some(analyst) = &document.analyst {
        out.push(headline(document, analyst));
        out.extend(analyst.text.lines().map(|line| format!(" | {}", plain(line))));
        out.push(String::new());
    }
    out.extend(document.notes.iter().map(|note| format!("note: {}\n", plain(note))));
    out.join("\n")
}

/// As Markdown. Ends with a newline.
pub fn markdown(document: &AnalysisDocument) -> String {
    let mut out = Vec::new();
    for section in &document.sections {
        out.extend([format!("### {}", escaped::markdown(&section.title)), String::new()]);
        for claim in &section.claims {
            let rule = claim.rule.as_ref().map(|rule| format!(" _({})_", escaped::markdown(rule)));
            let words = escaped::markdown(&claim.claim);
            let weight = match claim.kind {
                ClaimKind::Fact => String::new(),
                ClaimKind::Concern | ClaimKind::Missing => format!("**{}** ", mark(claim)),
            };
            out.push(format!("- {weight}{words}{}", rule.unwrap_or_default()));
        }
        out.push(String::new());
        if section.id == "next" {
            out.push(escaped::fence("sh", &document.command));
        }
    }
    if let Some(analyst) = &document.analyst {
        out.extend([format!("### {}", escaped::markdown(&headline(document, analyst))), String::new()]);
        // Somebody else's text stays a quotation, whatever it tries to look like.
        out.extend(analyst.text.lines().map(|line| format!("> {}", escaped::markdown(line))));
        out.push(String::new());
    }
    out.extend(document.notes.iter().map(|note| format!("> {}\n", escaped::markdown(note))));
    out.join("\n")
}

fn mark(claim: &ClaimDocument) -> &'static str {
    match claim.kind {
        ClaimKind::Fact => "-",
        ClaimKind::Concern => "!",
        ClaimKind::Missing => "?",
    }
}

fn headline(document: &AnalysisDocument, analyst: &AnalystDocument) -> String {
    let AnalystDocument { model, text: _, figures_checked, figures_unfounded, unfounded } = analyst;
    let list = if unfounded.is_empty() { String::new() } else { format!(": {}", unfounded.join(", ")) };
    say!(
        document.language,
        "Written by {model}: {figures_checked} numbers checked, {figures_unfounded} not in the result{list}",
        "{model}의 글: 숫자 {figures_checked}개 확인, 결과에 없는 것 {figures_unfounded}개{list}"
    )
}
