//! A result in words, by rules alone: what limits it, where its knee lies, what to measure next. Each sentence has its numbers.

mod bottleneck;
mod facts;
mod figures;
mod knee;
mod next;
mod question;
mod render;
mod requests;
mod surroundings;
#[cfg(test)]
mod tests;

pub use figures::check;
pub use question::{Question, question};
pub use render::{markdown, text};

use facts::{Facts, say};

use crate::document::v1::service::{
    AnalysisDocument, ClaimDocument, DifferenceDocument, LanguageDocument, SectionDocument,
};
use crate::document::v1::{Format, Kind, RunDocument, VerdictDocument};

/// What holding the result against another one gave.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'a> {
    /// Why the two must not be compared.
    pub reasons: &'a [String],
    pub verdict: Option<&'a VerdictDocument>,
    pub differences: &'a [DifferenceDocument],
}

/// The analysis of a result; `created` is RFC 3339.
pub fn analysis(
    run: &RunDocument,
    comparison: Option<&Comparison<'_>>,
    language: LanguageDocument,
    created: &str,
) -> AnalysisDocument {
    let facts = Facts::new(run, language);
    let (bottleneck, cause) = bottleneck::claims(&facts);
    let (reason, command) = next::propose(&facts, cause);
    let sections = [
        ("summary", surroundings::summary(&facts, cause)),
        ("bottleneck", bottleneck),
        ("knee", knee::claims(&facts)),
        ("cache", surroundings::cache(&facts)),
        ("errors", requests::errors(&facts)),
        ("goodput", requests::goodput(&facts)),
        ("tail", requests::tail(&facts)),
        ("findings", surroundings::findings(&facts)),
        ("hardware", surroundings::hardware(&facts)),
        ("comparability", surroundings::comparability(&facts, comparison)),
        ("next", vec![reason]),
    ];
    let section = |(id, claims): (&str, Vec<ClaimDocument>)| SectionDocument {
        id: id.to_owned(),
        title: title(id, language),
        claims,
    };
    AnalysisDocument {
        format: Format::current(Kind::Analysis),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        created: created.to_owned(),
        language,
        name: run.name.clone(),
        sections: sections.into_iter().filter(|(_, claims)| !claims.is_empty()).map(section).collect(),
        command,
        analyst: None,
        notes: Vec::new(),
    }
}

fn title(id: &str, language: LanguageDocument) -> String {
    match id {
        "summary" => say!(language, "Summary", "요약"),
        "bottleneck" => say!(language, "Bottleneck", "병목"),
        "knee" => say!(language, "Throughput against latency", "처리량과 지연"),
        "cache" => say!(language, "Prefix cache", "프리픽스 캐시"),
        "errors" => say!(language, "Errors", "오류"),
        "goodput" => say!(language, "Objectives", "목표(goodput)"),
        "tail" => say!(language, "Tail", "꼬리 지연"),
        "findings" => say!(language, "Findings", "발견"),
        "hardware" => say!(language, "Hardware and energy", "하드웨어와 에너지"),
        "comparability" => say!(language, "Comparability", "비교 가능성"),
        _ => say!(language, "Next experiment", "다음 실험"),
    }
}
